package main

import (
	"errors"
	"fmt"
	"os"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type subjectCmd struct {
	Find     subjectFindCmd     `cmd:"" help:"Find a person everywhere in a programme."`
	Export   subjectExportCmd   `cmd:"" help:"Write a signed package of everything a programme holds about a person."`
	Erase    subjectEraseCmd    `cmd:"" help:"Record an erasure; it is carried out at once only where the policy says that the operator answers."`
	Restrict subjectRestrictCmd `cmd:"" help:"Suspend the processing of a person's data, or lift that."`
	Replay   subjectReplayCmd   `cmd:"" help:"Erase again what a ledger knows and a restored database does not."`
}

// subjectFlags name a person in a programme. Every use is on the programme's record with its reason.
type subjectFlags struct {
	config.Config
	Tenant string `name:"tenant" required:"" help:"The programme's short name, or its id."`
	Email  string `name:"email" help:"The person's e-mail address."`
	Name   string `name:"name" help:"The person's name."`
	Phone  string `name:"phone" help:"The person's phone number."`
	Reason string `name:"reason" default:"Asked for on the command line; no reason was given." help:"Why; the programme sees it in its audit log."`
	JSON   bool   `name:"json" help:"As JSON."`
}

func (f subjectFlags) of() app.SubjectOf {
	return app.SubjectOf{Tenant: f.Tenant, Email: f.Email, Name: f.Name, Phone: f.Phone, Reason: f.Reason}
}

type subjectFindCmd struct{ subjectFlags }

// Run searches and prints where the person stands.
func (s *subjectFindCmd) Run(c *console) error {
	return with(c, &s.Config, func(a *app.App) error {
		found, err := a.FindSubject(c.ctx, s.of(), func(done, total int, table string) {
			if !s.JSON {
				fmt.Fprintf(c.err, "\r%3d of %d tables  %-24s", done+1, total, table)
			}
		})
		if !s.JSON {
			fmt.Fprintln(c.err)
		}
		if err != nil {
			return err
		}
		if s.JSON {
			return printJSON(c.out, found)
		}
		for _, n := range found.Counts {
			fmt.Fprintf(c.out, "%-16s %-20s %6d about the person, %d perhaps a namesake's\n", n.Category, n.Table, n.Sure, n.Doubtful)
		}
		for _, h := range found.Hits {
			if h.Snippet != "" {
				fmt.Fprintf(c.out, "%s %s, %s (%s): %s\n", h.Table, h.Key, h.Column, h.Confidence, h.Snippet)
			}
		}
		if len(found.Counts) == 0 {
			fmt.Fprintln(c.out, "Nothing was found.")
		}
		return nil
	})
}

type subjectExportCmd struct {
	subjectFlags
	Out   string `name:"out" aliases:"output" short:"o" default:"subject.zip" placeholder:"FILE" help:"The file to write (${default})."`
	Force bool   `name:"force" help:"Replace the file if it exists."`
}

// Run writes the package.
func (s *subjectExportCmd) Run(c *console) error {
	return with(c, &s.Config, func(a *app.App) error {
		n, err := a.ExportSubject(c.ctx, s.of(), s.Out, s.Force)
		if err != nil {
			return err
		}
		if s.JSON {
			return printJSON(c.out, map[string]any{"file": s.Out, "values": n})
		}
		fmt.Fprintf(c.out, "%s holds %d values.\n", s.Out, n)
		return nil
	})
}

type subjectEraseCmd struct{ subjectFlags }

// Run records the erasure and says what happens next.
func (s *subjectEraseCmd) Run(c *console) error {
	return with(c, &s.Config, func(a *app.App) error {
		r, err := a.EraseSubject(c.ctx, s.of())
		if err != nil {
			return err
		}
		if s.JSON {
			return printJSON(c.out, r)
		}
		fmt.Fprintln(c.out, r.Next())
		return nil
	})
}

type subjectRestrictCmd struct {
	subjectFlags
	Lift bool `name:"lift" help:"Lift the restriction instead."`
}

// Run suspends the processing or lifts that.
func (s *subjectRestrictCmd) Run(c *console) error {
	return with(c, &s.Config, func(a *app.App) error {
		n, err := a.RestrictSubject(c.ctx, s.of(), s.Lift)
		if err != nil {
			return err
		}
		if n == 0 {
			return errors.New("no record of this person was found that could be changed so")
		}
		if s.JSON {
			return printJSON(c.out, map[string]any{"records": n, "lifted": s.Lift})
		}
		fmt.Fprintf(c.out, "%d records changed.\n", n)
		return nil
	})
}

type subjectReplayCmd struct {
	config.Config
	Ledger string `name:"ledger" help:"The ledger file; erasures.jsonl in the data directory if left out."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run replays the ledger.
func (s *subjectReplayCmd) Run(c *console) error {
	return with(c, &s.Config, func(a *app.App) error {
		if s.Ledger != "" { // the installation's own may not be there yet; one that is named must be
			if _, err := os.Stat(s.Ledger); err != nil {
				return fmt.Errorf("--ledger: %w", err)
			}
		}
		done, err := a.Privacy.Replay(c.ctx, s.Ledger)
		if err != nil {
			return err
		}
		if s.JSON {
			return printJSON(c.out, done)
		}
		fmt.Fprintf(c.out, "%d erasures in the ledger, %d were missing in the database; %d records erased again.\n", done.Lines, done.Missing, done.Rows)
		return nil
	})
}
