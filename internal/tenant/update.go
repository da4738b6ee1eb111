package tenant

import (
	"bytes"
	"context"
	"net/url"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/op"
)

// UpdateInput names what changes; nil stays as it is.
type UpdateInput struct {
	Version         *int
	Name            *string
	DefaultCurrency *string
	TimeZone        *string
	ProtectionDays  *int
	AgentEdits      *string
	BrandColor      *string // "#rrggbb"
	PublicHost      *string // host of the public pages, "" for none
	Logo            *[]byte // empty takes the logo away
}

// Update changes the programme's settings.
//
// Invalid with every refused field at once; Stale "tenant.stale" when Version is not the current one.
func (s *Service) Update(ctx context.Context, who access.Actor, in UpdateInput) (Settings, error) {
	return op.Write(ctx, s.ops, who, ActUpdate, func(tx *op.Tx) (Settings, error) {
		old, err := lockSettings(ctx, tx)
		if err != nil {
			return Settings{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return Settings{}, err
		}
		if in.Version != nil && *in.Version != old.Version {
			return Settings{}, stale("tenant")
		}
		fresh, err := in.apply(old, s.ops.PublicURL)
		if err != nil {
			return Settings{}, err
		}
		if fresh == old && in.Logo == nil {
			tx.Unchanged()
			return old, nil
		}
		fresh.Version, fresh.UpdatedAt = old.Version+1, tx.Now
		if err := updateTenant(ctx, tx, fresh); err != nil {
			return Settings{}, err
		}
		note := ""
		if in.Logo != nil {
			note = "logo changed"
			if err := updateLogo(ctx, tx, *in.Logo); err != nil {
				return Settings{}, err
			}
		}
		tx.Audit(audit.Change{Type: "tenant", ID: old.ID, Label: fresh.Name, Before: old, After: fresh, Note: note})
		return fresh, nil
	})
}

// apply returns the settings with the changes, or every field that is not acceptable.
func (in UpdateInput) apply(s Settings, publicURL string) (Settings, error) {
	var p problems
	if in.Name != nil {
		s.Name = strings.TrimSpace(*in.Name)
		p.name("name", s.Name, MaxName)
	}
	if in.DefaultCurrency != nil {
		s.DefaultCurrency = strings.ToUpper(strings.TrimSpace(*in.DefaultCurrency))
		p.currency("default_currency", s.DefaultCurrency)
	}
	if in.TimeZone != nil {
		s.TimeZone = strings.TrimSpace(*in.TimeZone)
		p.zone("time_zone", s.TimeZone)
	}
	if in.ProtectionDays != nil {
		s.ProtectionDays = *in.ProtectionDays
		if s.ProtectionDays < MinProtectionDays || s.ProtectionDays > MaxProtectionDays {
			p.Add("protection_days", "field.range", "Give 1 to 730 days.")
		}
	}
	if in.AgentEdits != nil {
		s.AgentEdits = *in.AgentEdits
		if s.AgentEdits != AgentsOwn && s.AgentEdits != AgentsCompany {
			p.Add("agent_edits", "field.choice", "Use one of: own, company.")
		}
	}
	if in.BrandColor != nil {
		s.BrandColor = strings.ToLower(strings.TrimSpace(*in.BrandColor))
		if !colorForm.MatchString(s.BrandColor) {
			p.Add("brand_color", "color.form", "Give a colour as #rrggbb, such as #1f5fd6.")
		}
	}
	if in.PublicHost != nil {
		s.PublicHost = strings.ToLower(strings.TrimSpace(*in.PublicHost))
		p.host("public_host", s.PublicHost, hostOf(publicURL))
	}
	if in.Logo != nil {
		s.LogoType = LogoType(*in.Logo)
		switch {
		case len(*in.Logo) > MaxLogo:
			p.Add("logo", "file.too_large", "The logo may have at most 256 KiB. Save it smaller.")
		case len(*in.Logo) > 0 && s.LogoType == "":
			p.Add("logo", "file.type", "This is not a PNG, JPEG or WebP image.")
		}
	}
	return s, errs.Refused(p.Problems)
}

// hostOf returns the host of an address, in small letters.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// LogoType returns the media type of an image by its first bytes: PNG, JPEG, WebP, or "" for anything else.
func LogoType(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case len(b) > 15 && bytes.Equal(b[:4], []byte("RIFF")) && bytes.Equal(b[8:14], []byte("WEBPVP")):
		return "image/webp"
	}
	return ""
}

// clean copies an image without what may stand behind its end, so that a file which is also something else is stored as an
// image only. A file whose end is not found is stored as it is.
func clean(b []byte) []byte {
	switch LogoType(b) {
	case "image/png":
		if i := bytes.LastIndex(b, []byte("IEND\xaeB`\x82")); i >= 0 {
			return b[:i+8]
		}
	case "image/jpeg":
		if i := bytes.LastIndex(b, []byte{0xff, 0xd9}); i >= 0 {
			return b[:i+2]
		}
	}
	return b
}

func stale(noun string) error {
	return errs.New(errs.Stale, noun+".stale", "Somebody changed this since you loaded it. Load it again and repeat your change.")
}
