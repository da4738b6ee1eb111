package trust

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlProbeDocument = `
insert into document (tenant_id, document_id, kind) values ((select app.tenant()), $1, 'privacy')
on conflict on constraint document_kind_uq do update set kind = excluded.kind returning document_id`
	sqlProbeDraft = `
insert into document_version (tenant_id, version_id, document_id, number, title, body, change) values ((select app.tenant()), $1, $2, 2000000000, 'Probe', 'Probe', 'material')`
	sqlProbeAnnounce = `
update document_version set status = 'announced', digest = 'probe', effective_at = app.now() + $2::interval where tenant_id = (select app.tenant()) and version_id = $1`

	sqlProbeProcessor = `
insert into processor (tenant_id, processor_id, name, purpose) values ((select app.tenant()), $1, 'Probe', 'Probe')`
	sqlProbeProcessorAnnounce = `
update processor set status = 'announced', effective_at = app.now() + $2::interval where tenant_id = (select app.tenant()) and processor_id = $1`

	sqlLongestTerm = `select app.notice_term((select app.tenant()))`

	sqlIncidentClocks = `
select count(*), count(*) filter (where met_at is null and waived_at is null), count(*) filter (where met_at is null and waived_at is null and due_at < app.now())
  from incident_clock where tenant_id = (select app.tenant())`
	sqlProbeIncident = `
insert into incident (tenant_id, incident_id, number, title, kind, severity, status, detected_at) values ((select app.tenant()), $1, 2000000000, 'Probe', 'other', 'low', 'confirmed', app.now())`

	sqlOldestCheckpoint = `select note from audit_checkpoint where tenant_id = (select app.tenant()) and starts_with(note, $1) order by size limit 1`
)

// tryNotices tries, in a transaction that is rolled back, to announce something a day short of its term, and then with the whole term. The first must be
// refused, the second must not.
func tryNotices(ctx context.Context, o *op.Ops, tenant id.ID, draft func(tx pgx.Tx, v id.ID) error, announce string) (wrong []string, days int64, err error) {
	err = tried(ctx, o, pg.Staff, pg.Binding{Tenant: tenant, Op: id.New()}, func(tx pgx.Tx) error {
		v := id.New()
		if err := draft(tx, v); err != nil {
			return err
		}
		var term int64
		if err := tx.QueryRow(ctx, sqlLongestTerm).Scan(&term); err != nil {
			return err
		}
		days = term / 86400
		short := func(seconds int64) error {
			return pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
				if _, err := sub.Exec(ctx, announce, v, fmt.Sprintf("%d seconds", seconds)); err != nil {
					return err
				}
				return undo{}
			})
		}
		if code, _ := state(short(term - 86400)); code != "23514" {
			wrong = append(wrong, fmt.Sprintf("a change with %d days' notice is not refused", days-1))
		}
		if code, _ := state(short(13 * 86400)); code != "23514" {
			wrong = append(wrong, "a change with 13 days' notice is not refused")
		}
		if code, what := state(short(term + 60)); code != "" {
			wrong = append(wrong, fmt.Sprintf("a change with %d days' notice is refused too (%s)", days, what))
		}
		return nil
	})
	return wrong, days, err
}

// tryDocument is tryNotices for a material change of a policy.
func tryDocument(ctx context.Context, o *op.Ops, tenant id.ID) (wrong []string, days int64, err error) {
	return tryNotices(ctx, o, tenant, func(tx pgx.Tx, v id.ID) error {
		var document id.ID
		if err := tx.QueryRow(ctx, sqlProbeDocument, id.New()).Scan(&document); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sqlProbeDraft, v, document)
		return err
	}, sqlProbeAnnounce)
}

// tryProcessor is tryNotices for a new sub-processor.
func tryProcessor(ctx context.Context, o *op.Ops, tenant id.ID) (wrong []string, days int64, err error) {
	return tryNotices(ctx, o, tenant, func(tx pgx.Tx, v id.ID) error {
		_, err := tx.Exec(ctx, sqlProbeProcessor, v)
		return err
	}, sqlProbeProcessorAnnounce)
}

// readClocks counts the clocks of incidents, and makes sure that no incident is confirmed without starting them.
func readClocks(ctx context.Context, o *op.Ops, tenant id.ID) (all, running, passed int, refused bool, err error) {
	err = tried(ctx, o, pg.Staff, pg.Binding{Tenant: tenant, Op: id.New()}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, sqlIncidentClocks).Scan(&all, &running, &passed); err != nil {
			return err
		}
		err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
			_, err := sub.Exec(ctx, sqlProbeIncident, id.New())
			return err
		})
		code, _ := state(err)
		refused = code == "23514"
		if err != nil && code == "" {
			return err
		}
		return nil
	})
	return all, running, passed, refused, err
}

// OldestCheckpoint returns the oldest checkpoint of a programme that is stored and that this installation signed, nil without one:
// a programme that came from elsewhere has those of its old installation, too.
func (s *Service) OldestCheckpoint(ctx context.Context, tenant id.ID) (note []byte, err error) {
	verifier, err := s.ops.Keys.Verifier(ctx)
	if err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(verifier, "+")
	err = bound(ctx, s.ops, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlOldestCheckpoint, name+"/")
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err == nil && len(all) > 0 {
			note = []byte(all[0])
		}
		return err
	})
	return note, err
}
