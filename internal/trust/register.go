package trust

import (
	"slices"
	"time"
)

// Promise is one line of the register.
type Promise struct {
	ID        string // P-01
	Group     string
	Title     string        // a few words
	Sentence  string        // what a reader is told
	Mechanism string        // what makes it true, in plain words
	Check     string        // what the probe does
	Every     time.Duration // how often it is probed
	PerTenant bool          // each programme is probed by itself
	Attest    bool          // software cannot see all of it: somebody may attest the rest
	Missing   string        // why this version does not offer it, "" when it does
	probe     probe
}

// Overdue is how old the last probe may be before the promise counts as not probed.
func (p Promise) Overdue() time.Duration { return 2*p.Every + 30*time.Minute }

// The groups, in the order of reading.
const (
	groupIdentity  = "Identity and access"
	groupIsolation = "Isolation and encryption"
	groupLogs      = "Logs"
	groupRights    = "Retention and rights"
	groupChange    = "Continuity and change"
)

// Groups lists the groups in the order of reading.
var Groups = []string{groupIdentity, groupIsolation, groupLogs, groupRights, groupChange}

const (
	hourly = time.Hour
	daily  = 24 * time.Hour

	noBackups = "This version takes no backups by itself. Back up the data directory or the database with your own tools."
	noSignOn  = "This version signs people in by password only."
)

// Find returns the promise with an id such as "P-10".
func Find(promise string) (Promise, bool) {
	i := slices.IndexFunc(register, func(p Promise) bool { return p.ID == promise })
	if i < 0 {
		return Promise{}, false
	}
	return register[i], true
}

// Register returns every promise, in order.
func Register() []Promise { return slices.Clone(register) }

var register = slices.Concat(identityPromises(), isolationPromises(), logPromises(), rightsPromises(), changePromises())

func identityPromises() []Promise {
	g := groupIdentity
	return []Promise{
		{ID: "P-01", Group: g, Title: "Passwords are hashed", Every: hourly, probe: probeHashes,
			Sentence:  "Passwords are kept as one-way hashes only, and are never logged.",
			Mechanism: "argon2id with at least 19 MiB, two passes and a random salt; log lines hold no request body.",
			Check:     "Reads every stored hash and its parameters; signs in with a random password and looks for it in everything that is logged."},
		{ID: "P-02", Group: g, Title: "Breached passwords are refused", Every: hourly, probe: probeBreached,
			Sentence:  "A new password that is known to be breached is refused, and the password is shown to nobody for it.",
			Mechanism: "New passwords are compared, in this process, with a list of passwords that attackers try first; at least 15 characters; no password leaves the program.",
			Check:     "Offers the real validator a known breached password and a random good one."},
		{ID: "P-03", Group: g, Title: "Second factor", Every: daily, Missing: noSignOn + " A second factor is not part of it.",
			Sentence:  "Everybody can protect their account by TOTP or a passkey, and a role can be made to.",
			Mechanism: "Time-based codes used once each, and passkeys with user verification.", Check: "Nothing yet."},
		{ID: "P-04", Group: g, Title: "Single sign-on", Every: daily, Missing: noSignOn + " SAML, OpenID Connect and SCIM are not part of it.",
			Sentence:  "Single sign-on by SAML 2.0 and OpenID Connect, and joiners and leavers by SCIM.",
			Mechanism: "Connections of a tenant to its identity provider.", Check: "Nothing yet."},
		{ID: "P-05", Group: g, Title: "Roles and permissions", Every: hourly, probe: probeRoles,
			Sentence:  "Admin, Staff, Partner and Agent have permissions of their own, one for each thing that can be done; settings narrow what Agents may change.",
			Mechanism: "One permission table; each page and each API operation names its permission or says why it is public.",
			Check:     "Reads every route and its permission; makes sure that each stands in the table and that no role has everything a higher one has."},
		{ID: "P-06", Group: g, Title: "Every request is checked", Every: hourly, probe: probeDenied,
			Sentence:  "Every request is checked before anything is read; what no permission allows is refused.",
			Mechanism: "Two doors that know who calls before a handler runs, and a second check inside each transaction.",
			Check:     "Knocks at every private page and API operation without signing in; asks every permission for somebody who has none."},
		{ID: "P-07", Group: g, Title: "Guessing is stopped", Every: hourly, probe: probeGuessing,
			Sentence:  "Guessing of passwords is slowed down for each account, network and device, without locking the owner out.",
			Mechanism: "Budgets of attempts in the database, shared by all nodes. Rules for anomalies such as impossible travel are not part of this version.",
			Check:     "Spends the attempts of a made-up account in a transaction that is rolled back, until it has to wait."},
		{ID: "P-08", Group: g, Title: "First-party sessions", Every: hourly, probe: probeCookies,
			Sentence:  "A session is a first-party cookie that scripts cannot read; nothing that signs you in lies in browser storage; people see and end their sessions.",
			Mechanism: "__Host- cookies with Secure, HttpOnly and SameSite; only a hash of the token is stored.",
			Check:     "Reads the cookies as signing in writes them; looks for browser storage in every script; looks at the lengths of the stored hashes."},
		{ID: "P-09", Group: g, Title: "Operator access is visible", Every: daily, Missing: "Operators have no door into a programme's data in this version, so that there is no access to limit in time. What they do on the command line is in the audit log as “operator (command line)”.",
			Sentence:  "When the operator looks into a tenant's data, it is for a stated reason, ends by itself, and the tenant sees it.",
			Mechanism: "Time-boxed access that the tenant sees.", Check: "Nothing yet."},
	}
}

