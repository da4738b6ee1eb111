package privacy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// linkLasts is how long the one-time link to a package works.
const linkLasts = 7 * 24 * time.Hour

// Datum is one value of the subject's data in a package.
type Datum struct {
	Category string `json:"category"`
	Table    string `json:"table"`
	Record   string `json:"record"` // its key
	Field    string `json:"field"`
	Value    string `json:"value"`
	Why      string `json:"why"` // yours: of the record about you; mention: a text that names you, the words around masked
}

// Processing says how a category is processed: what Article 15 asks for besides the data.
type Processing struct {
	Category string `json:"category"`
	Keep     string `json:"kept"`
}

// Package is everything a package says.
type Package struct {
	Programme  string       `json:"programme"`
	Made       time.Time    `json:"made"`
	Subject    Subject      `json:"subject"`
	Data       []Datum      `json:"data"`
	Consents   []Consent    `json:"consents"`
	Processing []Processing `json:"processing"`
	Purpose    string       `json:"purpose"`
	Recipients []string     `json:"recipients"`
	Source     []string     `json:"source"`
	Rights     string       `json:"rights"`
	color      string
}

// maxData bounds a package: a person with more than this is told so in it.
const maxData = 200_000

// MakePackage writes the package of a verified access or portability request and returns the request. It replaces an earlier one.
// Errors: Conflict "privacy.not_verified".
func (s *Service) MakePackage(ctx context.Context, who access.Actor, v id.ID) (Request, error) {
	r, err := s.Get(ctx, who, v)
	if err != nil {
		return r, err
	}
	if !r.Verified() {
		return r, errNotVerified
	}
	if !who.May(ActAnswer) {
		return r, errs.New(errs.Forbidden, "denied", "Your role does not include the permission %q. Ask an Admin of your programme.", ActAnswer)
	}
	pkg, err := s.gather(ctx, who.Tenant, r.Subject())
	if err != nil {
		return r, err
	}
	system := access.NewSystem(who.Tenant, "package of a person's data")
	f, err := s.files.Save(ctx, system, file.Meta{Kind: file.SubjectExport, Name: fmt.Sprintf("your-data-%d.zip", r.Number), ContentType: "application/zip", Member: r.MemberID, ObjectType: "privacy_request", Object: r.ID},
		func(w io.Writer) error { return s.writePackage(ctx, w, who.Tenant, pkg) })
	if err != nil {
		return r, err
	}
	return s.change(ctx, who, ActAnswer, v, 0, func(tx *op.Tx, r *Request) (string, error) {
		if !r.Open() || r.Kind != Access && r.Kind != Portability {
			return "", wrongState(*r, "packed")
		}
		until := tx.Now.Add(linkLasts)
		r.PackageFile, r.PackageUntil = f.ID, &until
		return fmt.Sprintf("packed %d values", len(pkg.Data)), nil
	})
}

// gather collects the subject's data: identity records whole, everything else where it names them.
func (s *Service) gather(ctx context.Context, tenantID id.ID, sub Subject) (Package, error) {
	refs, err := s.knownBy(ctx, tenantID, sub)
	if err != nil {
		return Package{}, err
	}
	system := access.NewSystem(tenantID, "package of a person's data")
	consents, err := s.consentsOf(ctx, tenantID, refs)
	if err != nil {
		return Package{}, err
	}
	p, err := op.Read(ctx, s.ops, system, ActFind, func(tx *op.Tx) (Package, error) {
		set, err := tenant.SettingsIn(ctx, tx)
		if err != nil {
			return Package{}, err
		}
		p := Package{Programme: set.Name, Made: tx.Now, Subject: sub, Consents: consents, color: set.BrandColor,
			Purpose: "To run the partner programme of " + set.Name + ": to know who its partners and their customers' people are, to decide on registered deals and to keep them on record.",
			Rights:  "You can ask for correction, erasure or restriction, object to a use of your data, take it along, and complain to your supervisory authority."}
		if p.Processing, err = processingOf(ctx, tx); err != nil {
			return p, err
		}
		received, err := receiversOf(ctx, tx, refs, id.Nil)
		if err != nil {
			return p, err
		}
		if p.Recipients, err = partnerNames(ctx, tx, received); err != nil {
			return p, err
		}
		return p, s.collect(ctx, tx, refs, &p)
	})
	if err == nil {
		err = s.collectSealed(ctx, tenantID, refs, &p)
	}
	return p, err
}

