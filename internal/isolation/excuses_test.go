package isolation

import "strings"

// qualified lets the checks call the session's own function by its short name.
func qualified(sql string) string {
	return strings.ReplaceAll(sql, "policy_text(", "pg_temp.policy_text(")
}

const (
	noTenant = ": no tenant_id that is not null"
	byPublic = ": policy public_reach is permissive all to entente_public using true check true"
	definer  = " owner entente_definer, search_path=pg_catalog, pg_temp, called by "
	at       = "timestamp with time zone"

	outlives = "outlives what it is about"
	byImport = "says by which import a row came; the import may be forgotten before the row"
	who      = "says who did it, for the record; it gives no right, and a person who is gone keeps their deeds"
)

// excuses are the findings that are meant to be, each with the reason why nobody's data is less safe for it.
var excuses = map[string]string{
	"T1 person" + noTenant:        "one person has one login in however many tenants; only the public persona, which signs people in, has a grant",
	"T1 session" + noTenant:       "a session begins before a membership is chosen; only the public persona has a grant, look-ups are by token hash",
	"T1 one_time_link" + noTenant: "a reset or set-up link belongs to a person or to nobody, not to a tenant; only the public persona has a grant",
	"T1 throttle" + noTenant:      "counts attempts before anybody is known; holds hashes only; only the public persona has a grant",
	"T1 signing_key" + noTenant:   "the installation's signing key; its secret half is wrapped and read by the worker persona only, its public half is public",
	"T1 installation" + noTenant:  "one row about the installation; nobody but the owner has a grant",

	"T1 person" + byPublic:        "no tenant to compare with, see its missing tenant_id",
	"T1 session" + byPublic:       "no tenant to compare with, see its missing tenant_id",
	"T1 one_time_link" + byPublic: "no tenant to compare with, see its missing tenant_id",
	"T1 throttle" + byPublic:      "no tenant to compare with, see its missing tenant_id",
	"T1 installation: policy owner_reach is permissive all to entente_owner using true check true":                            "the program reads it as owner at start; no persona has a grant",
	"T1 policy_version: policy public_reach is permissive select to entente_public using true":                                "the data policy of the bound tenant is public, without who applied it; the floor still holds",
	"T1 retention_rule: policy public_reach is permissive select to entente_public using true":                                "the data policy of the bound tenant is public; the floor still holds",
	"T1 policy_clock: policy public_reach is permissive select to entente_public using true":                                  "the data policy of the bound tenant is public; the floor still holds",
	"T1 tenant: policy public_reach is permissive select to entente_public using true":                                        "sign-in pages show the bound tenant's name and brand; the floor still holds",
	"T1 row_history: policy owner_record is permissive insert to entente_owner check true":                                    "the history trigger writes as owner, for the tenant of the row that changed",
	"T1 audit_entry: policy partner_witness is permissive insert to entente_partner check (partner_id IS NULL)":               "a partner's refused attempts go on the record that only the vendor reads",
	"T1 account: policy partner_add is permissive insert to entente_partner check (source = 'partner'::text)":                 "a partner adds an account before the share that lets it see the account",
	"T1 account_partner: policy partner_take is restrictive insert to entente_partner check app.may_take_account(account_id)": "it narrows: a partner shares with itself only what it adds in the same transaction",

	"T1 signing_key: policy public_half is permissive select to entente_partner, entente_public, entente_staff using true": "grants name the columns of the public half only",

	"history data_key: no trigger history_delete, history_insert, history_update":       "a destroyed key must not live on in a history; keys are told of in the audit log",
	"history retention_mark: no trigger history_delete, history_insert, history_update": "a bookmark of the job that empties histories, written by its function only",
	"history audit_entry: no trigger history_delete, history_insert, history_update":    "is itself the record; no persona may change or delete an entry",
	"history row_history: no trigger history_delete, history_insert, history_update":    "is itself the history; no persona may write it",
	"history idempotency: no trigger history_delete, history_insert, history_update":    "a day's cache of answers, of which the op and its audit entries are on record",
	"history import_row: no trigger history_delete, history_insert, history_update":     "the lines of an uploaded file; what they change is in the history of the tables they change",

	"T3 app.memberships(uuid)" + definer + "entente_public":                                                                                                                                        "sign-in, before a tenant is bound: the memberships of one person",
	"T3 app.actor_by_key(bytea," + at + ")" + definer + "entente_public":                                                                                                                           "sign-in by the hash of a secret",
	"T3 app.actor_by_session(bytea," + at + ")" + definer + "entente_public":                                                                                                                       "sign-in by the hash of a secret",
	"T3 app.invitation_by_token(bytea)" + definer + "entente_public":                                                                                                                               "sign-in by the hash of a secret",
	"T3 app.touch_api_key(uuid,uuid," + at + ")" + definer + "entente_public":                                                                                                                      "writes nothing but the time of last use, reads nothing",
	"T3 app.tenant_list()" + definer + "entente_platform entente_public entente_worker":                                                                                                            "the register: names of tenants and no content",
	"T3 app.tenant_status(uuid)" + definer + "entente_public entente_worker":                                                                                                                       "active or not, for who holds the id; of no use to tell tenants from random ids but to the program itself",
	"T3 app.end_tenant_access(" + at + ")" + definer + "entente_worker":                                                                                                                            "ends what app.tenant() gave out, once it is closed",
	"T3 app.person_for_email(text,text)" + definer + "entente_partner entente_platform entente_staff entente_worker":                                                                               "gives the id behind an address, made on first mention, so that it tells nobody whether the address was known; refuses without a tenant",
	"T3 app.set_first_password(bytea,text,text," + at + ")" + definer + "entente_partner entente_staff":                                                                                            "by the hash of an open invitation of app.tenant(), and only where there is no password",
	"T3 app.set_founder_password(uuid,text,text," + at + ")" + definer + "entente_platform":                                                                                                        "for an Admin of app.tenant(), and only where there is no password",
	"T3 app.bind_session(uuid,bytea,bytea," + at + "," + at + "," + at + ")" + definer + "entente_partner entente_staff":                                                                           "by the hash of the token, for app.tenant() and app.member()",
	"T3 app.end_member_sessions(uuid," + at + ")" + definer + "entente_partner entente_staff entente_worker":                                                                                       "members of app.tenant(), and of app.partner() if one is bound",
	"T3 app.my_sessions(" + at + ")" + definer + "entente_partner entente_staff":                                                                                                                   "the person behind app.member() of app.tenant()",
	"T3 app.end_my_sessions(uuid,uuid," + at + ")" + definer + "entente_partner entente_staff":                                                                                                     "the person behind app.member() of app.tenant()",
	"T3 app.change_my_password(text,text," + at + ")" + definer + "entente_partner entente_staff":                                                                                                  "the person behind app.member() of app.tenant(), who proved the current password",
	"T3 app.claim_answer(text,text,uuid) owner entente_definer, search_path=pg_catalog, public, pg_temp, called by entente_partner entente_staff entente_worker":                                   "the blind availability check in app.tenant(): free, taken or look, never whose",
	"T3 app.may_take_account(uuid)" + definer + "entente_partner":                                                                                                                                  "yes or no about an account of app.tenant() that this transaction made",
	"T3 app.search_deals(text,integer) owner entente_definer, search_path=pg_catalog, public, pg_temp; plan_cache_mode=force_generic_plan, called by entente_partner entente_staff entente_worker": "ids in app.tenant(), and of app.partner() for a partner's login; public holds only extensions and nobody else makes objects there (T6)",
	"T3 app.similar_deals(text[],integer) owner entente_definer, search_path=pg_catalog, public, pg_temp, called by entente_staff entente_worker":                                                  "ids in app.tenant(), not for partners; public holds only extensions and nobody else makes objects there (T6)",
	"T3 app.enqueue(text,jsonb," + at + ",text) owner entente_jobs, search_path=pg_catalog, pg_temp, called by entente_partner entente_platform entente_public entente_staff entente_worker":       "queues a job that names app.tenant(), whatever its arguments say",
	"T3 app.ensure_partitions(" + at + ",integer) owner entente_owner, search_path=pg_catalog, pg_temp, called by entente_worker":                                                                  "makes the next months of the two logs, protected like their parents",
	"T3 app.history() owner entente_owner, search_path=pg_catalog, pg_temp, called by nobody":                                                                                                      "the history trigger; it writes the tenant of the row that changed",

	"T4 account_partner: account_partner_account_fk is not guarded by app.guard_links": "its policy partner_take asks more: the account is new and nobody's",
	"T4 account_partner: account_partner_partner_fk is not guarded by app.guard_links": "its policy partner_reach lets a partner name only itself",
	"T4 audit_entry.tenant_id: refers to nothing":                                      outlives,
	"T4 audit_entry.partner_id: refers to nothing":                                     outlives,
	"T4 audit_entry.actor_id: refers to nothing":                                       outlives,
	"T4 audit_entry.credential_id: refers to nothing":                                  outlives,
	"T4 audit_entry.object_id: refers to nothing":                                      outlives,
	"T4 audit_entry.op_id: refers to nothing":                                          outlives,
	"T4 audit_entry.entry_id: refers to nothing":                                       "its own id",
	"T4 row_history.tenant_id: refers to nothing":                                      outlives,
	"T4 row_history.member_id: refers to nothing":                                      outlives,
	"T4 row_history.op_id: refers to nothing":                                          outlives,
	"T4 row_history.row_id: refers to nothing":                                         outlives,
	"T4 idempotency.tenant_id: refers to nothing":                                      "lives for a day; a partner's people read only the rows of app.member()",
	"T4 idempotency.credential_id: refers to nothing":                                  "lives for a day; a partner's people read only the rows of app.member()",
	"T4 idempotency.member_id: refers to nothing":                                      "lives for a day; a partner's people read only the rows of app.member()",
	"T4 idempotency.op_id: refers to nothing":                                          "lives for a day; a partner's people read only the rows of app.member()",
	"T4 account.import_id: refers to nothing":                                          byImport,
	"T4 deal.import_id: refers to nothing":                                             byImport,
	"T4 member.import_id: refers to nothing":                                           byImport,
	"T4 partner.import_id: refers to nothing":                                          byImport,
	"T4 product.import_id: refers to nothing":                                          byImport,
	"T4 tenant.closing_by: refers to nothing":                                          who,
	"T4 policy_clock.clock_id: refers to nothing":                                      "the row's own id, for the history",
	"T4 retention_rule.rule_id: refers to nothing":                                     "the row's own id, for the history",
	"T4 policy_version.applied_by: refers to nothing":                                  who,
	"T4 legal_duty.set_by: refers to nothing":                                          who,
	"T4 legal_hold.placed_by: refers to nothing":                                       who,
	"T4 legal_hold.released_by: refers to nothing":                                     who,
	"T4 legal_hold.object_id: refers to nothing":                                       "a member, a contact, an account, a partner or the tenant, by the kind of the hold",
	"T4 retention_run.asked_by: refers to nothing":                                     who,
	"T4 retention_run.continues: refers to nothing":                                    "an earlier run, for the report",
	"T4 api_key.created_by: refers to nothing":                                         who,
	"T4 deal.created_by: refers to nothing":                                            who,
	"T4 deal.decided_by: refers to nothing":                                            who,
	"T4 deal_note.author_id: refers to nothing":                                        who,
	"T4 import_run.acted_by: refers to nothing":                                        who,
	"T4 import_run.created_by: refers to nothing":                                      who,
	"T4 invitation.created_by: refers to nothing":                                      who,
	"T4 mail.tenant_id: refers to nothing":                                             outlives,
	"T4 mail.object_id: refers to nothing":                                             outlives,
	"T4 import_row.object_id: refers to nothing":                                       "the row's object is of one table or another, by the kind of the import",
	"T4 account_partner.share_id: refers to nothing":                                   "the row's own id, for the history",
	"T4 installation.installation_id: refers to nothing":                               "its own id",

	"T1 contact: policy unrestricted is restrictive all to entente_partner, entente_staff using (restricted_at IS NULL) check (restricted_at IS NULL)":                                                                                                        "it narrows: a person whose processing is suspended is seen by nobody but the privacy officer's room",
	"T1 member: policy unrestricted is restrictive all to entente_partner, entente_staff using ((restricted_at IS NULL) OR (member_id = ( SELECT app.member() AS member))) check ((restricted_at IS NULL) OR (member_id = ( SELECT app.member() AS member)))": "it narrows: a person whose processing is suspended is seen by nobody but the privacy officer's room and themselves",
	"T1 session: policy definer_forget is permissive delete to entente_definer using true":                                                                                                                                                                    "app.forget_member deletes the sessions of a member of app.tenant()",
	"T3 app.may_mail(text,text)" + definer + "entente_partner entente_platform entente_staff entente_worker":                                                                                                                                                  "one word about an address of app.tenant(): whether a mail for a purpose may go",
	"T3 app.subject_people(uuid[])" + definer + "entente_worker":                                                                                                                                                                                              "the logins behind members of app.tenant()",
	"T3 app.subject_sessions(uuid[])" + definer + "entente_worker":                                                                                                                                                                                            "the sessions of members of app.tenant()",
	"T3 app.forget_member(uuid)" + definer + "entente_worker":                                                                                                                                                                                                 "a member of app.tenant(); the login goes only when no membership is left anywhere",
	"T3 app.rewrite_history(" + at + ",bigint,jsonb,jsonb)" + definer + "entente_worker":                                                                                                                                                                      "erases personal data from a line of the history of app.tenant(); the line stays",
	"T3 app.privacy_by_link(bytea)" + definer + "entente_public":                                                                                                                                                                                              "by the hash of a secret",
	"T4 contact_consent.recorded_by: refers to nothing":                                                                                                                                                                                                       who,
	"T4 erasure_ledger.request_id: refers to nothing":                                                                                                                                                                                                         outlives,
	"T4 erasure_ledger.tenant_id: refers to nothing":                                                                                                                                                                                                          outlives,
	"T4 privacy_request.approved_by: refers to nothing":                                                                                                                                                                                                       who,
	"T4 privacy_request.identity_by: refers to nothing":                                                                                                                                                                                                       who,
	"T4 privacy_request.proposed_by: refers to nothing":                                                                                                                                                                                                       who,
	"T4 privacy_request.package_file: refers to nothing":                                                                                                                                                                                                      "the file expires before the request does",
	"T4 privacy_task.answered_by: refers to nothing":                                                                                                                                                                                                          who,

	"T5 signing_key: signing_key_current_uq is unique across tenants":  "not a tenant table",
	"T5 signing_key: signing_key_pk is unique across tenants":          "not a tenant table",
	"T5 signing_key: signing_key_verifier_uq is unique across tenants": "not a tenant table",

	"T1 audit_entry: policy partner_signs is restrictive insert to entente_partner check ((NOT (actor_id IS DISTINCT FROM ( SELECT app.member() AS member))) AND (actor_kind = ANY (ARRAY['person'::text, 'service'::text])))": "it narrows: a partner's people sign what they do with their own membership",
	"T3 app.audit_adopt(" + at + ",uuid,text,bytea,bytea,bytea)" + definer + "entente_worker":                                                                                                                                  "encrypts a plain entry of app.tenant(), once",
	"T3 app.audit_erase(uuid[])" + definer + "entente_worker":                                                                                                                                                                  "empties the payload of entries of app.tenant(); the entries and their proof stay",

	"T5 tenant: tenant_slug_uq is unique across tenants":          "a slug is a public name of the whole installation",
	"T5 person: person_pk is unique across tenants":               "not a tenant table",
	"T5 person: person_email_uq is unique across tenants":         "one login for an address; app.person_for_email does not tell whether it was there",
	"T5 session: session_pk is unique across tenants":             "not a tenant table",
	"T5 session: session_token_uq is unique across tenants":       "a hash of 256 random bits",
	"T5 one_time_link: one_time_link_pk is unique across tenants": "a hash of 256 random bits",
	"T5 throttle: throttle_pk is unique across tenants":           "not a tenant table",
	"T5 installation: installation_pk is unique across tenants":   "there is one row",
}
