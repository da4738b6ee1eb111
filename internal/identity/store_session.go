package identity

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlSession = `
select a.session_id, a.person_id, a.email, a.tenant_id, a.member_id, a.partner_id, coalesce(a.role, '') as role, coalesce(a.name, '') as name,
       a.last_seen_at, a.expires_at, a.created_at, pe.theme, coalesce(app.tenant_status(a.tenant_id), '') as tenant_status
  from app.actor_by_session($1, $2) a join person pe on pe.person_id = a.person_id`
	sqlSessionPlaces = `
select m.tenant_id, m.tenant_slug, m.tenant_name, m.member_id, m.partner_id, m.partner_name, m.role, m.name
  from app.actor_by_session($1, $2) a cross join lateral app.memberships(a.person_id) m`
	sqlPlaces       = `select tenant_id, tenant_slug, tenant_name, member_id, partner_id, partner_name, role, name from app.memberships($1)`
	sqlTouchSession = `
update session set last_seen_at = $2, idle_expires_at = least($3, expires_at)
 where session_id = $1 and revoked_at is null and last_seen_at <= $2::timestamptz - interval '1 minute'`
	sqlOpenSession = `
insert into session (session_id, token_hash, person_id, created_at, last_seen_at, idle_expires_at, expires_at, ip, user_agent)
values ($1, $2, $3, $4, $4, $5, $6, $7, $8)`
	sqlCloseSession = `update session set revoked_at = $2 where token_hash = $1 and revoked_at is null`
	sqlCloseAll     = `update session set revoked_at = $2 where person_id = $1 and revoked_at is null`
	sqlBindSession  = `select app.bind_session($1, $2, $3, $4, $5, $6)`
	sqlSeenMember   = `update member set last_seen_at = $2 where tenant_id = (select app.tenant()) and member_id = $1`
	sqlMySessions   = `select session_id, created_at, last_seen_at, expires_at, ip, user_agent from app.my_sessions($1)`
	sqlEndMine      = `select * from app.end_my_sessions($1, $2, $3)`

	sqlPerson        = `select email, theme from person where person_id = $1`
	sqlPersonByEmail = `select person_id, name, coalesce(password_hash, '') from person where email = $1`
	sqlSignedIn      = `update person set last_sign_in_at = $2, password_hash = coalesce(nullif($3, ''), password_hash) where person_id = $1 and password_hash = $4`
	sqlPersonByID    = `select email, name, coalesce(password_hash, '') from person where person_id = $1`
	sqlChangeMine    = `select app.change_my_password($1, $2, $3)`

	sqlInsertLink = `insert into one_time_link (token_hash, purpose, person_id, created_at, expires_at) values ($1, $2, $3, $4, $5)`
	sqlDropLinks  = `delete from one_time_link where purpose = $1 and person_id is not distinct from $2`
	sqlOpenLink   = `
select l.person_id, coalesce(p.email, ''), coalesce(p.name, '') from one_time_link l left join person p on p.person_id = l.person_id
 where l.token_hash = $1 and l.purpose = $2 and l.used_at is null and l.expires_at > $3`
	sqlUseLink     = `update one_time_link set used_at = $3 where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3`
	sqlUnuseLink   = `update one_time_link set used_at = null where token_hash = $1 and purpose = $2`
	sqlSetPassword = `update person set password_hash = $2, password_set_at = $3 where person_id = $1`

	sqlTakeThrottle = `
insert into throttle (key, tat) select k, $2 from unnest($1::text[]) k order by k
    on conflict (key) do update set tat = throttle.tat returning key, tat`
	sqlSetThrottle   = `update throttle t set tat = v.tat from unnest($1::text[], $2::timestamptz[]) v (key, tat) where t.key = v.key`
	sqlClearThrottle = `delete from throttle where key = any($1)`

	sqlSweepLinks = `delete from one_time_link where expires_at < $1`
)

type sessionRow struct {
	Session    id.ID     `db:"session_id"`
	Person     id.ID     `db:"person_id"`
	Email      string    `db:"email"`
	Tenant     id.ID     `db:"tenant_id"`
	Member     id.ID     `db:"member_id"`
	Partner    id.ID     `db:"partner_id"`
	Role       string    `db:"role"`
	Name       string    `db:"name"`
	LastSeenAt time.Time `db:"last_seen_at"`
	ExpiresAt  time.Time `db:"expires_at"`
	CreatedAt  time.Time `db:"created_at"`
	Theme      string    `db:"theme"`
	Status     string    `db:"tenant_status"`
}