// collect reads every table once more and keeps the values themselves.
func (s *Service) collect(ctx context.Context, tx *op.Tx, refs Refs, p *Package) error {
	tables, err := catalogue(ctx, tx)
	if err != nil {
		return err
	}
	m := refs.matcher()
	sources := map[string]bool{}
	for _, t := range tables {
		if t.name == "row_history" || t.name == "audit_entry" || own(t.name) {
			continue // what they say of the person stands in the records themselves; what was done is summed up in the search
		}
		err := eachRow(ctx, tx, t, window{pattern: refs.pattern(), links: true, ids: refs.ids()}, func(f found) error {
			if len(p.Data) < maxData && s.surely(t, f, refs, m) {
				p.Data = append(p.Data, dataOf(t, f, refs, m)...)
			}
			if t.ownRow(f, refs, m) {
				sources[sourceOf(f)] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for src := range sources {
		p.Source = append(p.Source, src)
	}
	slices.Sort(p.Source)
	return nil
}

// surely reports whether a row is about the subject and not perhaps about a namesake, whose data nobody else gets.
func (s *Service) surely(t table, f found, refs Refs, m matcher) bool {
	return t.ownRow(f, refs, m) || slices.ContainsFunc(s.hitsOf(t, f, refs, m), func(h Hit) bool { return h.Confidence != Possible })
}

func sourceOf(f found) string {
	switch {
	case f.text("import_id") != "":
		return "imported from a file"
	case f.text("partner_id") != "" && f.text("contact_id") != "":
		return "given by a partner of the programme"
	case f.text("contact_id") != "":
		return "recorded by the programme's own people"
	}
	return "given by yourself or by whoever invited you"
}

// dataOf returns what one row says of the subject. Of their own record everything personal; of another only the mention, with the
// rest of the text masked, for it may be about somebody else.
func dataOf(t table, f found, refs Refs, m matcher) []Datum {
	var out []Datum
	ownRow := t.ownRow(f, refs, m)
	key := strings.Join(f.key, "/")
	for _, c := range t.columns {
		d := Datum{Category: c.Category, Table: t.name, Record: key, Field: c.Name, Why: "yours"}
		if ownRow {
			if d.Value = f.text(c.Name); d.Value != "" && c.Class != "secret" && c.Name != "tenant_id" && c.Name != "version" {
				out = append(out, d)
			}
			continue
		}
		if !c.text() || derived[c.Name] {
			continue
		}
		d.Why = "mention"
		f.strings(c.Name, func(text string) {
			if m.whole(text) != "" {
				d.Value = text
			} else if masked := mask(text, m.spans(text)); masked != "" {
				d.Value = strings.TrimSpace(d.Value + " " + masked)
			}
		})
		if d.Value != "" {
			out = append(out, d)
		}
	}
	return out
}

// mask keeps the sentence around each mention and hides the names in it: words that begin with a capital inside a sentence, addresses
// and numbers that are not the subject's. "" without a mention.
func mask(text string, spans []span) string {
	if len(spans) == 0 {
		return ""
	}
	inside := func(at int) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return at >= s.from && at < s.to })
	}
	hidden := make([]bool, len(text))
	hide := func(from, to int) {
		for i := from; i < to; i++ {
			hidden[i] = !inside(i)
		}
	}
	for _, at := range emailLike.FindAllStringIndex(text, -1) {
		hide(at[0], at[1])
	}
	for _, at := range phoneLike.FindAllStringIndex(text, -1) {
		hide(at[0], at[1])
	}
	for _, w := range words(text) {
		if first := rune(text[w.from]); first >= 'A' && first <= 'Z' || first >= 0x80 {
			hide(w.from, w.to)
		}
	}
	var b strings.Builder
	last := false
	for i := 0; i < len(text); i++ {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
			last = false
		case !last:
			b.WriteString("•••")
			last = true
		}
	}
	return b.String()
}

// writePackage writes the signed zip.
func (s *Service) writePackage(ctx context.Context, w io.Writer, tenantID id.ID, p Package) error {
	signer, err := s.ops.Keys.Signer(ctx)
	if err != nil {
		return err
	}
	verifier, err := s.ops.Keys.Verifier(ctx)
	if err != nil {
		return err
	}
	zip := file.NewPackage(w, file.SubjectExport, tenantID, p.Made, signer, verifier)
	m, err := zip.Add("data.json")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(m).Encode(p); err != nil {
		return err
	}
	if m, err = zip.Add("data.csv"); err != nil {
		return err
	}
	table := sheet.NewCSV(m)
	if err := table.Columns("category", "table", "record", "field", "value", "why"); err != nil {
		return err
	}
	for _, d := range p.Data {
		for _, v := range []string{d.Category, d.Table, d.Record, d.Field, d.Value, d.Why} {
			table.Text(v)
		}
		if err := table.EndRow(); err != nil {
			return err
		}
	}
	if err := table.Close(); err != nil {
		return err
	}
	if m, err = zip.Add("your-data.html"); err != nil {
		return err
	}
	if err := readable.Execute(m, map[string]any{"P": p, "Color": template.CSS(p.color), "Made": p.Made.Format("2 January 2006")}); err != nil {
		return err
	}
	return zip.Close()
}

