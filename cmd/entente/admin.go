package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type adminCmd struct {
	Bootstrap bootstrapCmd `cmd:"" help:"Make a programme and its first Admin, with an API key."`
	ResetLink resetLinkCmd `cmd:"" help:"Print a password reset link for a person, where no mail server is configured."`
}

type bootstrapCmd struct {
	config.Config
	Slug         string `required:"" help:"Short name in addresses: letters, digits and hyphens."`
	Name         string `required:"" help:"Name of the programme's company."`
	Email        string `required:"" help:"E-mail address of the first Admin."`
	Person       string `help:"Name of the first Admin; default: what stands before the @."`
	PasswordFile string `required:"" type:"path" help:"File that holds the Admin's password, at least 15 characters; - reads it from standard input."`
	JSON         bool   `name:"json" help:"As JSON."`
}

// Run makes the tenant, its Admin and an API key that is printed once.
func (b *bootstrapCmd) Run(c *console) error {
	password, err := readPassword(b.PasswordFile)
	if err != nil {
		return err
	}
	name := b.Person
	if name == "" {
		name, _, _ = strings.Cut(b.Email, "@")
	}
	return with(c, &b.Config, func(a *app.App) error {
		out, err := a.Bootstrap(c.ctx, app.FirstAdmin{Slug: b.Slug, Programme: b.Name, Name: name, Email: b.Email, Password: password})
		if err != nil {
			return err
		}
		if b.JSON {
			return printJSON(c.out, out)
		}
		fmt.Fprintf(c.out, "Programme %s is ready. Admin: %s\nAPI key (shown once): %s\n", b.Slug, b.Email, out.APIKey)
		return nil
	})
}

// readPassword reads at most 4 KiB and drops one line end.
func readPassword(path string) (string, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}

type resetLinkCmd struct {
	config.Config
	Email string `arg:"" help:"E-mail address of the person."`
}

// Run prints a link that lets the person choose a new password within 20 minutes.
func (r *resetLinkCmd) Run(c *console) error {
	return with(c, &r.Config, func(a *app.App) error {
		link, err := a.Identity.ResetLink(c.ctx, r.Email)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.out, link)
		return nil
	})
}
