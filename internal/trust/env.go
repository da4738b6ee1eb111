package trust

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Env is what the probes look at. The app gives the running program's own parts; where a func is nil, the mechanism is not part of
// this installation and its promise is not offered.
type Env struct {
	Ops     *op.Ops
	Version string // of the program
	Commit  string // the exact source, "" when nobody recorded it
	Modules int    // dependencies that are listed in the program itself

	Files *file.Service // where packages are kept

	Tenants func(ctx context.Context) ([]Tenant, error)
	Ask     func(ctx context.Context, q Question) (Answer, error) // sends a request through the program's own handler
	Routes  []Route
	Actions []access.Action                          // every action of the permission table
	Grants  func(role string) map[access.Action]bool // what a built-in role may do
	Roles   []string

	JudgePassword  func(plain string) error // the validator of new passwords
	BreachedSample string                   // a password that everybody knows to be breached
	Guess          func(ctx context.Context) (allowed int, wait time.Duration, err error)
	SessionCookies func() []string // Set-Cookie lines as signing in writes them
	Rate           func() (allowed int, wait time.Duration)
	Listener       func() (how string, seen bool) // how the listener does TLS; seen: this process does it itself
	Outbound       func() []Outbound
	Processors     func(ctx context.Context, tenant id.ID) (hosts []string, err error) // hosts on the sub-processor list
	Volume         func(ctx context.Context) (encrypted, known bool, detail string)
	Export         func(ctx context.Context, tenant id.ID) (rows int, err error) // runs the deal export and counts its rows
	DemoRefused    func(ctx context.Context) error                               // an error when the demo would be filled beside a real programme
	Encrypted      []Cipher                                                      // columns that hold ciphertext
	Knock          func(ctx context.Context, form, ip string) error              // spends one use of a public form
	TreeHead       func(ctx context.Context, tenant id.ID) (size int64, root string, err error)

	More map[string]func(ctx context.Context, tenant id.ID) Finding // probes of rooms that know their own mechanism, by promise
}

// Cipher is a column whose values are encrypted for their place.
// Its place is the table, the column and the key; Order is the column by which the newest come first.
type Cipher struct{ Table, Column, Key, Order string }

// Outbound is one connection that the program makes to somewhere else.
type Outbound struct {
	Host, What string
	Plain      bool // without TLS
	Local      bool // this machine
}

// Tenant is a programme as the probes see it.
type Tenant struct {
	ID         id.ID
	Slug, Name string
	Active     bool
	Demo       bool
}

// Route is one way in.
type Route struct {
	Method, Pattern string
	Action          access.Action // "" for a public one
	Why             string        // why it is public
	API             bool
}

// Question is a request that a probe sends.
type Question struct {
	Method, Path, Host, Body, ContentType string
	From                                  string // the address it seems to come from; default 192.0.2.1
}

// Answer is what came back, with everything that was logged on the way.
type Answer struct {
	Status int
	Header map[string][]string
	Body   string
	Log    string
}

// Get returns the first value of a header, "" without one.
func (a Answer) Get(name string) string {
	if v := a.Header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