// readSession returns a living session and where its person may go, in one round trip.
func (s *Service) readSession(ctx context.Context, hash []byte, now time.Time) (row sessionRow, places []Membership, err error) {
	b := &pgx.Batch{}
	b.Queue(sqlSession, hash, now).Query(func(rows pgx.Rows) (err error) {
		row, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[sessionRow])
		return err
	})
	b.Queue(sqlSessionPlaces, hash, now).Query(func(rows pgx.Rows) (err error) {
		places, err = pgx.CollectRows(rows, pgx.RowToStructByName[Membership])
		return err
	})
	err = s.ops.DB.Pool(pg.Public).SendBatch(ctx, b).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		err = unauthenticated()
	}
	return row, places, err
}

func (s *Service) places(ctx context.Context, person id.ID) ([]Membership, error) {
	rows, err := s.ops.DB.Pool(pg.Public).Query(ctx, sqlPlaces, person)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Membership])
}

func (s *Service) readSelf(ctx context.Context, person id.ID) (out Self, err error) {
	if err = s.ops.DB.Pool(pg.Public).QueryRow(ctx, sqlPerson, person).Scan(&out.Email, &out.Theme); err != nil {
		return out, err
	}
	out.Memberships, err = s.places(ctx, person)
	return out, err
}

// run executes one statement as nobody and returns how many rows it changed.
func (s *Service) run(ctx context.Context, sql string, args ...any) (int64, error) {
	tag, err := s.ops.DB.Pool(pg.Public).Exec(ctx, sql, args...)
	return tag.RowsAffected(), err
}

func (s *Service) touchSession(ctx context.Context, session id.ID, now, idle time.Time) error {
	_, err := s.run(ctx, sqlTouchSession, session, now, idle)
	return err
}

func (s *Service) openSession(ctx context.Context, v Session, person id.ID, now, idle time.Time, ip, agent string) error {
	_, err := s.run(ctx, sqlOpenSession, v.ID, digest(v.Token), person, now, idle, v.ExpiresAt, ip, agent)
	return err
}

func (s *Service) closeSession(ctx context.Context, token string, now time.Time) error {
	_, err := s.run(ctx, sqlCloseSession, digest(token), now)
	return err
}

func bindSession(ctx context.Context, tx *op.Tx, session id.ID, oldHash, newHash []byte, idle, expires time.Time) (bound bool, err error) {
	b := &pgx.Batch{}
	b.Queue(sqlBindSession, session, oldHash, newHash, idle, expires, tx.Now).QueryRow(func(row pgx.Row) error { return row.Scan(&bound) })
	b.Queue(sqlSeenMember, tx.Who.Member, tx.Now)
	err = tx.SendBatch(ctx, b).Close()
	return bound, err
}

func mySessions(ctx context.Context, tx *op.Tx) ([]OpenSession, error) {
	rows, err := tx.Query(ctx, sqlMySessions, tx.Now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[OpenSession])
}

// endMine ends the session one, or with Nil every one but keep, and returns which it were.
func endMine(ctx context.Context, tx *op.Tx, one, keep id.ID) ([]id.ID, error) {
	rows, err := tx.Query(ctx, sqlEndMine, one, keep, tx.Now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.ID])
}

type personRow struct {
	ID    id.ID
	Name  string
	Hash  string
	Email string
}

// personByEmail returns the person of an address, the zero one when there is none.
func (s *Service) personByEmail(ctx context.Context, email string) (p personRow, err error) {
	p.Email = email
	err = s.ops.DB.Pool(pg.Public).QueryRow(ctx, sqlPersonByEmail, email).Scan(&p.ID, &p.Name, &p.Hash)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return p, err
}

// personByID returns a person with the hash of their password.
func (s *Service) personByID(ctx context.Context, v id.ID) (personRow, error) {
	p := personRow{ID: v}
	err := s.ops.DB.Pool(pg.Public).QueryRow(ctx, sqlPersonByID, v).Scan(&p.Email, &p.Name, &p.Hash)
	return p, missing(err, "person")
}

