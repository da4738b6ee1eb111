package app

import (
	"net/http"

	"entente.dev/internal/account/accountapi"
	"entente.dev/internal/account/accountweb"
	"entente.dev/internal/app/reference"
	"entente.dev/internal/archive/archiveapi"
	"entente.dev/internal/archive/archiveweb"
	"entente.dev/internal/audit/auditapi"
	"entente.dev/internal/audit/auditweb"
	"entente.dev/internal/benchmark/benchmarkapi"
	"entente.dev/internal/benchmark/benchmarkweb"
	"entente.dev/internal/deal/dealapi"
	"entente.dev/internal/deal/dealweb"
	"entente.dev/internal/document/documentapi"
	"entente.dev/internal/document/documentweb"
	"entente.dev/internal/door"
	"entente.dev/internal/file/fileapi"
	"entente.dev/internal/file/fileweb"
	"entente.dev/internal/identity"
	"entente.dev/internal/identity/identityapi"
	"entente.dev/internal/identity/identityweb"
	"entente.dev/internal/incident/incidentapi"
	"entente.dev/internal/incident/incidentweb"
	"entente.dev/internal/journal/journalapi"
	"entente.dev/internal/journal/journalweb"
	"entente.dev/internal/mail/mailweb"
	"entente.dev/internal/partner/partnerapi"
	"entente.dev/internal/partner/partnerweb"
	"entente.dev/internal/policy/policyapi"
	"entente.dev/internal/policy/policyweb"
	"entente.dev/internal/privacy/privacyapi"
	"entente.dev/internal/privacy/privacyweb"
	"entente.dev/internal/processor/processorapi"
	"entente.dev/internal/processor/processorweb"
	"entente.dev/internal/retention/retentionapi"
	"entente.dev/internal/retention/retentionweb"
	"entente.dev/internal/tenant/tenantweb"
	"entente.dev/internal/transfer/transferapi"
	"entente.dev/internal/transfer/transferweb"
	"entente.dev/internal/trust/trustapi"
	"entente.dev/internal/trust/trustweb"
	"entente.dev/internal/ui"
)

// Doors builds both doors with every route of the program.
func (a *App) Doors() door.Doors {
	auth := identityweb.NewAuthenticator(a.Identity)
	d := door.Doors{
		Web: door.NewWeb(auth, door.WebOptions{PublicURL: a.Config.PublicURL, RenderError: a.renderError, Denied: a.denied}),
		API: door.NewAPI(auth, door.APIOptions{Denied: a.denied}),
	}
	a.apiRoutes(d.API)
	a.webRoutes(d.Web, d.API)
	return d
}

func (a *App) apiRoutes(api *door.API) {
	identityapi.Routes(api, a.Identity)
	partnerapi.Routes(api, a.Partners)
	accountapi.Routes(api, a.Accounts)
	archiveapi.Routes(api, a.Archive)
	dealapi.Routes(api, a.Deals)
	auditapi.Routes(api, a.Trail, a.Seal)
	auditapi.Versions(api, a.Deals, a.Accounts, a.Partners)
	policyapi.Routes(api, a.Policies)
	journalapi.Routes(api, a.Journal)
	fileapi.Routes(api, a.Files)
	privacyapi.Routes(api, a.Privacy)
	transferapi.Routes(api, a.Transfer)
	incidentapi.Routes(api, a.Incidents)
	documentapi.Routes(api, a.Documents)
	processorapi.Routes(api, a.Processors)
	retentionapi.Routes(api, a.Retention)
	trustapi.Routes(api, a.Trust)
	benchmarkapi.Routes(api, a.Benchmarks)
	transferapi.Exports(api, a.Transfer, a.Identity, a.Trail)
}

func (a *App) webRoutes(web *door.Web, api *door.API) {
	web.Public("GET /static/", "style sheets, scripts and icons say nothing about anybody", func(w http.ResponseWriter, r *http.Request) error {
		ui.Static().ServeHTTP(w, r)
		return nil
	})
	web.Public("POST /me/theme", "light or dark is kept in the browser only", func(w http.ResponseWriter, r *http.Request) error {
		ui.ServeTheme(w, r)
		return nil
	})
	identityweb.Routes(web, a.Identity, identityweb.Deps{Page: a.page, Bare: a.bare, Partners: a.Partners, Mails: a.Config.SMTP.Enabled(), SetUpDemo: a.FillSample})
	reference.Routes(web, reference.Deps{Page: a.page, API: api, Origin: a.Config.Origin(), Read: identity.ActMe})
	tenantweb.Routes(web, tenantweb.Deps{Page: a.page, Tenants: a.Tenants})
	archiveweb.Routes(web, archiveweb.Deps{Page: a.page, Archive: a.Archive, People: a.Identity, Partners: a.Partners, Tabs: tenantweb.Sections})
	auditweb.Routes(web, auditweb.Deps{Page: a.page, Trail: a.Trail, Seal: a.Seal})
	auditweb.Versions(web, a.page, auditweb.Rooms{Deals: a.Deals, Accounts: a.Accounts, Partners: a.Partners})
	documentweb.Routes(web, documentweb.Deps{Page: a.page, Site: a.site, Documents: a.Documents})
	processorweb.Routes(web, processorweb.Deps{Page: a.page, Site: a.site, Processors: a.Processors})
	incidentweb.Routes(web, incidentweb.Deps{Page: a.page, Incidents: a.Incidents, Partners: a.Partners})
	mailweb.Routes(web, mailweb.Deps{Page: a.page, Mail: a.Mail})
	privacyweb.Routes(web, privacyweb.Deps{Page: a.page, Bare: a.bare, Privacy: a.Privacy, Trail: a.Trail, Clock: a.Ops.Clock})
	fileweb.Routes(web, fileweb.Deps{Page: a.page, Files: a.Files})
	journalweb.Routes(web, journalweb.Deps{Page: a.page, Journal: a.Journal})
	policyweb.Routes(web, policyweb.Deps{Page: a.page, Site: a.site, Policies: a.Policies, Tenants: a.Tenants, Validated: a.policyValidated, Recipients: a.recipients})
	partnerweb.Routes(web, partnerweb.Deps{Page: a.page, Partners: a.Partners, People: a.Identity, Deals: a.Deals, Trail: a.Trail, Adoption: a.Journal.Adoption})
	accountweb.Routes(web, accountweb.Deps{Page: a.page, Accounts: a.Accounts, Deals: a.Deals, Trail: a.Trail})
	benchmarkweb.Routes(web, benchmarkweb.Deps{Page: a.page, Benchmarks: a.Benchmarks})
	trustweb.Routes(web, trustweb.Deps{Page: a.page, Site: a.site, Bare: a.bare, Facts: a.trustFacts, Trust: a.Trust, Origin: a.Config.Origin(), Contact: a.Config.SecurityContact, Desk: a.desk})
	retentionweb.Routes(web, retentionweb.Deps{Page: a.page, Retention: a.Retention})
	transferweb.Routes(web, transferweb.Deps{Page: a.page, Imports: a.Transfer, Partners: a.Partners})
	dealweb.Routes(web, a.Deals, dealweb.Deps{Page: a.page, Partners: a.Partners, Tenants: a.Tenants, Trail: a.Trail, Owners: a.owners, Deadlines: a.deadlines})
}

// public is what the public address serves: the doors, and health for whoever balances the load.
func (a *App) public(doors door.Doors) http.Handler {
	mux := http.NewServeMux()
	a.health(mux)
	mux.Handle("/", a.metrics.watch(a.limits.limited(a.onOwnHost(doors), doors.ServeError)))
	return mux
}
