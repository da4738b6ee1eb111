package privacy

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	taskColumns = `t.task_id, t.request_id, t.partner_id, p.name, t.kind, t.state, t.subject, t.records, t.due_at, t.reason, t.answered_by_name, t.answered_at, t.created_at`

	sqlTasks   = `select ` + taskColumns + ` from privacy_task t join partner p on p.tenant_id = t.tenant_id and p.partner_id = t.partner_id where t.tenant_id = $1 order by t.state <> 'open', t.due_at, t.task_id limit 200`
	sqlTasksOf = `select ` + taskColumns + ` from privacy_task t join partner p on p.tenant_id = t.tenant_id and p.partner_id = t.partner_id where t.tenant_id = $1 and t.request_id = $2 order by t.due_at, t.task_id limit 500`

	sqlLockTask = `select ` + taskColumns + ` from privacy_task t join partner p on p.tenant_id = t.tenant_id and p.partner_id = t.partner_id where t.tenant_id = $1 and t.task_id = $2 for update of t`
	sqlOpen     = `select count(*) from privacy_task where tenant_id = $1 and request_id = $2 and state = 'open'`

	sqlInsertTask = `insert into privacy_task (tenant_id, task_id, request_id, partner_id, kind, subject, records, due_at, created_at) values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9)`
	sqlSaveTask   = `update privacy_task set state = $3, reason = $4, answered_by = $5, answered_by_name = $6, answered_at = $7 where tenant_id = $1 and task_id = $2 and state = 'open'`

	// Who received the person's data: the partner that brought the contact, those the contact's account is shared with, the person's company.
	sqlReceivers = `
select x.partner_id, array_agg(distinct x.what order by x.what)
  from (select c.partner_id, 'contact ' || c.name as what from contact c where c.tenant_id = $1 and c.contact_id = any ($2) and c.partner_id is not null
        union all
        select s.partner_id, 'customer ' || a.name from contact c join account a on a.tenant_id = c.tenant_id and a.account_id = c.account_id
          join account_partner s on s.tenant_id = c.tenant_id and s.account_id = c.account_id where c.tenant_id = $1 and c.contact_id = any ($2)
        union all
        select m.partner_id, 'your colleague ' || m.name from member m where m.tenant_id = $1 and m.member_id = any ($3) and m.partner_id is not null) x
 where not exists (select from privacy_task t where t.tenant_id = $1 and t.request_id = $4 and t.partner_id = x.partner_id)
 group by x.partner_id order by x.partner_id limit 500`

	sqlBlankTasks = `update privacy_task set subject = '[erased]', records = '[]' where tenant_id = $1 and request_id = $2 returning task_id`

	sqlPartnerReaders = `select member_id, name, email from member where tenant_id = $1 and partner_id = $2 and role = 'partner' and status = 'active' and email <> '' and restricted_at is null order by created_at, member_id limit 20`
)

func scanTask(row pgx.CollectableRow) (t Task, err error) {
	err = row.Scan(&t.ID, &t.Request, &t.Partner, &t.PartnerName, &t.Kind, &t.State, &t.Subject, &t.Records, &t.DueAt, &t.Reason, &t.AnsweredByName, &t.AnsweredAt, &t.CreatedAt)
	return t, err
}

func lockTask(ctx context.Context, tx *op.Tx, v id.ID) (Task, error) {
	rows, err := tx.Query(ctx, sqlLockTask, tx.Who.Tenant, v)
	if err != nil {
		return Task{}, err
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanTask)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, errs.Missing("task")
	}
	return t, err
}

func openTasks(ctx context.Context, tx *op.Tx, request id.ID) (n int, err error) {
	err = tx.QueryRow(ctx, sqlOpen, tx.Who.Tenant, request).Scan(&n)
	return n, err
}

func insertTask(ctx context.Context, tx *op.Tx, t Task) error {
	_, err := tx.Exec(ctx, sqlInsertTask, tx.Who.Tenant, t.ID, t.Request, t.Partner, t.Kind, t.Subject, jsonOf(t.Records), t.DueAt, tx.Now)
	return err
}

func saveTask(ctx context.Context, tx *op.Tx, t Task) error {
	_, err := tx.Exec(ctx, sqlSaveTask, tx.Who.Tenant, t.ID, t.State, t.Reason, tx.Who.Member, t.AnsweredByName, t.AnsweredAt)
	return err
}

// receiver is a partner that has data of the subject.
type receiver struct {
	Partner id.ID
	Records []string
}

// receiversOf reads as the running persona; a restricted contact's receivers were asked when it was restricted.
func receiversOf(ctx context.Context, tx *op.Tx, refs Refs, request id.ID) ([]receiver, error) {
	rows, err := tx.Query(ctx, sqlReceivers, tx.Who.Tenant, refs.Contacts, refs.Members, request)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (x receiver, err error) {
		err = r.Scan(&x.Partner, &x.Records)
		return x, err
	})
}

func partnerReaders(ctx context.Context, tx *op.Tx, partner id.ID) ([]officer, error) {
	rows, err := tx.Query(ctx, sqlPartnerReaders, tx.Who.Tenant, partner)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (o officer, err error) {
		err = r.Scan(&o.ID, &o.Name, &o.Email)
		return o, err
	})
}

// blankTasks takes the subject out of the tasks of a request and returns their ids.
func blankTasks(ctx context.Context, tx *op.Tx, request id.ID) ([]id.ID, error) {
	rows, err := tx.Query(ctx, sqlBlankTasks, tx.Who.Tenant, request)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.ID])
}
