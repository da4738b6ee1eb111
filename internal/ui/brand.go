package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// DefaultColor is Entente's own accent, used where a tenant chose none.
const DefaultColor = "#2457c5"

var hexColor = regexp.MustCompile(`^#?[0-9a-fA-F]{6}$`)

// ValidColor reports whether s is a colour a brand may have: "#rrggbb".
func ValidColor(s string) bool { return len(s) == 7 && hexColor.MatchString(s) }

// rgb is a colour of sRGB components between 0 and 1.
type rgb struct{ r, g, b float64 }

func parseColor(s string) rgb {
	if !hexColor.MatchString(s) {
		s = DefaultColor
	}
	n, _ := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	return rgb{float64(n>>16&255) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}
}

func (c rgb) String() string {
	b := func(v float64) int { return int(math.Round(v * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", b(c.r), b(c.g), b(c.b))
}

// mix goes from c towards to by part t.
func (c rgb) mix(to rgb, t float64) rgb {
	return rgb{c.r + (to.r-c.r)*t, c.g + (to.g-c.g)*t, c.b + (to.b-c.b)*t}
}

// luminance is WCAG's relative luminance.
func (c rgb) luminance() float64 {
	lin := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(c.r) + 0.7152*lin(c.g) + 0.0722*lin(c.b)
}

// contrast is WCAG's contrast ratio, from 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	if x < y {
		x, y = y, x
	}
	return (x + 0.05) / (y + 0.05)
}

var (
	white = rgb{1, 1, 1}
	black = rgb{0, 0, 0}
	ink   = parseColor("#14161a") // dark text on a light brand colour
	paper = parseColor("#f4f4f5") // darkest light surface accent text stands on
	night = parseColor("#26272d") // lightest dark surface accent text stands on
)

// readable changes only the lightness of c, by step after step, until it has a contrast of
// at least want against ground; hue and saturation stay the brand's.
func readable(c rgb, step float64, ground rgb, want float64) rgb {
	h, sat, l := c.hsl()
	for ; l > 0 && l < 1; l += step {
		if m := fromHSL(h, sat, l); contrast(m, ground) >= want {
			return m
		}
	}
	if step > 0 {
		return white
	}
	return black
}

// hsl returns hue (0–6), saturation and lightness.
func (c rgb) hsl() (h, s, l float64) {
	hi, lo := max(c.r, c.g, c.b), min(c.r, c.g, c.b)
	l = (hi + lo) / 2
	d := hi - lo
	if d == 0 {
		return 0, 0, min(max(l, 0.01), 0.99)
	}
	s = d / (1 - math.Abs(2*l-1))
	switch hi {
	case c.r:
		h = math.Mod((c.g-c.b)/d+6, 6)
	case c.g:
		h = (c.b-c.r)/d + 2
	default:
		h = (c.r-c.g)/d + 4
	}
	return h, s, l
}

func fromHSL(h, s, l float64) rgb {
	part := func(n float64) float64 {
		k := math.Mod(n+h*2, 12)
		return l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1))
	}
	return rgb{part(0), part(8), part(4)}
}

// onColor is the text colour that reads best on c. Between white and dark ink one always
// reaches 4.5; white is preferred as soon as it does.
func onColor(c rgb) rgb {
	if contrast(white, c) >= 4.5 {
		return white
	}
	if contrast(ink, c) >= 4.5 {
		return ink
	}
	return black
}

// brandCSS is the style sheet of one accent colour. The colour itself fills the primary
// button; as text, link and focus ring it is darkened or lightened to a contrast of 4.5,
// and --e-solid is dark enough for white marks in both themes.
func brandCSS(color string) string {
	c := parseColor(color)
	light := readable(c, -0.01, paper, 5)
	dark := readable(c, 0.01, night, 5)
	fill := c
	return fmt.Sprintf(`:root{--e-fill:%s;--e-on-fill:%s;--e-accent:light-dark(%s,%s);`+
		`--e-solid:%s;--e-fill-hover:%s;--tblr-primary:light-dark(%s,%s);--tblr-primary-fg:light-dark(%s,%s)}`,
		fill, onColor(fill), light, dark, light, hover(fill), light, dark, onColor(light), onColor(dark))
}

// hover is the fill a little darker, or lighter when its text is dark, so that its
// contrast never falls.
func hover(fill rgb) rgb {
	if onColor(fill) == white {
		return fill.mix(black, 0.14)
	}
	return fill.mix(white, 0.18)
}

// BrandHref is the address of the style sheet for a brand colour; an invalid or empty
// colour gives Entente's own.
func BrandHref(color string) string {
	c := strings.TrimPrefix(parseColor(color).String(), "#")
	sum := sha256.Sum256([]byte(brandCSS(c)))
	return StaticPrefix + "brand-" + c + "-" + hex.EncodeToString(sum[:4]) + ".css"
}

// brandSheet returns the style sheet for a name as BrandHref made it.
func brandSheet(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "brand-")
	if !ok || !strings.HasSuffix(rest, ".css") || len(rest) < 6 || !hexColor.MatchString(rest[:6]) {
		return "", false
	}
	return brandCSS(rest[:6]), true
}
