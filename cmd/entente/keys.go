package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

// keysCmd is the keys of the installation: where they stand, their exchange, and the shares that bring a lost one back.
type keysCmd struct {
	Status    keysStatusCmd    `cmd:"" help:"Print which keys there are, how old, and whether the key-encryption key opens them."`
	Rotate    keysRotateCmd    `cmd:"" help:"Give programmes a new data key and encrypt with it what older ones encrypted."`
	RotateKek keysRotateKEKCmd `cmd:"" name:"rotate-kek" help:"Wrap every key with another key-encryption key."`
	Split     keysSplitCmd     `cmd:"" help:"Print shares of the key-encryption key for people who keep them apart."`
	Recover   keysRecoverCmd   `cmd:"" help:"Restore the file of the key-encryption key from shares."`
}

type keysStatusCmd struct {
	config.Config
	JSON bool `name:"json" help:"As JSON."`
}

// Run prints the status; it fails when the KEK does not open the keys.
func (s *keysStatusCmd) Run(c *console) error {
	return with(c, &s.Config, func(a *app.App) error {
		st, err := a.KeyStatus(c.ctx)
		if err != nil {
			return err
		}
		if s.JSON {
			err = printJSON(c.out, st)
		} else {
			fmt.Fprintf(c.out, "key-encryption key  %s\nverifier            %s\n", st.KEK, st.Verifier)
			for _, t := range st.Tenants {
				for _, v := range t.Versions {
					state := "wrapped by " + v.KEK
					if v.DestroyedAt != nil {
						state = "destroyed " + v.DestroyedAt.Format(time.DateOnly)
					}
					fmt.Fprintf(c.out, "%-24s data key %d of %s, %s\n", t.Slug, v.Number, v.CreatedAt.Format(time.DateOnly), state)
				}
			}
		}
		if err == nil && !st.OK {
			err = errors.New(st.Problem)
		}
		return err
	})
}

type keysRotateCmd struct {
	config.Config
	Tenant string `name:"tenant" xor:"which" required:"" placeholder:"SLUG" help:"One programme, by its short name or its id."`
	All    bool   `name:"all" xor:"which" required:"" help:"Every programme."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run rotates and prints how far it is.
func (r *keysRotateCmd) Run(c *console) error {
	return with(c, &r.Config, func(a *app.App) error {
		done, err := a.RotateKeys(c.ctx, r.Tenant, func(programme string, s app.RotationProgress) {
			fmt.Fprintf(c.err, "%s: %d of %d encrypted anew\n", programme, s.Done, s.Total)
		})
		if err != nil {
			return err
		}
		if r.JSON {
			return printJSON(c.out, done)
		}
		for _, d := range done {
			fmt.Fprintf(c.out, "%s: data key %d is in use, %d values and files were encrypted anew; a running server destroys the older keys after %s\n",
				d.Programme, d.Rotation.Version, d.Rotation.Done, d.Retires.Local().Format("15:04"))
		}
		return nil
	})
}

type keysRotateKEKCmd struct {
	config.Config
	To   string `name:"to" required:"" placeholder:"WHERE" help:"The new one: file:PATH (made if it is not there), systemd:NAME or vault:MOUNT/KEY."`
	JSON bool   `name:"json" help:"As JSON."`
}

// Run wraps every key anew.
func (r *keysRotateKEKCmd) Run(c *console) error {
	return with(c, &r.Config, func(a *app.App) error {
		done, err := a.RotateKEK(c.ctx, r.To, func(done, all int) { fmt.Fprintf(c.err, "programme %d of %d\n", done, all) })
		if err != nil {
			return err
		}
		if r.JSON {
			return printJSON(c.out, done)
		}
		fmt.Fprintf(c.out, "%d data keys and %d signing keys are wrapped by %s now, not by %s.\nRestart every server with --kek %s, and keep the old key as long as backups need it.\n",
			done.Keys, done.Signing, done.To, done.From, r.To)
		return nil
	})
}

type keysSplitCmd struct {
	config.Config
	Shares int `name:"shares" default:"3" placeholder:"N" help:"How many (${default})."`
	Need   int `name:"need" default:"2" placeholder:"N" help:"How many of them bring the key back (${default})."`
}

// Run prints one share a line.
func (s *keysSplitCmd) Run(c *console) error {
	if err := s.Resolve(); err != nil {
		return err
	}
	shares, err := app.SplitKEK(s.Config, s.Shares, s.Need)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.err, "Give each line to another person. Any %d of %d bring the key back; fewer tell nothing. They are shown this once.\n", s.Need, s.Shares)
	for _, line := range shares {
		fmt.Fprintln(c.out, line)
	}
	return nil
}

type keysRecoverCmd struct {
	To     string   `name:"to" required:"" placeholder:"FILE" help:"Where to write the key; a file that is there is not replaced."`
	Shares []string `arg:"" optional:"" type:"existingfile" placeholder:"FILE" help:"Files that hold a share each. Default: shares from standard input, one a line."`
}

// Run restores the file.
func (r *keysRecoverCmd) Run(c *console) error {
	var shares []string
	for _, name := range r.Shares {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		shares = append(shares, string(b))
	}
	if len(r.Shares) == 0 {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			if s := strings.TrimSpace(lines.Text()); s != "" {
				shares = append(shares, s)
			}
		}
	}
	id, err := app.RecoverKEK(shares, r.To)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "The key %s is at %s. Use it with --kek file:%s.\n", id, r.To, r.To)
	return nil
}

// verifyCmd checks a signed package without a database.
type verifyCmd struct {
	Package string `arg:"" type:"existingfile" help:"The zip file."`
	Key     string `name:"key" placeholder:"FILE" type:"existingfile" help:"File with the verifier key of the installation. Default: the key in the package itself, which proves that nothing was altered, not who signed."`
	JSON    bool   `name:"json" help:"As JSON."`
}

// Run verifies.
func (v *verifyCmd) Run(c *console) error {
	verifier := ""
	if v.Key != "" {
		b, err := os.ReadFile(v.Key)
		if err != nil {
			return err
		}
		verifier = strings.TrimSpace(string(b))
	}
	got, err := app.VerifyPackage(v.Package, verifier)
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(c.out, got)
	}
	fmt.Fprintf(c.out, "whole: %s of %s, made %s, %d members\nsigned by %s\n", got.Kind, got.Programme, got.Made.Format(time.RFC3339), len(got.Members), got.Signer)
	if !got.KeyGiven {
		fmt.Fprintln(c.out, "The key is the package's own. Compare it with the one that the trust page of the installation shows, or give it with --key.")
	}
	return nil
}
