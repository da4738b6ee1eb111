package crypt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Options are what a KEK needs besides its address.
type Options struct {
	Credentials string // the directory of systemd's credentials ($CREDENTIALS_DIRECTORY)
	Vault       Vault
}

// Vault says how Vault is reached and signed in to: by the token in TokenFile, or by AppRole with the ids in two files.
type Vault struct {
	Addr         string // https://HOST:PORT
	Namespace    string
	TokenFile    string
	RoleIDFile   string
	SecretIDFile string
	CAFile       string // certificates to trust instead of the system's
	Timeout      time.Duration
}

// Open returns the KEK that where names: file:PATH, systemd:NAME or vault:MOUNT/KEY. It asks Vault for nothing yet.
func Open(where string, o Options) (KEK, error) {
	if why := Problem(where); why != "" {
		return nil, fmt.Errorf("key-encryption key %q %s", where, why)
	}
	kind, rest, _ := strings.Cut(where, ":")
	switch kind {
	case "file":
		return ReadFile(rest, false)
	case "systemd":
		if o.Credentials == "" {
			return nil, errors.New("key-encryption key " + where + ": systemd gave this program no credentials; add LoadCredentialEncrypted=" + rest + " to its unit")
		}
		return ReadFile(filepath.Join(o.Credentials, rest), false)
	default:
		return newTransit(rest, o.Vault)
	}
}

var (
	credentialName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	transitName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$`)
)

// Problem says what is wrong with the address of a KEK, "" for one that Open takes.
func Problem(where string) string {
	kind, rest, _ := strings.Cut(where, ":")
	switch {
	case kind == "file" && strings.TrimSpace(rest) != "", kind == "systemd" && credentialName.MatchString(rest),
		kind == "vault" && transitName.MatchString(rest) && !strings.Contains(rest, ".."):
		return ""
	}
	return "is none of file:PATH, systemd:NAME and vault:MOUNT/KEY"
}

// Absent is the place of a KEK that is not there: it wraps and unwraps nothing, and says why.
func Absent(why error) KEK { return absent{why} }

type absent struct{ why error }

func (absent) ID() string { return "none" }

func (a absent) Wrap(context.Context, []byte, []byte) ([]byte, error) { return nil, a.why }

func (a absent) Unwrap(context.Context, []byte, []byte) ([]byte, error) { return nil, a.why }
