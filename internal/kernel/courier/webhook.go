package courier

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
)

// webhook posts a message as JSON, signed as Standard Webhooks says: webhook-id, webhook-timestamp and webhook-signature, which is
// "v1," and the HMAC-SHA256 of id.timestamp.body.
type webhook struct {
	url    *url.URL
	secret []byte
	client *http.Client
}

func newWebhook(u *url.URL, o Options) Place {
	return webhook{u, o.Secret, Client(o.Allow, u.Scheme == "http")}
}

// errInternal is the same whatever stood behind the address.
var errInternal = errors.New("the address is not public; list its network in --checkpoint-allow if it is meant to be reached")

// Client returns an HTTP client for addresses that people write down. It looks at the address it really connects to and refuses
// private, local, link-local, shared, documentation and translated ones, but for those in allow; it follows no redirect, uses no proxy
// and gives up after ten seconds. plain says that http may be used, to allowed networks only.
func Client(allow []netip.Prefix, plain bool) *http.Client {
	d := &net.Dialer{Timeout: limit, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return errInternal
		}
		ip := at.Addr().Unmap()
		if slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return nil
		}
		if plain || !public(ip) {
			return errInternal
		}
		return nil
	}}
	return &http.Client{
		Timeout:       limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: limit, ResponseHeaderTimeout: limit,
			MaxResponseHeaderBytes: 64 << 10, DisableCompression: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
	}
}

// special are networks that netip does not know as private and that no public service stands in.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"),
}

func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// Name leaves out what may be a secret: the query and the user.
func (w webhook) Name() string { return w.url.Scheme + "://" + w.url.Host + w.url.Path }

func (w webhook) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used")
	}
	stamp := strconv.FormatInt(m.At.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Entente")
	req.Header.Set("webhook-id", m.ID)
	req.Header.Set("webhook-timestamp", stamp)
	req.Header.Set("webhook-signature", Sign(w.secret, m.ID, stamp, body))
	res, err := w.client.Do(req)
	if err != nil {
		if errors.Is(err, errInternal) {
			return errInternal
		}
		return errors.New("the webhook's host cannot be reached") // the cause names addresses
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, most))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the webhook answered %d", res.StatusCode)
	}
	return nil
}

// Sign returns the signature of a webhook, as Standard Webhooks writes it.
func Sign(secret []byte, id, stamp string, body []byte) string {
	h := hmac.New(sha256.New, secret)
	fmt.Fprintf(h, "%s.%s.%s", id, stamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}
