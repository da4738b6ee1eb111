package config

import (
	"cmp"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/crypt"
)

// Problem is one setting that cannot be used, and the way out.
type Problem struct {
	Setting string `json:"setting"` // the flag, such as "--addr"
	Env     string `json:"env"`     // the variable that sets the same
	Msg     string `json:"message"` // what is wrong
	Fix     string `json:"fix"`     // what to do
}

// Problems is everything that is wrong with a configuration.
type Problems []Problem

// Error returns one line for each problem.
func (p Problems) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "configuration: %d problem(s)", len(p))
	for _, x := range p {
		fmt.Fprintf(&b, "\n  %s (%s): %s; %s", x.Setting, x.Env, x.Msg, x.Fix)
	}
	return b.String()
}

// add records a problem of the flag called name.
func (p *Problems) add(name, fix, format string, args ...any) {
	env := "ENTENTE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	*p = append(*p, Problem{Setting: "--" + name, Env: env, Msg: fmt.Sprintf(format, args...), Fix: fix})
}

func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Resolve reads the secret files into the Config and then reports, as Problems, every
// setting that cannot be used. It may be called again.
func (c *Config) Resolve() error {
	var p Problems
	if c.DatabaseURLFile != "" && c.DatabaseURL == "" {
		s, err := readSecret(c.DatabaseURLFile)
		if err != nil {
			p.add("database-url-file", "name a readable file that holds only the URL", "%v", err)
		} else {
			c.DatabaseURL, c.DatabaseURLFile = s, ""
		}
	}
	if c.SMTP.PasswordFile != "" {
		s, err := readSecret(c.SMTP.PasswordFile)
		if err != nil {
			p.add("smtp-password-file", "name a readable file that holds only the password", "%v", err)
		}
		c.SMTP.Password = s
	}
	if c.Credentials == "" {
		c.Credentials = os.Getenv("CREDENTIALS_DIRECTORY")
	}
	for _, f := range []struct {
		name, path string
		to         *Secret
	}{{"s3-access-key-file", c.S3.AccessKeyFile, &c.S3.AccessKey}, {"s3-secret-key-file", c.S3.SecretKeyFile, &c.S3.SecretKey}, {"checkpoint-secret-file", c.Checkpoints.SecretFile, &c.Checkpoints.Secret}} {
		if f.path == "" {
			continue
		}
		s, err := readSecret(f.path)
		if err != nil {
			p.add(f.name, "name a readable file that holds only the key", "%v", err)
		}
		*f.to = s
	}
	return append(p, c.Validate()...).err()
}

// Validate returns every setting that cannot be used, without reading a secret file;
// nil when all can. (It does not return error, so that kong does not call it by itself:
// `entente version` answers whatever the environment holds.)
func (c *Config) Validate() Problems {
	var p Problems
	c.checkAddresses(&p)
	c.checkPublicURL(&p)
	for _, s := range c.TrustedProxies {
		if _, ok := parseProxy(s); !ok {
			p.add("trusted-proxies", "write an address or network such as 10.0.0.0/8, separated by commas", "%q is neither", s)
		}
	}
	c.checkTrust(&p)
	c.checkStorage(&p)
	c.SMTP.check(&p)
	c.Checkpoints.check(&p, c.SMTP.Enabled())
	oneOf(&p, "log-level", c.LogLevel, "debug", "info", "warn", "error")
	oneOf(&p, "log-format", c.LogFormat, "text", "json")
	return p
}

func oneOf(p *Problems, name, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		p.add(name, "use one of: "+strings.Join(allowed, ", "), "%q is not known", value)
	}
}

func (c *Config) checkAddresses(p *Problems) {
	const fix = "write HOST:PORT, such as 127.0.0.1:8080"
	check := func(name, addr string) (port string) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			p.add(name, fix, "%q is not an address", addr)
			return ""
		}
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
			p.add(name, fix, "%q is not a port", port)
		}
		return port
	}
	pages, admin := check("addr", c.Addr), check("admin-addr", c.AdminAddr)
	if c.Addr == c.AdminAddr && pages != "0" && admin != "" {
		p.add("admin-addr", "give it a port of its own", "is the same as --addr, %s", c.Addr)
	}
}

func (c *Config) checkPublicURL(p *Problems) {
	if c.PublicURL == "" {
		return
	}
	const fix = "write scheme and host only, such as https://partners.example.com"
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		p.add("public-url", fix, "%q is not an http or https URL", c.PublicURL)
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		p.add("public-url", fix, "%q has more than scheme and host", u.Redacted())
	case u.Scheme == "http" && !isLocal(u.Hostname()):
		p.add("public-url", "put a TLS proxy in front and write https://", "browsers refuse the sign-in cookie of http://%s, which is not this machine", u.Host)
	}
}