var readable = template.Must(template.New("package").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Your data at {{.P.Programme}}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#182433}h1{border-bottom:4px solid {{.Color}};padding-bottom:.5rem}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #dce1e7;padding:.35rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{font-weight:600}</style>
<h1>Your data at {{.P.Programme}}</h1><p>Made on {{.Made}} for {{.P.Subject.Name}} {{.P.Subject.Email}} {{.P.Subject.Phone}}.</p>
<h2>Why it is processed</h2><p>{{.P.Purpose}}</p><h2>Where it came from</h2><ul>{{range .P.Source}}<li>{{.}}</li>{{else}}<li>No record of your own was found.</li>{{end}}</ul>
<h2>Who received it</h2><ul>{{range .P.Recipients}}<li>{{.}}</li>{{else}}<li>Nobody outside {{.P.Programme}} and its processors.</li>{{end}}</ul>
<h2>How long it is kept</h2><table><tr><th>Category<th>Kept</tr>{{range .P.Processing}}<tr><td>{{.Category}}<td>{{.Keep}}</tr>{{end}}</table>
<h2>What you agreed to</h2><table><tr><th>Purpose<th>Ground<th>Since<th>Until</tr>{{range .P.Consents}}<tr><td>{{.Purpose}}<td>{{.Basis}}<td>{{.GivenAt.Format "2006-01-02"}}<td>{{with .WithdrawnAt}}{{.Format "2006-01-02"}}{{end}}</tr>{{else}}<tr><td colspan="4">Nothing is on record.</tr>{{end}}</table>
<h2>Your data</h2><table><tr><th>Where<th>What<th>Value</tr>{{range .P.Data}}<tr><td>{{.Table}}<td>{{.Field}}<td>{{.Value}}</tr>{{end}}</table>
<h2>Your rights</h2><p>{{.P.Rights}}</p></html>`))

// HandOver makes the one-time link by which the subject gets their package, without signing in. It is told once.
func (s *Service) HandOver(ctx context.Context, who access.Actor, v id.ID) (Link, error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	token := base64.RawURLEncoding.EncodeToString(raw)
	r, err := s.change(ctx, who, ActAnswer, v, 0, func(tx *op.Tx, r *Request) (string, error) {
		if r.PackageUntil == nil || tx.Now.After(*r.PackageUntil) {
			return "", errs.New(errs.Conflict, "privacy.no_package", "Make the package of the person's data first.")
		}
		until := tx.Now.Add(linkLasts)
		r.LinkHash, r.LinkExpiresAt, r.LinkUsedAt = linkHash(token), &until, nil
		return "made a one-time link", nil
	})
	if err != nil {
		return Link{}, err
	}
	return Link{URL: s.ops.PublicURL + "/your-data/" + token, Until: *r.LinkExpiresAt}, nil
}

// Link is a one-time link to a package.
type Link struct {
	URL   string    `json:"url"`
	Until time.Time `json:"until"`
}

// ToldOnce implements op.Once: the link is never kept for replays.
func (Link) ToldOnce() {}

func linkHash(token string) []byte {
	sum := sha256.Sum256([]byte("privacy link|" + token))
	return sum[:]
}

// Collect opens the package behind a one-time link and uses the link up. NotFound when it is unknown, used or over.
func (s *Service) Collect(ctx context.Context, token string, req access.Request) (*file.Content, error) {
	gone := errs.New(errs.NotFound, "privacy.link", "This link was used already, or its time is over. Ask the programme for a new one.")
	tenantID, request, err := s.byLink(ctx, linkHash(token))
	if err != nil || request == id.Nil {
		return nil, cmpErr(err, gone)
	}
	who := access.NewSystem(tenantID, "handed to the person by a one-time link")
	who.Request = access.Request{ID: req.ID, IP: req.IP, UserAgent: req.UserAgent}
	r, err := s.change(ctx, who, ActAnswer, request, 0, func(tx *op.Tx, r *Request) (string, error) {
		if r.LinkUsedAt != nil || r.LinkExpiresAt == nil || tx.Now.After(*r.LinkExpiresAt) || r.PackageFile == id.Nil {
			return "", gone
		}
		r.LinkUsedAt, r.LinkHash = &tx.Now, nil
		return "the person collected the package", nil
	})
	if err != nil {
		return nil, err
	}
	return s.files.Open(ctx, who, r.PackageFile)
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// Download opens the package of a request: for the officer, and for the person themselves.
func (s *Service) Download(ctx context.Context, who access.Actor, v id.ID) (*file.Content, error) {
	var r Request
	var err error
	if who.May(ActRead) {
		r, err = s.Get(ctx, who, v)
	} else {
		r, err = s.MyRequest(ctx, who, v)
	}
	if err != nil {
		return nil, err
	}
	if r.PackageFile == id.Nil {
		return nil, errs.New(errs.NotFound, "privacy.no_package", "There is no package.")
	}
	return s.files.Open(ctx, access.NewSystem(who.Tenant, "downloaded by "+who.Name), r.PackageFile)
}
