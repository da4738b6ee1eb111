// Package role has the four built-in roles and what they are granted. Permissions are data: one table, read by people
// here, by docs/permissions.md, and by the program when it builds an actor. Custom roles add rows, not code.
package role

import (
	"slices"
	"strings"

	"entente.dev/internal/access"
)

// The built-in roles.
const (
	Admin   = "admin"   // runs the programme: settings, people, everything Staff may
	Staff   = "staff"   // channel managers
	Partner = "partner" // runs the partner company's side
	Agent   = "agent"   // works for the partner
)

// All lists the built-in roles in the order of the table's columns.
var All = []string{Admin, Staff, Partner, Agent}

// Label returns the role's name as people read it.
func Label(role string) string {
	if role == "" {
		return ""
	}
	return strings.ToUpper(role[:1]) + role[1:]
}

// Persona returns the side a role stands on.
func Persona(role string) access.Persona {
	if role == Partner || role == Agent {
		return access.Partner
	}
	return access.Staff
}

// line is one row of the permission table: the scopes of Admin, Staff, Partner and Agent.
type line struct {
	act                          access.Action
	admin, staff, partner, agent access.Scope
	read                         bool
	what                         string
}

const (
	no  = access.None
	own = access.Own
	all = access.All
)

// table is the whole of what the built-in roles may do. What is not here, nobody may do.
var table = []line{
	// action              Admin Staff Partner Agent read  what
	{"deal.list", all, all, all, all, true, "See deals: lists, board, exports"},
	{"deal.read", all, all, all, all, true, "See one deal with its timeline"},
	{"deal.check", all, all, all, all, true, "Ask whether a customer is free"},
	{"deal.create", all, all, all, all, false, "Register a deal (as a draft)"},
	{"deal.update", all, all, all, own, false, "Change a deal's facts"},
	{"deal.submit", all, all, all, own, false, "Submit a deal for a decision"},
	{"deal.withdraw", no, no, all, own, false, "Take a registration back"},
	{"deal.approve", all, all, no, no, false, "Approve a registration: starts protection"},
	{"deal.return", all, all, no, no, false, "Send a registration back for more information"},
	{"deal.reject", all, all, no, no, false, "Reject a registration with a reason"},
	{"deal.win", all, all, all, own, false, "Mark a deal won"},
	{"deal.lose", all, all, all, own, false, "Mark a deal lost"},
	{"deal.move", all, all, all, own, false, "Move a deal to another pipeline stage"},
	{"deal.note", all, all, all, all, false, "Write a note on a deal"},
	{"deal.versions", all, all, no, no, true, "See how a deal stood after each of its changes"},
	{"deal.restore", all, all, no, no, false, "Restore an old version of a deal"},
	{"deal.queue", all, all, no, no, true, "See the decision queue"},
	{"deal.tell", no, no, no, no, false, "Write the mails about a deal (the program itself)"},
	{"deal.expire", no, no, no, no, false, "Let a protection run out (the program itself)"},
	{"view.list", all, all, all, all, true, "See one's saved views"},
	{"view.save", all, all, all, all, false, "Save a view of a list"},
	{"view.delete", all, all, all, all, false, "Delete one's saved view"},
	{"partner.list", all, all, all, all, true, "See partner companies (partners: their own)"},
	{"partner.read", all, all, all, all, true, "See one partner company"},
	{"partner.create", all, all, no, no, false, "Add a partner company"},
	{"partner.update", all, all, no, no, false, "Change a partner company"},
	{"partner.versions", all, all, no, no, true, "See how a partner company stood after each of its changes"},
	{"partner.restore", all, all, no, no, false, "Restore an old version of a partner company"},
	{"partner.end", all, all, no, no, false, "End the relation to a partner company: hand its deals over, take its people's access"},
	{"account.list", all, all, all, all, true, "See end customers"},
	{"account.read", all, all, all, all, true, "See one end customer"},
	{"account.create", all, all, all, all, false, "Add an end customer"},
	{"account.update", all, all, no, no, false, "Change an end customer"},
	{"account.versions", all, all, no, no, true, "See how an end customer stood after each of its changes"},
	{"account.restore", all, all, no, no, false, "Restore an old version of an end customer"},
	{"contact.list", all, all, all, all, true, "See contacts"},
	{"contact.read", all, all, all, all, true, "See one contact"},
	{"contact.create", all, all, all, all, false, "Add a contact"},
	{"contact.update", all, all, all, all, false, "Change a contact"},
	{"contact.delete", all, all, all, no, false, "Delete a contact"},
	{"contact.versions", all, all, no, no, true, "See how a contact stood after each of its changes"},
	{"contact.restore", all, all, no, no, false, "Restore an old version of a contact"},
	{"person.list", all, all, all, no, true, "See the people of the programme (partners: their own)"},
	{"person.read", all, all, all, no, true, "See one person"},
	{"person.invite", all, all, all, no, false, "Invite a person (Staff: partner people only; Partner: own company)"},
	{"person.update", all, no, all, no, false, "Change a person's role or name"},
	{"person.suspend", all, no, all, no, false, "Suspend, restore or remove a person"},
	{"person.leave", all, no, all, no, false, "Take a person who leaves out of the programme, and hand their deals over"},
	{"key.list", all, no, no, no, true, "See service accounts' API keys"},
	{"key.create", all, no, no, no, false, "Create a service account with an API key"},
	{"key.revoke", all, no, no, no, false, "Revoke a service account's API key"},
	{"me.read", all, all, all, all, true, "See one's own account, sessions and keys"},
	{"me.update", all, all, all, all, false, "Change one's own name, password or theme"},
	{"me.accept", all, all, all, all, false, "Accept one's invitation"},
	{"me.sign_in", all, all, all, all, false, "Sign in, switch membership"},
	{"me.reset", no, no, no, no, false, "Reset a password by a mailed link (the program itself)"},
	{"me.sign_out", all, all, all, all, false, "Sign out and revoke one's sessions"},
	{"me.key_create", all, all, all, all, false, "Create a personal API key"},
	{"me.key_revoke", all, all, all, all, false, "Revoke a personal API key"},
	{"import.list", all, all, no, no, true, "See imports"},
	{"import.read", all, all, no, no, true, "See one import and its report"},
	{"import.create", all, all, no, no, false, "Upload a file for import"},
	{"import.map", all, all, no, no, false, "Change an import's mapping, check again"},
	{"import.check", no, no, no, no, false, "Check the rows of an import (the program itself)"},
	{"import.commit", all, all, no, no, false, "Commit an import"},
	{"import.undo", all, all, no, no, false, "Undo an import"},
	{"audit.list", all, all, no, no, true, "Read the audit log"},
	{"audit.object", all, all, all, all, true, "Read what happened to one record"},
	{"audit.checkpoint", all, all, no, no, true, "See the newest signed checkpoint of the log"},
	{"audit.proof", all, all, all, all, true, "See the proof of a log entry that one may read"},
	{"audit.export", all, no, no, no, false, "Export the sealed log as a bundle to verify offline"},
	{"audit.verify", all, no, no, no, true, "Verify the whole log as it stands"},
	{"audit.own", all, all, all, no, true, "Open the audit log (partners: what concerns their own records)"},
	{"mail.list", all, no, no, no, true, "Read the e-mail log"},
	{"mail.read", all, no, no, no, true, "Read one logged e-mail"},
	{"mail.send", no, no, no, no, false, "Hand a logged e-mail to the mail server (the program itself)"},
	{"file.list", all, all, all, own, true, "See stored files: evidence, certificates (partners: their own)"},
	{"file.read", all, all, all, own, true, "See what one stored file is"},
	{"file.open", all, all, all, own, false, "Download a stored file"},
	{"file.delete", all, all, no, no, false, "Delete a stored file before its time"},
	{"file.private", all, no, no, no, true, "Have files full of personal data too: exports, audit bundles"},
	{"file.create", no, no, no, no, false, "Write a stored file (the program itself)"},
	{"file.sweep", no, no, no, no, false, "End files whose time is up (the program itself)"},
	{"file.rekey", no, no, no, no, false, "Encrypt a stored file with a new key (the program itself)"},
	{"mail.seal", no, no, no, no, false, "Encrypt mails from before (the program itself)"},
	{"rekey.start", no, no, no, no, false, "Give the programme a new data key (the operator)"},
	{"rekey.run", no, no, no, no, false, "Encrypt with the new data key what an older one encrypted (the program itself)"},
	{"tenant.read", all, all, all, all, true, "See the programme's name, brand, stages and products"},
	{"tenant.create", no, no, no, no, false, "Set up a programme (the operator)"},
	{"archive.read", all, no, no, no, true, "See the programme's exports and how it leaves"},
	{"archive.export", all, no, no, no, false, "Export the whole programme"},
	{"archive.write", no, no, no, no, false, "Write an export (the program itself)"},
	{"archive.import", no, no, no, no, false, "Bring in a programme from another installation (the operator)"},
	{"tenant.delete", all, no, no, no, false, "Ask for the programme to be deleted, or agree to it"},
	{"tenant.keep", all, no, no, no, false, "Take the deletion of the programme back"},
	{"tenant.close", no, no, no, no, false, "Close a programme whose day has come (the program itself)"},
	{"tenant.purge", no, no, no, no, false, "Erase a closed programme (the program itself)"},
	{"tenant.update", all, no, no, no, false, "Change settings: brand, protection days"},
	{"stage.update", all, no, no, no, false, "Change the pipeline's stages"},
	{"product.update", all, all, no, no, false, "Change the product list"},
	{"privacy.list", all, no, no, no, true, "See requests of persons about their data"},
	{"privacy.read", all, no, no, no, true, "See one such request with what was found"},
	{"privacy.find", all, no, no, no, false, "Search everything for a person"},
	{"privacy.restricted", all, no, no, no, true, "See whose processing is suspended"},
	{"privacy.open", all, no, no, no, false, "Record a request of a person"},
	{"privacy.verify", all, no, no, no, false, "Record how a person's identity was checked"},
	{"privacy.update", all, no, no, no, false, "Change whom a request is about, extend its deadline, ask partners"},
	{"privacy.propose", all, no, no, no, false, "Propose an erasure"},
	{"privacy.approve", all, no, no, no, false, "Approve an erasure that somebody else proposed"},
	{"privacy.answer", all, no, no, no, false, "Answer a request: package, correction, restriction, objection, or refusal"},
	{"privacy.restrict", all, no, no, no, false, "Suspend the processing of a person's data, or lift that"},
	{"privacy.run", no, no, no, no, false, "Carry out an erasure, send alarms (the program itself)"},
	{"privacy.replay", no, no, no, no, false, "Erase again after a restore (the program itself)"},
	{"privacy.task_list", no, no, all, no, true, "See what one's company is asked to do for a person"},
	{"privacy.task_answer", no, no, all, no, false, "Answer such a task"},
	{"me.privacy", all, all, all, all, true, "See one's own data and requests"},
	{"me.request", all, all, all, all, false, "Ask for one's own data, its correction, erasure or restriction"},
	{"consent.record", all, all, all, all, false, "Record a contact's consent, its withdrawal or an objection"},
	{"notice.send", no, no, no, no, false, "Queue the mails of a notice (the program itself)"},
	{"document.list", all, all, all, all, true, "See the documents in force and announced"},
	{"document.read", all, all, all, all, true, "Read one version of a document, compare versions"},
	{"document.draft", all, no, no, no, false, "Write or discard the draft of a document"},
	{"document.publish", all, no, no, no, false, "Publish a draft, withdraw an announced version"},
	{"document.update", all, no, no, no, false, "Say who is told of a document and who accepts it"},
	{"document.accept", no, no, all, all, false, "Accept a document"},
	{"document.acceptances", all, all, no, no, true, "See and export who accepted what"},
	{"document.notify", no, no, no, no, false, "Note that the notices of a version are out (the program itself)"},
	{"processor.list", all, all, all, all, true, "See the register of sub-processors"},
	{"processor.read", all, all, all, all, true, "See one sub-processor with its objections"},
	{"processor.draft", all, no, no, no, false, "Propose a sub-processor or a change of one"},
	{"processor.announce", all, no, no, no, false, "Announce, withdraw or end a sub-processor"},
	{"processor.object", all, no, all, all, false, "Object to an announced sub-processor"},
	{"processor.decide", all, no, no, no, false, "Decide an objection"},
	{"incident.list", all, all, no, no, true, "See the incident register"},
	{"incident.read", all, all, no, no, true, "See one incident"},
	{"incident.report", all, all, no, no, false, "Report an incident"},
	{"incident.note", all, all, no, no, false, "Write on an incident's timeline"},
	{"incident.assess", all, no, no, no, false, "Assess an incident, find who is affected"},
	{"incident.advance", all, no, no, no, false, "Confirm, contain, resolve, dismiss or close an incident"},
	{"incident.clock", all, no, no, no, false, "Meet or waive a deadline of an incident"},
	{"incident.notify", all, no, no, no, false, "Write and send the notices of an incident"},
	{"incident.review", all, no, no, no, false, "Write the post-mortem and its actions"},
	{"incident.alarm", no, no, no, no, false, "Warn of an incident's deadline (the program itself)"},
	{"trust.read", all, all, no, no, true, "See the register of promises with its evidence"},
	{"trust.check", all, no, no, no, false, "Probe a promise now, and read what probes found in detail"},
	{"trust.attest", all, no, no, no, false, "Attest what software cannot see"},
	{"policy.read", all, all, no, no, true, "See the data policy, the data map and the register of processing"},
	{"policy.apply", all, no, no, no, false, "Apply a policy profile, tighten a rule"},
	{"trust.package", all, no, no, no, false, "Make a signed package of evidence for a period"},
	{"concern.report", no, no, no, no, false, "Report a concern through the public form (the program itself)"},
	{"concern.list", all, all, no, no, true, "Read the concerns that people report"},
	{"concern.answer", all, no, no, no, false, "Answer or close a concern"},
	{"retention.read", all, all, no, no, true, "See how long things are kept, what goes next and the reports of runs"},
	{"retention.run", all, no, no, no, false, "Run retention now, or count what it would delete"},
	{"retention.warn", no, no, no, no, false, "Write to a user whose account will be erased (the program itself)"},
	{"retention.erase", no, no, no, no, false, "Erase an account whose period is over (the program itself)"},
	{"hold.list", all, all, no, no, true, "See legal holds"},
	{"hold.place", all, no, no, no, false, "Place a legal hold on a person, an account, a partner or everything"},
	{"hold.release", all, no, no, no, false, "Release a legal hold"},
	{"duty.set", all, no, no, no, false, "Record what a law asks to be kept"},
	{"duty.drop", all, no, no, no, false, "Take back what a law asked to be kept"},
	{"journal.list", all, no, no, no, true, "Read the access log, error reports and the workflow log"},
	{"journal.solve", all, no, no, no, false, "Mark an error report solved, or open it again"},
	{"journal.record", no, no, no, no, false, "Write the access log (the program itself)"},
	{"journal.adoption", all, all, no, no, true, "See how much a partner uses the portal"},
	{"benchmark.read", all, all, no, no, true, "See benchmarks across programmes, where the programme takes part"},
	{"benchmark.opt", all, no, no, no, false, "Say whether the programme takes part in benchmarks"},
	{"benchmark.release", no, no, no, no, false, "Release the benchmarks of a quarter (the program itself)"},
	{"home.read", all, all, all, all, true, "See one's home page"},
}

