package app

import (
	"context"
	"fmt"
	"os"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/privacy"
)

// logHead is the head of a programme's sealed log in words, for the certificates of erasures.
func (a *App) logHead(ctx context.Context, tenant id.ID) (string, error) {
	size, root, err := a.treeHead(ctx, tenant)
	if err != nil || size == 0 {
		return "", err
	}
	return fmt.Sprintf("%d entries, root %s", size, root), nil
}

// replayErasures erases again what the ledger beside the database knows and the database does not, before anybody is served: the
// database was restored from a backup that is older than an erasure.
func (a *App) replayErasures(ctx context.Context) error {
	done, err := a.Privacy.Replay(ctx, "")
	if err != nil {
		return fmt.Errorf("erase again what a restored database brought back: %w", err)
	}
	if done.Missing > 0 {
		a.Log.Warn("the database is older than the erasure ledger; what was erased is erased again", "erasures", done.Missing, "rows", done.Rows)
	}
	return nil
}

// SubjectOf is how a command names a person.
type SubjectOf struct{ Tenant, Email, Name, Phone, Reason string }

func (a *App) subject(ctx context.Context, in SubjectOf) (id.ID, privacy.Subject, error) {
	t, err := a.named(ctx, in.Tenant)
	if err != nil {
		return id.Nil, privacy.Subject{}, err
	}
	return t.ID, privacy.Subject{Email: in.Email, Name: in.Name, Phone: in.Phone}, nil
}

// FindSubject searches a programme for a person. report is told how it goes on.
func (a *App) FindSubject(ctx context.Context, in SubjectOf, report privacy.Progress) (privacy.Found, error) {
	tenant, sub, err := a.subject(ctx, in)
	if err != nil {
		return privacy.Found{}, err
	}
	return a.Privacy.FindAsOperator(ctx, tenant, sub, in.Reason, report)
}

// ExportSubject writes the signed package of a person's data to a new file: whole or not at all; with force it replaces one. It returns
// how many values it has.
func (a *App) ExportSubject(ctx context.Context, in SubjectOf, path string, force bool) (n int, err error) {
	tenant, sub, err := a.subject(ctx, in)
	if err != nil {
		return 0, err
	}
	err = output(path, force, func(f *os.File) error {
		n, err = a.Privacy.ExportAsOperator(ctx, tenant, sub, in.Reason, f)
		return err
	})
	return n, err
}

// EraseSubject records an erasure, and carries it out where the policy says that the operator answers.
func (a *App) EraseSubject(ctx context.Context, in SubjectOf) (privacy.Request, error) {
	tenant, sub, err := a.subject(ctx, in)
	if err != nil {
		return privacy.Request{}, err
	}
	return a.Privacy.EraseAsOperator(ctx, tenant, sub, in.Reason)
}

// RestrictSubject suspends a person's processing, or lifts that, and returns how many records it touched.
func (a *App) RestrictSubject(ctx context.Context, in SubjectOf, lift bool) (int, error) {
	tenant, sub, err := a.subject(ctx, in)
	if err != nil {
		return 0, err
	}
	return a.Privacy.RestrictAsOperator(ctx, tenant, sub, in.Reason, lift)
}
