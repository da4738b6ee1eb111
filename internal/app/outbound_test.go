package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/kernel/config"
	"entente.dev/internal/processor"
)

func TestOutboundHosts(t *testing.T) {
	t.Parallel()
	near := config.Config{DatabaseURL: "postgres:///entente?host=/run/postgresql", Files: "dir:/srv/files", KEK: "file:/etc/kek", Vault: config.Vault{Addr: "https://vault.example:8200"},
		SMTP: config.SMTP{Host: "localhost"}, Checkpoints: config.Checkpoints{To: []string{"dir:/mnt/usb", "mailto:audit@acme.example", "syslog+udp://127.0.0.1:514"}}}
	if got := OutboundHosts(near); len(got) != 0 {
		t.Errorf("all of this is on this machine: %+v", got)
	}
	far := config.Config{DatabaseURL: "postgres://u:p@db1.example:5432,DB2.example/entente", Files: "s3://files?endpoint=https://s3.example:9000", KEK: "vault:transit/entente",
		Vault: config.Vault{Addr: "https://vault.example:8200"}, SMTP: config.SMTP{Host: "Mail.example", TLS: "starttls"},
		Checkpoints: config.Checkpoints{To: []string{"mailto:audit@acme.example", "mailto:law@acme.example", "s3://proofs?endpoint=https://s3.example:9000", "s3://more?region=eu-central-1",
			"https://hooks.example/entente", "syslog+tls://log.example:6514", "syslog+udp://old.example"}}}
	want := []processor.Host{
		{Name: "mail.example", Purpose: "mail server, mails checkpoints of the audit log", Holds: []string{"email-log"}},
		{Name: "db1.example", Purpose: "database server", Holds: []string{"customer-data", "user-account", "audit-log"}},
		{Name: "db2.example", Purpose: "database server", Holds: []string{"customer-data", "user-account", "audit-log"}},
		{Name: "s3.example", Purpose: "file store, keeps checkpoints of the audit log", Holds: []string{"export"}},
		{Name: "vault.example", Purpose: "key store"},
		{Name: "s3.amazonaws.com", Purpose: "keeps checkpoints of the audit log"},
		{Name: "hooks.example", Purpose: "receives checkpoints of the audit log"},
		{Name: "log.example", Purpose: "receives checkpoints of the audit log"},
		{Name: "old.example", Purpose: "receives checkpoints of the audit log"},
	}
	if diff := cmp.Diff(want, OutboundHosts(far)); diff != "" {
		t.Error(diff)
	}
	if plainly(far, "mail.example") || plainly(far, "log.example") || !plainly(far, "old.example") {
		t.Error("only the syslog over UDP is without TLS")
	}
}
