package embedded

import (
	"log/slog"

	"entente.dev/internal/kernel/errs"
)

// Options says where the server lives and how it is set.
type Options struct {
	// DataDir is the program's data directory. It is created when missing.
	DataDir string
	// Log hears of starts, stops and restarts; nil is silence.
	Log *slog.Logger
	// NoFsync trades durability for speed: a crash of the machine may lose the cluster. Tests only.
	NoFsync bool
	// Settings are PostgreSQL parameters that replace the defaults of this package.
	Settings map[string]string
}

// The bootstrap superuser and the database that Start makes.
const (
	User     = "entente_boot"
	Database = "entente"
)

// Codes of the errors that callers may want to tell apart. Their messages are complete sentences
// for the operator; errors of Start carry the end of the server's log as their cause.
const (
	CodeInUse      = "postgres.in_use"      // another program holds the data directory; the message names its pid
	CodeNotRunning = "postgres.not_running" // Attach found no program that holds the data directory
	CodeVersion    = "postgres.version"     // the cluster is of another major version
	CodeNoBinaries = "postgres.no_binaries" // no usable PostgreSQL was found
	CodeDataDir    = "postgres.data_dir"    // the data directory cannot be used as it is
	CodeStart      = "postgres.start"       // the server, or initdb, failed
)

func fail(code string, cause error, format string, args ...any) error {
	e := errs.New(errs.Unavailable, code, format, args...)
	e.Err = cause
	return e
}