func (c *Config) checkTrust(p *Problems) {
	if c.RateLimit < 0 || c.RateLimit > 1_000_000 {
		p.add("rate-limit", "use a number from 1 to 1000000, or 0 for no limit", "%d is none", c.RateLimit)
	}
	if v := c.SecurityContact; v != "" && !strings.HasPrefix(v, "mailto:") && !strings.HasPrefix(v, "https://") && !strings.HasPrefix(v, "tel:") || strings.ContainsAny(v, "\r\n ") {
		p.add("security-contact", "write mailto:security@example.com or an https:// address", "%q is not an address that security.txt may name", v)
	}
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

func (c *Config) checkStorage(p *Problems) {
	if strings.TrimSpace(c.Data) == "" {
		p.add("data", "name a directory, such as ./data", "is empty")
	} else if st, err := os.Stat(c.Data); err == nil && !st.IsDir() {
		p.add("data", "name a directory", "%s is a file", c.Data)
	}
	if s := c.DatabaseURL.Reveal(); s != "" {
		if c.DatabaseURLFile != "" {
			p.add("database-url-file", "keep one of the two", "is set beside --database-url")
		}
		if _, err := url.Parse(s); isPostgresURL(s) && err != nil || !isPostgresURL(s) && !strings.Contains(s, "=") {
			p.add("database-url", "write postgres://user:password@host:5432/database", "is not a PostgreSQL address")
		}
	}
	for name, where := range map[string]string{"kek": c.KEK, "kek-previous": c.KEKPrevious} {
		if where == "" {
			continue
		}
		if why := crypt.Problem(where); why != "" {
			p.add(name, "write file:PATH, systemd:NAME or vault:MOUNT/KEY", "%q %s", where, why)
		} else if strings.HasPrefix(where, "vault:") && (c.Vault.Addr == "" || c.Vault.TokenFile == "" && (c.Vault.RoleIDFile == "" || c.Vault.SecretIDFile == "")) {
			p.add("vault-addr", "set it, and --vault-token-file or both --vault-role-id-file and --vault-secret-id-file", "%s needs to know where Vault is and how to sign in", where)
		}
	}
	if c.Files != "" {
		if why := blob.Problem(c.Files); why != "" {
			p.add("files", "write dir:PATH or s3://BUCKET?endpoint=https://HOST&region=NAME", "%q %s", c.Files, why)
		} else if strings.HasPrefix(c.Files, "s3:") && (c.S3.AccessKeyFile == "" || c.S3.SecretKeyFile == "") {
			p.add("s3-access-key-file", "name the two files that hold the keys of the object store", "the object store %s needs --s3-access-key-file and --s3-secret-key-file", c.Files)
		}
	}
	pools := []struct {
		name string
		n    int
	}{{"staff", c.Pool.Staff}, {"partner", c.Pool.Partner}, {"public", c.Pool.Public}, {"worker", c.Pool.Worker}, {"platform", c.Pool.Platform}}
	for _, pool := range pools {
		if pool.n < 1 || pool.n > 1000 {
			p.add("db-pool-"+pool.name, "use a number from 1 to 1000", "%d connections cannot work", pool.n)
		}
	}
}

func (s *SMTP) check(p *Problems) {
	oneOf(p, "smtp-tls", s.TLS, "starttls", "tls", "none")
	if s.Port < 1 || s.Port > 65535 {
		p.add("smtp-port", "use 587 (starttls), 465 (tls) or your server's own", "%d is not a port", s.Port)
	}
	if !s.Enabled() {
		if set := cmp.Or(s.User, s.From, s.PasswordFile); set != "" {
			p.add("smtp-host", "name the mail server, or leave out the other --smtp settings", "is missing, so %q would have no effect", set)
		}
		return
	}
	if strings.ContainsAny(s.Host, ":/ ") && net.ParseIP(s.Host) == nil {
		p.add("smtp-host", "write the host alone; the port goes into --smtp-port", "%q is not a host name", s.Host)
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		p.add("smtp-from", "write an address such as 'Acme Partners <partners@acme.example>'", "%q is not an e-mail address", s.From)
	}
	if (s.User == "") != (s.PasswordFile == "" && s.Password == "") {
		p.add("smtp-user", "set both, or neither for a server without sign-in", "user and password go together, only one is set")
	}
	if s.User != "" && s.TLS == "none" && !isLocal(s.Host) {
		p.add("smtp-tls", "use starttls or tls", "none would send the password readable over the network")
	}
}