// Grants returns what a role is granted; an unknown role is granted nothing.
func Grants(role string) map[access.Action]access.Scope { return builtin[role] }

var builtin = func() map[string]map[access.Action]access.Scope {
	m := map[string]map[access.Action]access.Scope{Admin: {}, Staff: {}, Partner: {}, Agent: {}}
	for _, l := range table {
		for role, s := range map[string]access.Scope{Admin: l.admin, Staff: l.staff, Partner: l.partner, Agent: l.agent} {
			if s != no {
				m[role][l.act] = s
			}
		}
	}
	return m
}()

// Leaving narrows grants to what people may still do in a programme that is closing: read, export, take the closing back,
// answer people's requests about their data, and sign in and out.
func Leaving(grants map[access.Action]access.Scope) map[access.Action]access.Scope {
	out := make(map[access.Action]access.Scope, len(grants))
	for act, sc := range grants {
		switch act.Room() {
		case "me", "privacy", "archive":
			out[act] = sc
		default:
			if Reads(act) || act == "tenant.keep" {
				out[act] = sc
			}
		}
	}
	return out
}

// Reads reports whether an action only reads; API keys with the scope "read" are limited to those.
func Reads(act access.Action) bool {
	i := slices.IndexFunc(table, func(l line) bool { return l.act == act })
	return i >= 0 && table[i].read
}

// Actions returns every action of the table, in its order.
func Actions() []access.Action {
	out := make([]access.Action, len(table))
	for i, l := range table {
		out[i] = l.act
	}
	return out
}

// What says in words what an action is, "Read the audit log", without what stands in brackets; of an unknown one nothing.
func What(act access.Action) string {
	for _, l := range table {
		if l.act == act {
			words, _, _ := strings.Cut(l.what, " (")
			return words
		}
	}
	return ""
}

// Markdown returns the table as docs/permissions.md shows it.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Permissions\n\n<!-- Code generated from internal/access/role/builtin.go. DO NOT EDIT. -->\n\n")
	b.WriteString("What the built-in roles may do. `all` reaches every object that the role's side may see at all (a partner sees only its own\n")
	b.WriteString("company's), `own` only objects the person owns, `–` nothing. Actions that no role has belong to the program itself.\n\n")
	b.WriteString("| action | Admin | Staff | Partner | Agent | what |\n|---|---|---|---|---|---|\n")
	for _, l := range table {
		b.WriteString("| `" + string(l.act) + "` | " + l.admin.String() + " | " + l.staff.String() + " | " + l.partner.String() + " | " + l.agent.String() + " | " + l.what + " |\n")
	}
	return b.String()
}