func isolationPromises() []Promise {
	g := groupIsolation
	return []Promise{
		{ID: "P-10", Group: g, Title: "Tenants cannot reach each other", Every: hourly, probe: probeIsolation,
			Sentence:  "Each request sees one organisation, and the database itself enforces that on every query.",
			Mechanism: "Row-level security, forced on every table, and a database role for each kind of person.",
			Check:     "As each role, tries to read, change, delete and insert another programme's rows in every table, in a transaction that is rolled back; reads the policies from the catalogue."},
		{ID: "P-11", Group: g, Title: "TLS everywhere", Every: hourly, Attest: true, probe: probeTLS,
			Sentence:  "TLS 1.2 or higher protects every way in and every connection out.",
			Mechanism: "A TLS proxy in front of the listener; connections out use TLS 1.2 or higher.",
			Check:     "Reads how the listener is reached and every connection out; what a proxy does in front is attested."},
		{ID: "P-12", Group: g, Title: "Encrypted at rest", Every: hourly, PerTenant: true, probe: probeEncryption,
			Sentence:  "Secrets, files, exports, e-mail copies and audit payloads are encrypted with AES-256 and a key for each tenant.",
			Mechanism: "Envelope encryption: a key that is not in the database wraps each tenant's data key; a value opens in its own place only. Backups are not made by this version.",
			Check:     "Reads raw values from the database, and the newest files as they lie in the store: each has our format, opens in its place and nowhere else, and not with another programme's key."},
		{ID: "P-13", Group: g, Title: "Encrypted volume", Every: daily, Attest: true, probe: probeVolume,
			Sentence:  "The volume that the database lies on is encrypted.",
			Mechanism: "Disk encryption of the host or of the managed database.",
			Check:     "Looks at the volume of the data directory; where that cannot be seen, a named person attests it."},
		{ID: "P-14", Group: g, Title: "Security headers", Every: hourly, probe: probeHeaders,
			Sentence:  "Every answer carries security headers, error pages included.",
			Mechanism: "The outermost layer sets them as an answer is written, whatever made it.",
			Check:     "Requests pages, API, files, a missing page and a page that breaks, and reads the headers of each."},
		{ID: "P-15", Group: g, Title: "Rate limits", Every: hourly, probe: probeRate,
			Sentence:  "Every door has a rate limit.",
			Mechanism: "A budget of requests for each address, in front of pages and API; stricter ones for signing in and public forms.",
			Check:     "Spends the budget of a made-up address until it is refused."},
	}
}

