// Package orgname makes company names and domains comparable: who is the same customer however
// it was typed. All functions are pure and never panic, whatever the input.
package orgname

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"entente.dev/internal/kernel/country"
)

const maxInput = 2000 // bytes of a URL or address that are looked at; longer ones are no domain

// Domain returns the registrable domain behind a URL, e-mail address or host name, in lower-case
// ASCII: "acme.co.uk" for "https://Shop.Acme.co.uk/x" and "jo@acme.co.uk". ok is false for
// addresses, single labels, bare public suffixes ("co.uk") and what is no host at all. A top-level
// domain that is not on the public-suffix list is accepted, so "acme.test" is a domain.
// Domain(Domain(s)) is Domain(s).
func Domain(s string) (registrable string, ok bool) {
	host, ok := hostOf(s)
	if !ok {
		return "", false
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d, true
	}
	// A company that lets its customers register names under its own domain is still a company.
	suffix, icann := publicsuffix.PublicSuffix(host)
	if suffix != host || icann {
		return "", false
	}
	_, parent, ok := strings.Cut(host, ".")
	if !ok {
		return "", false
	}
	above, official := publicsuffix.PublicSuffix(parent)
	return host, official && above == parent
}

// hostOf takes scheme, user, port and path off s.
func hostOf(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) > maxInput || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "", false
	}
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	} else {
		s = strings.TrimPrefix(s, "//")
	}
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		s = s[:end]
	}
	s = s[strings.LastIndexByte(s, '@')+1:]
	if host, port, ok := strings.Cut(s, ":"); ok {
		if strings.Trim(port, "0123456789") != "" {
			return "", false
		}
		s = host
	}
	return asciiHost(s)
}

// asciiHost checks s as a host name and returns its lower-case ASCII form without a final dot.
func asciiHost(s string) (string, bool) {
	if len(s) > maxInput || !utf8.ValidString(s) {
		return "", false
	}
	host, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
	if err != nil {
		return "", false
	}
	host = strings.TrimSuffix(host, ".") // IDNA maps other full stops to a dot
	if again, err := idna.Lookup.ToASCII(host); err != nil || again != host {
		return "", false // encodes, but its encoding is no valid name
	}
	if len(host) > 253 || !strings.Contains(host, ".") {
		return "", false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return "", false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return "", false
		}
	}
	return host, strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// FreeMail reports whether the domain (or host, address) belongs to a provider where anybody gets
// a mailbox, so that it says nothing about a company.
func FreeMail(domain string) bool {
	if freeMail[domain] {
		return true
	}
	d, ok := Domain(domain)
	return ok && freeMail[d]
}

// ClaimKey returns what two registrations of one customer have in common: "d:acme.com", or, where
// the domain is missing or a free-mail provider's, the normal name and country, "n:acme|US"
// ("n:acme|" for an unknown country). It is "" when nothing is usable. country is a code or a name.
func ClaimKey(domain, name, in string) string {
	if d, ok := Domain(domain); ok && !freeMail[d] {
		return "d:" + d
	}
	normal := NormalName(name)
	if normal == "" {
		return ""
	}
	code, _ := country.Lookup(in)
	return "n:" + normal + "|" + code
}

var freeMail = set(`
	gmail.com googlemail.com outlook.com outlook.de outlook.fr outlook.es outlook.it hotmail.com hotmail.co.uk
	hotmail.de hotmail.fr hotmail.es hotmail.it hotmail.nl live.com live.co.uk live.de live.fr live.nl live.it msn.com
	yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.es yahoo.it yahoo.ca yahoo.co.in yahoo.in yahoo.co.jp yahoo.com.br
	yahoo.com.au yahoo.com.mx yahoo.com.ar ymail.com rocketmail.com aol.com icloud.com me.com mac.com proton.me
	protonmail.com protonmail.ch pm.me tutanota.com tuta.io tuta.com gmx.de gmx.net gmx.com gmx.at gmx.ch web.de t-online.de
	freenet.de posteo.de mailbox.org fastmail.com fastmail.fm hey.com zoho.com zohomail.com mail.com email.com
	inbox.com hushmail.com yandex.ru yandex.com ya.ru mail.ru bk.ru list.ru inbox.ru rambler.ru qq.com 163.com
	126.com sina.com foxmail.com naver.com daum.net hanmail.net orange.fr wanadoo.fr free.fr laposte.net sfr.fr libero.it
	virgilio.it tiscali.it alice.it wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz bol.com.br uol.com.br
	terra.com.br rediffmail.com btinternet.com sky.com virginmedia.com ntlworld.com comcast.net verizon.net att.net
	sbcglobal.net cox.net bellsouth.net shaw.ca rogers.com bigpond.com optusnet.com.au ziggo.nl kpnmail.nl telenet.be
	skynet.be bluewin.ch telia.com abv.bg ukr.net i.ua duck.com mailinator.com guerrillamail.com yopmail.com
`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
