package trail

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// done says each action in the past tense, as in "Ada approved the deal".
var done = map[access.Action]string{
	"retention.run": "finished", "retention.warn": "warned", "retention.erase": "erased the account of", "hold.place": "placed a legal hold on", "hold.release": "released the legal hold on",
	"duty.set": "recorded a legal duty to keep", "duty.drop": "took back the legal duty to keep",
	"deal.create": "registered", "deal.update": "changed", "deal.submit": "submitted", "deal.withdraw": "withdrew", "deal.approve": "approved",
	"deal.return": "sent back", "deal.reject": "rejected", "deal.win": "won", "deal.lose": "lost", "deal.move": "moved",
	"deal.restore": "restored an old version of", "deal.note": "wrote a note on", "deal.expire": "closed as expired", "deal.check": "asked about", "deal.tell": "wrote mails about",
	"view.save": "saved", "view.delete": "deleted",
	"partner.create": "added", "partner.update": "changed", "partner.restore": "restored an old version of",
	"account.create": "added", "account.update": "changed", "account.restore": "restored an old version of", "contact.restore": "restored an old version of",
	"contact.create": "added", "contact.update": "changed", "contact.delete": "deleted", "consent.record": "recorded the consent of",
	"privacy.open": "recorded", "privacy.verify": "checked the identity of", "privacy.update": "worked on", "privacy.propose": "proposed the erasure of",
	"privacy.approve": "decided the plan of", "privacy.answer": "worked on the answer of", "privacy.run": "carried on", "me.request": "asked with",
	"person.invite": "invited", "person.update": "changed", "person.suspend": "changed the access of",
	"key.create": "created", "key.revoke": "revoked", "me.update": "changed their own account", "me.accept": "accepted the invitation", "me.sign_in": "signed in",
	"me.sign_out": "signed out", "me.reset": "set a new password", "me.key_create": "created", "me.key_revoke": "revoked",
	"import.create": "uploaded", "import.check": "checked", "import.map": "changed the mapping of", "import.commit": "committed", "import.undo": "took back",
	"notice.send":    "sent",
	"document.draft": "edited", "document.publish": "published", "document.update": "changed", "document.accept": "accepted", "document.notify": "noted the notices of",
	"processor.draft": "proposed", "processor.announce": "announced", "processor.object": "objected to", "processor.decide": "decided an objection to",
	"incident.report": "reported", "incident.note": "wrote on", "incident.assess": "assessed", "incident.advance": "moved", "incident.clock": "settled a deadline of",
	"incident.notify": "wrote a notice about", "incident.review": "reviewed", "incident.alarm": "warned of a deadline of",
	"trust.check": "probed", "trust.attest": "attested", "benchmark.opt": "changed", "benchmark.release": "released", "trust.package": "made an evidence package", "concern.report": "took in", "concern.answer": "answered",
	"file.open": "downloaded", "file.delete": "deleted", "file.create": "made", "file.sweep": "ended", "file.rekey": "encrypted anew",
	"policy.apply":  "applied",
	"journal.solve": "changed",
	"mail.send":     "sent", "tenant.create": "set up", "tenant.update": "changed", "stage.update": "changed", "product.update": "changed",
	"partner.end": "ended the relation to", "person.leave": "took out",
	"tenant.delete": "asked for the deletion of", "tenant.keep": "kept", "tenant.close": "closed", "tenant.purge": "erased",
	"mail.seal":   "encrypted",
	"rekey.start": "began to exchange", "rekey.run": "exchanged",
	"archive.export": "asked for an export of", "archive.write": "exported", "archive.import": "brought in",
	"audit.export": "exported",
	"privacy.find": "searched for a person in", "privacy.restrict": "changed whether data may be processed of", "privacy.replay": "erased again after a restore", "privacy.task_answer": "answered", "journal.record": "wrote",
}

// Did says what the actor did, without the object: "approved"; of a refusal it says "was refused".
func (e Entry) Did() string {
	if e.Outcome == "denied" {
		return "was refused"
	}
	if e.Action == "stage.update" || e.Action == "product.update" {
		if v, ok := e.lifted("name"); ok {
			return v
		}
	}
	if v, ok := done[e.Action]; ok {
		return v
	}
	_, verb, _ := strings.Cut(string(e.Action), ".")
	return "did " + strings.ReplaceAll(verb, "_", " ")
}

// Own reports whether the actor did it to themselves, so that the words of Did need no object.
func (e Entry) Own() bool { return e.Action.Room() == "me" && e.ObjectType == "member" }

// lifted tells adding and removing from changing where one action does all three, by a column that every record has.
func (e Entry) lifted(column string) (string, bool) {
	c, ok := e.Changes[column]
	switch {
	case ok && c[0] == nil:
		return "added", true
	case ok && c[1] == nil:
		return "removed", true
	}
	return "", false
}