func logPromises() []Promise {
	g := groupLogs
	return []Promise{
		{ID: "P-16", Group: g, Title: "History of every record", Every: hourly, PerTenant: true, probe: probeHistory,
			Sentence:  "Every change of every record is kept: what was there before, and what came after.",
			Mechanism: "Triggers in the database that nobody who changes a row can pass by.",
			Check:     "Adds, changes and deletes a record in a transaction that is rolled back and reads its history; makes sure that no trigger is missing or switched off."},
		{ID: "P-17", Group: g, Title: "Security events are logged", Every: hourly, PerTenant: true, probe: probeSignIns,
			Sentence:  "Good and bad sign-ins, and changes of permissions and settings, are logged.",
			Mechanism: "A change and its entry are one transaction: there is no change without its entry.",
			Check:     "Compares the sessions of the last day with the entries of the log: each has one."},
		{ID: "P-18", Group: g, Title: "Access log", Every: hourly, PerTenant: true,
			Sentence:  "Each access to the API and the pages is logged: time, user, address, action and result.",
			Mechanism: "The doors write one line for each request.",
			Check:     "Looks for the last requests in the log."},
		{ID: "P-19", Group: g, Title: "Tamper-evident log", Every: 6 * time.Hour, PerTenant: true,
			Sentence:  "Entries of the audit log can be added, not changed, and anybody can verify an export without us.",
			Mechanism: "A Merkle tree over all entries, with signed checkpoints that leave the host.",
			Check:     "Verifies the newest checkpoint against an older one, and a sample of entries against the tree."},
		{ID: "P-20", Group: g, Title: "Logs without secrets", Every: hourly, PerTenant: true, probe: probeSecrets,
			Sentence:  "Logs hold what their purpose needs and no secrets.",
			Mechanism: "Each column has a class; what is secret is left out of history and log.",
			Check:     "Reads a sample of the newest history and looks for columns that are secret."},
		{ID: "P-21", Group: g, Title: "Errors are followed up", Every: hourly, PerTenant: true,
			Sentence:  "Errors are grouped and followed up until they are solved.",
			Mechanism: "Error reports that an officer closes.",
			Check:     "Looks for errors that nobody has taken up."},
		{ID: "P-22", Group: g, Title: "Interactions are recorded", Every: hourly, PerTenant: true,
			Sentence:  "Each interaction with somebody else's system is recorded.",
			Mechanism: "A line for each mail handed over, each checkpoint sent, and each call to a file or key store elsewhere, with its result.",
			Check:     "Records an interaction of its own and looks for it; compares the mails and checkpoints of the last hour with the record: each has its line."},
	}
}

func rightsPromises() []Promise {
	g := groupRights
	return []Promise{
		{ID: "P-23", Group: g, Title: "Kept as long as the policy says", Every: hourly, PerTenant: true, probe: probeRetention,
			Sentence:  "Each category of data is kept exactly as long as the policy says.",
			Mechanism: "One job that reads the published policy and removes what is over its time.",
			Check:     "Counts rows that are over their time in every table, and looks when the job last ran."},
		{ID: "P-24", Group: g, Title: "Export at any time", Every: daily, PerTenant: true, probe: probeExport,
			Sentence:  "Deals, customers, partners and people can be exported at any time, as CSV and JSON.",
			Mechanism: "Every list exports what it shows.",
			Check:     "Runs the export of deals and compares the number of rows with the database."},
		{ID: "P-25", Group: g, Title: "Rights of a person", Every: daily, PerTenant: true,
			Sentence:  "A person can have their data shown, corrected, erased, restricted and taken along, with a certificate.",
			Mechanism: "Requests with a clock, that reach everything the data map knows.",
			Check:     "Adds a made-up person to several tables, free text and the log in a transaction that is rolled back: the search must find every place, and the plan of an erasure cover it. Verifies the newest certificate."},
		{ID: "P-26", Group: g, Title: "Leaving", Every: daily, probe: probeLeaving,
			Sentence:  "When a tenant leaves, its data is purged within the term; what the law requires is kept, restricted, and shown with the reason.",
			Mechanism: "A clock that starts with the deletion, and a purge that follows the data map.",
			Check:     "Looks for programmes whose term has passed and that are still here, and for tables that a purge would leave behind."},
		{ID: "P-27", Group: g, Title: "Erasure survives a restore", Every: daily, PerTenant: true,
			Sentence:  "What was erased stays erased, even when a backup is restored.",
			Mechanism: "A ledger of erasures that is replayed at start. Backups themselves are not made by this version.",
			Check:     "Adds a made-up person as a restore would bring one back, in a transaction that is rolled back, and lets the ledger erase them again; makes sure that file and database know the same erasures."},
		{ID: "P-28", Group: g, Title: "No strangers", Every: hourly, probe: probeStrangers,
			Sentence:  "No trackers, no sale of data, no training of AI: nothing is loaded from and nothing is sent to anybody who is not on the list of sub-processors.",
			Mechanism: "Pages load from this host only, and the browser is told so; connections out are a short, known list.",
			Check:     "Reads public pages for anything that comes from another host; compares every connection out with the list of sub-processors."},
		{ID: "P-29", Group: g, Title: "Benchmarks without people", Every: daily,
			Sentence:  "Benchmarks across programmes are never traced back to one: at least ten programmes stand behind each figure.",
			Mechanism: "Figures are released by the quarter, for programmes that opted in, and only where at least ten of them stand behind each.",
			Check:     "Tries to release a figure of nine programmes, in a transaction that is rolled back."},
	}
}

