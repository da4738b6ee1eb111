package crypt

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"time"
)

// transit is a KEK inside HashiCorp Vault (or OpenBao): its Transit engine wraps and unwraps, the key never leaves it. This is a
// client of two requests; Vault's own library would bring twenty modules with it.
type transit struct {
	mount, key string
	opts       Vault
	client     *http.Client

	mu    sync.Mutex
	token string
}

const maxAnswer = 1 << 20

func newTransit(rest string, o Vault) (*transit, error) {
	u, err := url.Parse(o.Addr)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, fmt.Errorf("key-encryption key vault:%s: --vault-addr %q is not https://HOST:PORT", rest, o.Addr)
	}
	if o.TokenFile == "" && (o.RoleIDFile == "" || o.SecretIDFile == "") {
		return nil, errors.New("key-encryption key vault:" + rest + ": name --vault-token-file, or --vault-role-id-file and --vault-secret-id-file")
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--vault-ca-file: %w", err)
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--vault-ca-file %s holds no certificate", o.CAFile)
		}
	}
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.Addr = strings.TrimSuffix(o.Addr, "/")
	return &transit{mount: path.Dir(rest), key: path.Base(rest), opts: o, client: &http.Client{
		Timeout: o.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: 3 * time.Second}).DialContext, TLSClientConfig: tlsConfig, TLSHandshakeTimeout: 3 * time.Second, MaxIdleConnsPerHost: 4}}}, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// ID names the key by its place in Vault; which of its versions was used stands in what it wrapped.
func (t *transit) ID() string { return "vault:" + t.mount + "/" + t.key }

func (t *transit) Wrap(ctx context.Context, plain, ad []byte) ([]byte, error) {
	var out struct {
		Data struct {
			Ciphertext string `json:"ciphertext"`
		} `json:"data"`
	}
	err := t.call(ctx, path.Join(t.mount, "encrypt", t.key), map[string]string{"plaintext": b64(plain), "associated_data": b64(ad)}, &out)
	if err == nil && !strings.HasPrefix(out.Data.Ciphertext, "vault:") {
		err = errors.New("vault answered without a ciphertext")
	}
	return []byte(out.Data.Ciphertext), err
}

func (t *transit) Unwrap(ctx context.Context, wrapped, ad []byte) ([]byte, error) {
	var out struct {
		Data struct {
			Plaintext string `json:"plaintext"`
		} `json:"data"`
	}
	if !bytes.HasPrefix(wrapped, []byte("vault:")) {
		return nil, ErrWrongKey
	}
	err := t.call(ctx, path.Join(t.mount, "decrypt", t.key), map[string]string{"ciphertext": string(wrapped), "associated_data": b64(ad)}, &out)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(out.Data.Plaintext)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// refusal is an answer of Vault that is none of 2xx.
type refusal struct {
	status int
	errors []string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("vault answered %d: %s", r.status, strings.Join(r.errors, "; "))
}

// call asks with the token, and once more with a fresh one when Vault refuses it: tokens expire, and their file is written anew.
func (t *transit) call(ctx context.Context, where string, in, out any) error {
	for try := 0; ; try++ {
		token, err := t.signIn(ctx, try > 0)
		if err != nil {
			return err
		}
		err = t.post(ctx, where, token, in, out)
		var r *refusal
		switch {
		case errors.As(err, &r) && r.status == http.StatusForbidden && try == 0:
			continue
		case errors.As(err, &r) && r.status == http.StatusBadRequest && r.says("message authentication failed", "unable to decrypt", "encryption key not found"):
			return fmt.Errorf("%w (%w)", ErrWrongKey, err)
		}
		return err
	}
}

func (r *refusal) says(any ...string) bool {
	text := strings.ToLower(strings.Join(r.errors, "\n"))
	for _, s := range any {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

func (t *transit) signIn(ctx context.Context, afresh bool) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && !afresh {
		return t.token, nil
	}
	var err error
	if t.opts.TokenFile != "" {
		t.token, err = line(t.opts.TokenFile)
		return t.token, err
	}
	role, err := line(t.opts.RoleIDFile)
	if err != nil {
		return "", err
	}
	secret, err := line(t.opts.SecretIDFile)
	if err != nil {
		return "", err
	}
	var out struct {
		Auth struct {
			Token string `json:"client_token"`
		} `json:"auth"`
	}
	if err := t.post(ctx, "auth/approle/login", "", map[string]string{"role_id": role, "secret_id": secret}, &out); err != nil {
		return "", fmt.Errorf("sign in to vault by AppRole: %w", err)
	}
	t.token = out.Auth.Token
	return t.token, nil
}

// line returns the first line of a secret file.
func line(name string) (string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	s, _, _ := strings.Cut(string(b), "\n")
	if s = strings.TrimSpace(s); s == "" || len(s) > 4096 {
		return "", fmt.Errorf("%s does not hold one secret in its first line", name)
	}
	return s, nil
}

func (t *transit) post(ctx context.Context, where, token string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.opts.Addr+"/v1/"+where, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Vault-Request", "true")
	if token != "" {
		req.Header.Set("X-Vault-Token", token)
	}
	if t.opts.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", t.opts.Namespace)
	}
	res, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		var e struct {
			Errors []string `json:"errors"`
		}
		_ = json.Unmarshal(answer, &e) // a proxy answers with something else
		return &refusal{res.StatusCode, e.Errors}
	}
	return json.Unmarshal(answer, out)
}
