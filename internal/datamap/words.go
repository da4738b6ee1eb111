package datamap

import "strings"

// tableWords are the tables whose name is not what people call what is in them.
var tableWords = map[string]string{
	"access_log": "access log", "account": "accounts", "account_partner": "partners of accounts", "api_key": "API keys", "archive_run": "exports and imports",
	"arrival": "arrivals of programmes", "audit_checkpoint": "checkpoints of the log", "audit_delivery": "deliveries of checkpoints", "audit_entry": "audit entries",
	"audit_leaf": "seals of audit entries", "audit_root_leaf": "seals of checkpoints", "benchmark_cell": "benchmark figures", "benchmark_choice": "choices about benchmarks",
	"benchmark_release": "benchmark releases", "concern": "concerns", "contact": "contacts", "contact_consent": "consents", "data_key": "encryption keys", "deal": "deals",
	"deal_claim": "protected customers", "deal_note": "notes on deals", "document": "documents", "document_acceptance": "acceptances of documents",
	"document_version": "versions of documents", "erasure_ledger": "list of erasures", "error_occurrence": "occurrences of errors", "error_report": "error reports",
	"idempotency": "answers to repeated requests", "import_row": "rows of imports", "import_run": "imports", "incident": "incidents", "incident_action": "tasks of incidents",
	"incident_affected": "people affected by incidents", "incident_clock": "deadlines of incidents", "incident_entry": "entries on incidents",
	"incident_notice": "notices about incidents", "installation_evidence": "evidence of the installation", "invitation": "invitations", "kept_record": "records kept by law",
	"legal_duty": "legal duties", "legal_hold": "legal holds", "mail": "e-mails", "mail_body": "e-mails to others", "file_content": "stored files", "member": "people", "notice": "notices", "notice_recipient": "recipients of notices",
	"one_time_link": "links in mails", "partner": "partners", "person": "logins", "policy_clock": "terms of the policy", "policy_version": "versions of the policy",
	"privacy_kept": "answers to persons", "privacy_request": "requests of persons", "privacy_task": "tasks of partners", "processor": "sub-processors",
	"processor_objection": "objections to sub-processors", "product": "products", "promise_evidence": "evidence for promises", "retention_rule": "rules of the policy",
	"retention_run": "retention runs", "row_history": "history of records", "saved_view": "saved views", "session": "sessions", "stage": "pipeline stages",
	"stored_file": "stored files", "tenant": "programme", "throttle": "counts of attempts", "usage_day": "daily figures", "usage_event": "usage of pages", "workflow_log": "workflow log",
}

// TableWords returns what people call what is in a table, in lower case: "history of records" for row_history. A table without
// words of its own has its name with spaces.
func TableWords(table string) string {
	if w, ok := tableWords[table]; ok {
		return w
	}
	return strings.ReplaceAll(table, "_", " ")
}

// CategoryName returns what a category is called, such as "Audit log" for audit-log; of an unknown one the id.
func CategoryName(id string) string {
	if c, ok := CategoryOf(id); ok {
		return c.Name
	}
	return id
}
