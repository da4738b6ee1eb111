// Command entente is the partner platform in one binary: the server and the operator's commands.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/logging"
)

// grammar is the command line.
type grammar struct {
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Import  importCmd  `cmd:"" help:"Import a CSV file into a programme."`
	Tenant  tenantCmd  `cmd:"" help:"List, export, import and delete whole programmes."`
	Admin   adminCmd   `cmd:"" help:"Set up programmes and accounts from the command line."`
	Subject subjectCmd `cmd:"" help:"A person's rights: find, export, erase, restrict."`
	Trust   trustCmd   `cmd:"" help:"Probe the promises, attest what software cannot see, and write evidence packages."`
	Policy  policyCmd  `cmd:"" help:"Data policies: list, show, validate and apply profiles."`
	Audit   auditCmd   `cmd:"" help:"Export, verify and sign the audit log."`
	Keys    keysCmd    `cmd:"" help:"Look at, exchange and recover the keys of the installation."`
	Verify  verifyCmd  `cmd:"" help:"Check a signed package: an export, evidence or a certificate."`
	Doctor  doctorCmd  `cmd:"" help:"Check the installation and print the effective configuration, redacted."`
	Version versionCmd `cmd:"" help:"Print which program this is."`

	Retention retentionCmd `cmd:"" help:"Delete what is past its period, and foretell what will go when."`
}

// console is what a command has of the world.
type console struct {
	ctx context.Context
	out io.Writer
	err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run parses args, runs the command and returns the exit code: 0 done, 1 failed or refused, 2 not a command.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var g grammar
	parser, err := kong.New(&g, kong.Name("entente"), kong.Description("Partner relationship management you host yourself."),
		kong.Writers(out, errOut), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(errOut, "entente:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errOut, "entente: %v\nTry: entente --help\n", err)
		return 2
	}
	if err := command.Run(&console{ctx, out, errOut}); err != nil {
		fmt.Fprintln(errOut, "entente: "+app.Explain(err))
		return 1
	}
	return 0
}

// printJSON writes v as one indented document.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// open builds the program for a command; commands stay quiet about the database unless something is wrong.
func open(c *console, cfg *config.Config) (*app.App, error) {
	if err := cfg.Resolve(); err != nil {
		return nil, err
	}
	log, err := logging.New(c.err, cfg.LogFormat, "warn")
	if err != nil {
		return nil, err
	}
	return app.Open(c.ctx, *cfg, log)
}

// with runs fn on the built program and closes it.
func with(c *console, cfg *config.Config, fn func(*app.App) error) error {
	a, err := open(c, cfg)
	if err != nil {
		return err
	}
	err = fn(a)
	return errors.Join(err, a.Close(context.WithoutCancel(c.ctx)))
}

type serveCmd struct {
	config.Config
}

// Run serves until a signal ends it.
func (s *serveCmd) Run(c *console) error {
	if err := s.Resolve(); err != nil {
		return err
	}
	log, err := logging.New(c.err, s.LogFormat, s.LogLevel)
	if err != nil {
		return err
	}
	slog.SetDefault(log)
	return app.Serve(c.ctx, s.Config, log, func(line string) { fmt.Fprintln(c.out, line) })
}

type versionCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

// Run prints the build and the schema version it brings.
func (v *versionCmd) Run(c *console) error {
	this := app.Version()
	if v.JSON {
		return printJSON(c.out, this)
	}
	fmt.Fprintf(c.out, "entente %s (commit %s, built %s, %s, schema %d)\n", this.Version, this.Commit, this.Time, this.Go, this.Schema)
	return nil
}

type doctorCmd struct {
	config.Config
	JSON bool `name:"json" help:"As JSON."`
}

// Run checks the installation; it fails when a check fails.
func (d *doctorCmd) Run(c *console) error {
	problems := d.Resolve()
	report := app.Doctor(c.ctx, d.Config, problems)
	if d.JSON {
		if err := printJSON(c.out, report); err != nil {
			return err
		}
	} else {
		report.Print(c.out)
	}
	if !report.OK {
		return errors.New("at least one check failed")
	}
	return nil
}
