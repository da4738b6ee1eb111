package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
)

// FirstAdmin is what `entente admin bootstrap` is told.
type FirstAdmin struct{ Slug, Programme, Name, Email, Password string }

// Bootstrapped is what it answers; the key is shown once.
type Bootstrapped struct {
	TenantID string `json:"tenant_id"`
	UserID   string `json:"user_id"`
	APIKey   string `json:"api_key"`
}

// Bootstrap makes a programme, its first Admin and an API key of that Admin.
func (a *App) Bootstrap(ctx context.Context, in FirstAdmin) (Bootstrapped, error) {
	done, err := a.Identity.CreateAdmin(ctx, identity.AdminInput{Slug: in.Slug, Programme: in.Programme, Name: in.Name, Email: in.Email, Password: in.Password})
	if err != nil {
		return Bootstrapped{}, err
	}
	return Bootstrapped{done.TenantID.String(), done.UserID.String(), done.APIKey}, nil
}

// Explain returns err as the operator reads it on the command line: what is wrong, field by field, and its cause.
func Explain(err error) string {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)", e.Msg, e.Code)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", f.Name, f.Msg)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "\n  cause: %v", e.Err)
	}
	return b.String()
}