func changePromises() []Promise {
	g := groupChange
	return []Promise{
		{ID: "P-30", Group: g, Title: "Backups", Every: daily, Missing: noBackups,
			Sentence:  "Continuous encrypted backups, kept apart, from which any moment can be restored.",
			Mechanism: "Write-ahead logs and base backups, encrypted, in another place.", Check: "Nothing yet."},
		{ID: "P-31", Group: g, Title: "Tested restores", Every: daily, Missing: noBackups + " So no restore is tested.",
			Sentence:  "Restores are tested on a schedule, with a report.",
			Mechanism: "A restore into an empty installation, compared with the original.", Check: "Nothing yet."},
		{ID: "P-32", Group: g, Title: "Known version", Every: hourly, probe: probeVersion,
			Sentence:  "Each deployment records the exact source it was built from.",
			Mechanism: "Version and commit are part of the program, and of each line of evidence.",
			Check:     "Reads version and commit of the running program."},
		{ID: "P-33", Group: g, Title: "No real data in demos", Every: daily, probe: probeDemo,
			Sentence:  "Production data never enters a demonstration: the demo refuses to run where a real programme lives.",
			Mechanism: "The demo looks for real programmes before it writes anything.",
			Check:     "Asks the demo to fill an installation on which a real programme lives."},
		{ID: "P-34", Group: g, Title: "Sub-processors are listed", Every: hourly, PerTenant: true, probe: probeProcessors,
			Sentence:  "Sub-processors are listed, and changes are announced ahead.",
			Mechanism: "A public register; a change takes effect after its notice, which the database enforces.",
			Check:     "Tries to let a new sub-processor take effect before its notice is over, in a transaction that is rolled back."},
		{ID: "P-35", Group: g, Title: "Policies change with notice", Every: hourly, PerTenant: true, probe: probePolicies,
			Sentence:  "Policies have versions; a material change is mailed at least 14 days ahead.",
			Mechanism: "The database refuses a material change with less notice.",
			Check:     "Tries to publish a material change with 13 days' notice, in a transaction that is rolled back."},
		{ID: "P-36", Group: g, Title: "Incidents run against a clock", Every: hourly, PerTenant: true, probe: probeIncidents,
			Sentence:  "A confirmed incident starts its clocks, and the notice has the four parts that are required.",
			Mechanism: "An incident register with deadlines and alarms.",
			Check:     "Looks for deadlines that passed without a notice."},
		{ID: "P-37", Group: g, Title: "A place to report a weakness", Every: hourly, probe: probeSecurityTxt,
			Sentence:  "Anybody can report a weakness or a concern, at an address that programs find too.",
			Mechanism: "/.well-known/security.txt (RFC 9116), and a form on the trust page of each programme.",
			Check:     "Requests the file and reads its contact and its date of expiry; a contact that is a page of this installation must have the form."},
		{ID: "P-38", Group: g, Title: "Dependencies are listed", Every: daily, Attest: true, probe: probeModules,
			Sentence:  "Every dependency is listed, and the list is checked against advisories.",
			Mechanism: "The list is part of the program itself. The check against advisories is done where the program is built; this installation cannot see it.",
			Check:     "Reads the list of modules from the running program; that it is checked against advisories is attested."},
	}
}
