package tenant

import (
	"regexp"
	"strings"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/money"
)

// The bounds of what a programme may set.
const (
	MaxName           = 200
	MinProtectionDays = 1
	MaxProtectionDays = 730
	MaxLogo           = 256 << 10
)

// Settings is a tenant with everything but its logo's bytes.
type Settings struct {
	ID              id.ID     `db:"tenant_id" json:"id"`
	Slug            string    `db:"slug" json:"slug"`
	Name            string    `db:"name" json:"name"`
	Status          string    `db:"status" json:"status"` // see the constants of status
	IsDemo          bool      `db:"is_demo" json:"is_demo"`
	DefaultCurrency string    `db:"default_currency" json:"default_currency"`
	TimeZone        string    `db:"time_zone" json:"time_zone"`
	ProtectionDays  int       `db:"protection_days" json:"protection_days"`
	AgentEdits      string    `db:"agent_edits" json:"agent_edits"` // own or company: which deals an Agent may change
	BrandColor      string    `db:"brand_color" json:"brand_color"`
	PublicHost      string    `db:"public_host" json:"public_host"` // where its public pages stand without /t/{slug}; "" for nowhere
	LogoType        string    `db:"logo_type" json:"logo_type"`     // "" without a logo
	Version         int       `db:"version" json:"version"`
	CreatedAt       time.Time `db:"created_at" json:"created_at"`
	UpdatedAt       time.Time `db:"updated_at" json:"updated_at"`

	ClosingAt  *time.Time `db:"closing_at" json:"closing_at,omitempty"`   // when its deletion was asked for
	PurgeAfter *time.Time `db:"purge_after" json:"purge_after,omitempty"` // closes and is purged from then on
	ClosedAt   *time.Time `db:"closed_at" json:"closed_at,omitempty"`
}

// The values of Settings.Status. Within its own transaction a programme that arrives is "importing".
const (
	Active    = "active"
	Suspended = "suspended" // dead to everybody in it, by the operator
	Closing   = "closing"   // its deletion was asked for: readable until PurgeAfter, and the request can be taken back
	Closed    = "closed"    // dead to everybody, being purged
	Purged    = "purged"    // a nameless stone
)

// Location returns the programme's time zone, UTC when this machine does not know it.
func (s Settings) Location() *time.Location {
	if loc, err := time.LoadLocation(s.TimeZone); err == nil {
		return loc
	}
	return time.UTC
}

// The values of Settings.AgentEdits.
const (
	AgentsOwn     = "own"
	AgentsCompany = "company"
)

var slugForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// Slug proposes a slug for a name, "" when nothing of the name can stand in one.
func Slug(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
		if b.Len() >= 38 {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}

type problems struct{ errs.Problems }

// name checks a text that people read: 1 to most characters on one line.
func (p *problems) name(field, v string, most int) {
	p.Need(field, p.Line(field, v, most))
}

func (p *problems) slug(field, v string) {
	if !slugForm.MatchString(v) {
		p.Add(field, "tenant.slug", "Use 1 to 40 small letters, digits and hyphens, beginning and ending with a letter or digit.")
	}
}

func (p *problems) currency(field, v string) {
	if _, ok := money.Lookup(v); !ok {
		p.Add(field, "currency.unknown", "Give a currency code such as EUR or USD.")
	}
}

func (p *problems) zone(field, v string) {
	if v == "Local" || v == "" {
		p.Add(field, "time_zone.unknown", "Give a time zone such as Europe/Berlin.")
		return
	}
	if _, err := time.LoadLocation(v); err != nil {
		p.Add(field, "time_zone.unknown", "There is no such time zone. Give one such as Europe/Berlin.")
	}
}

// hostForm is a domain name with at least two labels, in small letters, without a port.
var hostForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// host checks the name of the host that public pages stand on; own is the installation's.
func (p *problems) host(field, v, own string) {
	switch {
	case v == "":
	case len(v) > 253 || !hostForm.MatchString(v):
		p.Add(field, "host.form", "Give a host name such as trust.example.com, without https:// and without a port.")
	case v == own:
		p.Add(field, "host.installation", "This is the host of the whole installation. Give a host of your own that points here.")
	}
}

var colorForm = regexp.MustCompile(`^#[0-9a-f]{6}$`)