// signedIn notes a sign-in and stores the hash anew when fresh is not empty, unless the password changed meanwhile.
func (s *Service) signedIn(ctx context.Context, p personRow, fresh string, now time.Time) (bool, error) {
	n, err := s.run(ctx, sqlSignedIn, p.ID, now, fresh, p.Hash)
	return n == 1, err
}

func changeMine(ctx context.Context, tx *op.Tx, old, fresh string) (changed bool, err error) {
	err = tx.QueryRow(ctx, sqlChangeMine, old, fresh, tx.Now).Scan(&changed)
	return changed, err
}

// newLink stores a one-time link and revokes older ones of the same purpose and person.
func (s *Service) newLink(ctx context.Context, purpose string, person id.ID, token string, now, expires time.Time) error {
	b := &pgx.Batch{}
	b.Queue(sqlDropLinks, purpose, person)
	b.Queue(sqlInsertLink, digest(token), purpose, person, now, expires)
	return s.ops.DB.Pool(pg.Public).SendBatch(ctx, b).Close()
}

// openLink returns the person an unused link is for. NotFound "link.not_found".
func (s *Service) openLink(ctx context.Context, purpose, token string, now time.Time) (p personRow, err error) {
	err = s.ops.DB.Pool(pg.Public).QueryRow(ctx, sqlOpenLink, digest(token), purpose, now).Scan(&p.ID, &p.Email, &p.Name)
	return p, missing(err, "link")
}

func (s *Service) useLink(ctx context.Context, purpose, token string, now time.Time) (bool, error) {
	n, err := s.run(ctx, sqlUseLink, digest(token), purpose, now)
	return n == 1, err
}

func (s *Service) unuseLink(ctx context.Context, purpose, token string) error {
	_, err := s.run(ctx, sqlUnuseLink, digest(token), purpose)
	return err
}

// resetPassword uses a reset link, sets the password and ends every session of the person, all or nothing.
func (s *Service) resetPassword(ctx context.Context, token string, p personRow, hash string, now time.Time) (bool, error) {
	used := false
	err := pgx.BeginFunc(ctx, s.ops.DB.Pool(pg.Public), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sqlUseLink, digest(token), purposeReset, now)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		used = true
		if _, err := tx.Exec(ctx, sqlSetPassword, p.ID, hash, now); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sqlCloseAll, p.ID, now)
		return err
	})
	return used, err
}

// takeAttempt spends one attempt of every limit, or none; wait is zero when it was spent.
func (s *Service) takeAttempt(ctx context.Context, now time.Time, limits []limit) (wait time.Duration, err error) {
	err = pgx.BeginFunc(ctx, s.ops.DB.Pool(pg.Public), func(tx pgx.Tx) (err error) {
		wait, err = spendIn(ctx, tx, now, limits)
		return err
	})
	return wait, err
}

// spendIn is takeAttempt inside a transaction.
func spendIn(ctx context.Context, tx pgx.Tx, now time.Time, limits []limit) (wait time.Duration, err error) {
	keys := keysOf(limits)
	rows, err := tx.Query(ctx, sqlTakeThrottle, keys, now)
	if err != nil {
		return 0, err
	}
	stored := map[string]time.Time{}
	var key string
	var tat time.Time
	if _, err := pgx.ForEachRow(rows, []any{&key, &tat}, func() error { stored[key] = tat; return nil }); err != nil {
		return 0, err
	}
	next, wait := decide(limits, stored, now)
	if wait > 0 {
		return wait, nil
	}
	tats := make([]time.Time, len(keys))
	for i, k := range keys {
		tats[i] = next[k]
	}
	_, err = tx.Exec(ctx, sqlSetThrottle, keys, tats)
	return 0, err
}

// forgive gives the attempts of one account back after it was entered.
func (s *Service) forgive(ctx context.Context, limits []limit) error {
	var keys []string
	for _, l := range limits {
		if l.rule == ruleHere || l.rule == ruleDevice {
			keys = append(keys, l.key)
		}
	}
	_, err := s.run(ctx, sqlClearThrottle, slices.Compact(keys))
	return err
}

// sweep deletes one-time links that expired a week ago. Sessions and counted attempts go as the policy says, by retention.
func (s *Service) sweep(ctx context.Context, now time.Time) error {
	b := &pgx.Batch{}
	b.Queue(sqlSweepLinks, now.Add(-7*24*time.Hour))
	return s.ops.DB.Pool(pg.Public).SendBatch(ctx, b).Close()
}