// nouns stand in a sentence of the log: "finished a run of retention".
var nouns = map[string]string{"retention_run": "a run of", "legal_hold": "record", "legal_duty": "category"}

// Noun says what kind of record an object type is: "person".
func Noun(objectType string) string {
	if n, ok := nouns[objectType]; ok {
		return n
	}
	return errs.Noun(objectType)
}

// Line is one changed column in words; "" is none.
type Line struct{ Column, Field, Old, New string }

// Writer writes values as one reader is used to; ui.Reader is one.
type Writer interface {
	Date(day string) string // of "2026-03-28"
	Moment(at time.Time) string
	Money(minor int64, currency string) string
	Number(n int64) string
}

// labels are the columns whose name alone is not what people call them; their order is the order of reading.
var labels = []struct{ column, label string }{
	{"name", "Name"}, {"title", "Title"}, {"state", "State"}, {"status", "Status"}, {"kind", "Type"}, {"role", "Role"}, {"stage_id", "Stage"},
	{"partner_id", "Partner"}, {"owner_id", "Owner"}, {"manager_name", "Manager"}, {"account_id", "Account"}, {"account_name", "Account"}, {"account_domain", "Account domain"},
	{"account_country", "Account country"}, {"amount_minor", "Amount"}, {"price_minor", "Price"}, {"currency", "Currency"}, {"product", "Product"},
	{"expected_close_on", "Expected close"}, {"closed_on", "Closed on"}, {"protected_until", "Protected until"}, {"reason_code", "Reason"}, {"reason", "Explanation"},
	{"answer", "Duplicate check"}, {"email", "E-mail"}, {"phone", "Phone"}, {"domain", "Domain"}, {"domains", "Domains"}, {"country", "Country"}, {"region", "Region"},
	{"sector", "Sector"}, {"employees", "Employees"}, {"parent_name", "Parent company"}, {"default_currency", "Currency"}, {"time_zone", "Time zone"},
	{"protection_days", "Days of protection"}, {"agent_edits", "Agents may edit"}, {"brand_color", "Brand colour"}, {"logo_type", "Logo"}, {"public_host", "Host of the public pages"},
	{"probability", "Probability"}, {"position", "Position"}, {"profile", "Profile"}, {"number", "Version"}, {"external_id", "External id"}, {"source", "Source"}, {"claim_key", "Claim"},
}

// quiet columns say nothing to a reader of words; the API still tells them.
var quiet = []string{"claim_key", "domain_norm", "list", "position", "slug", "is_demo"}

// Lines says what an entry changed, column by column, in reading order. Keys are left out.
func (e Entry) Lines(w Writer) []Line { return Lines(e.Changes, "", w) }

// Lines is Entry.Lines for any changes. currency is that of amounts whose currency did not change, "" when nobody knows it.
func Lines(changes map[string][2]any, currency string, w Writer) []Line {
	type ranked struct {
		rank int
		line Line
	}
	var all []ranked
	in := wording{w, currency, changes["currency"]}
	for column, c := range changes {
		if slices.Contains(quiet, column) || isKey(c[0]) && isKey(c[1]) {
			continue
		}
		rank := slices.IndexFunc(labels, func(l struct{ column, label string }) bool { return l.column == column })
		label := strings.ReplaceAll(column, "_", " ")
		if rank >= 0 {
			label = labels[rank].label
		} else {
			rank, label = len(labels), strings.ToUpper(label[:1])+label[1:]
		}
		all = append(all, ranked{rank, Line{column, label, in.words(column, c[0], 0), in.words(column, c[1], 1)}})
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.line.Field, b.line.Field))
	})
	out := make([]Line, len(all))
	for i, r := range all {
		out[i] = r.line
	}
	return out
}

func isKey(v any) bool {
	s, ok := v.(string)
	if v == nil {
		return true
	}
	_, key := id.Parse(s)
	return ok && key
}

// wording writes the values of one set of changes.
type wording struct {
	Writer
	currency   string // of what did not change it
	currencies [2]any // before and after
}

// words writes a value of one side of a change; "" is none.
func (w wording) words(column string, v any, side int) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		if column == "amount_minor" || column == "price_minor" {
			return w.amount(int64(v), side)
		}
		if v == float64(int64(v)) {
			return w.Number(int64(v))
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		return w.text(column, v)
	case []any:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = w.words(column, p, side)
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v)
}

func (w wording) text(column, v string) string {
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return w.Moment(at)
	}
	if day := w.Date(v); day != "" {
		return day
	}
	if strings.HasSuffix(column, "country") {
		if name := country.Name(v); name != "" {
			return name
		}
	}
	return v
}

// amount writes minor units with the currency of their side.
func (w wording) amount(minor int64, side int) string {
	for _, cur := range []any{w.currencies[side], w.currencies[1-side], w.currency} {
		if cur, ok := cur.(string); ok && cur != "" {
			return w.Money(minor, cur)
		}
	}
	return strconv.FormatInt(minor, 10) + " in minor units"
}
