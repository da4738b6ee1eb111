package mailer

import (
	"html"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Layout is what every e-mail looks like: who writes, what happened, one thing to do, and
// why the reader gets it. All of it is plain text; nothing is taken as HTML.
type Layout struct {
	TenantName string
	BrandColor string // "#rrggbb"; anything else gives a neutral colour
	Heading    string
	Paragraphs []string // a line break stays one
	Button     Button
	Reason     string // why the reader gets this mail, and how to get no more where that is possible
}

// Button is the one thing to do. It is left out unless URL is an absolute http or https
// address and Label is not empty.
type Button struct{ Label, URL string }

const neutral = "#0f4c81"

var colorRE = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// Render returns the text part and the HTML part. The HTML holds no script, picture or
// remote reference, so that opening it tells nobody anything.
func (l Layout) Render() (text, htmlPart string) {
	return l.text(), l.html()
}

func (l Layout) text() string {
	var b strings.Builder
	section := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			b.WriteString(s)
			b.WriteString("\n\n")
		}
	}
	section(l.Heading)
	for _, p := range l.Paragraphs {
		section(p)
	}
	if l.Button.usable() {
		section(l.Button.Label + ":\n" + l.Button.URL)
	}
	b.WriteString("-- \n")
	section(l.TenantName)
	section(l.Reason)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (l Layout) html() string {
	color := l.BrandColor
	if !colorRE.MatchString(color) {
		color = neutral
	}
	var b strings.Builder
	put := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
	}
	put(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
		`<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"><title>`, esc(l.Heading), `</title>`,
		style, `</head><body class="page" style="margin:0;padding:24px 12px;background:#f1f3f5">`,
		`<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">`,
		`<table role="presentation" class="card" cellpadding="0" cellspacing="0" style="width:100%;max-width:560px;background:#ffffff;border-radius:8px;border-top:4px solid `, color, `">`,
		`<tr><td class="ink" style="padding:28px 32px;`, font, `font-size:16px;line-height:1.5;color:#1d2733">`)
	if l.TenantName != "" {
		put(`<p class="quiet" style="margin:0 0 16px;font-size:14px;color:#5b6673">`, esc(l.TenantName), `</p>`)
	}
	put(`<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">`, esc(l.Heading), `</h1>`)
	for _, p := range l.Paragraphs {
		put(`<p style="margin:0 0 16px">`, esc(p), `</p>`)
	}
	if l.Button.usable() {
		link := esc(l.Button.URL)
		put(`<p style="margin:24px 0"><a href="`, link, `" style="display:inline-block;padding:12px 20px;border-radius:6px;font-weight:600;text-decoration:none;background:`,
			color, `;color:`, inkOn(color), `">`, esc(l.Button.Label), `</a></p>`,
			`<p class="quiet" style="margin:0 0 16px;font-size:13px;color:#5b6673;word-break:break-all">`, link, `</p>`)
	}
	put(`</td></tr></table>`)
	if l.Reason != "" {
		put(`<p class="quiet" style="max-width:560px;margin:16px auto 0;`, font, `font-size:13px;line-height:1.5;color:#5b6673">`, esc(l.Reason), `</p>`)
	}
	put(`</td></tr></table></body></html>`)
	return b.String()
}

const font = `font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;`

// style is for readers that honour it; all others have the inline colours, which are
// legible by themselves and survive being inverted.
const style = `<style>@media (prefers-color-scheme: dark){.page{background:#11161c !important}.card{background:#1b232c !important}` +
	`.ink{color:#e8ecf0 !important}.quiet{color:#a9b4bf !important}}</style>`

// esc makes plain text into HTML text or attribute value, line breaks included.
func esc(s string) string {
	return strings.ReplaceAll(html.EscapeString(strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))), "\n", "<br>")
}

func (b Button) usable() bool {
	u, err := url.Parse(b.URL)
	return err == nil && strings.TrimSpace(b.Label) != "" && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && plainURL(b.URL)
}

// inkOn returns black or white, whichever has the higher contrast on the colour (WCAG 2.2).
func inkOn(color string) string {
	n, _ := strconv.ParseUint(color[1:], 16, 32)
	luminance := 0.2126*linear(n>>16&255) + 0.7152*linear(n>>8&255) + 0.0722*linear(n&255)
	if luminance > 0.179 {
		return "#000000"
	}
	return "#ffffff"
}

func linear(channel uint64) float64 {
	c := float64(channel) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}
