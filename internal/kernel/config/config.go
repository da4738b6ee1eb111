// Package config is everything an operator can set: one struct whose every field has a
// working default, read from flags and ENTENTE_* variables by the command line.
//
// A secret is never a flag: it is read from a file named by a …-file flag or *_FILE
// variable (the database address, which may hold a password, can be given either way).
// The order of reading is: flags and environment (kong), then Resolve, which reads the
// secret files and reports every problem at once. Only a resolved Config may be used.
package config

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config is the whole configuration. Embed it in the grammar of the command line.
type Config struct {
	Addr            string   `name:"addr" env:"ENTENTE_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT" group:"Serving" help:"Address for pages and API (${default})."`
	AdminAddr       string   `name:"admin-addr" env:"ENTENTE_ADMIN_ADDR" default:"127.0.0.1:9090" placeholder:"HOST:PORT" group:"Serving" help:"Address for health and metrics; keep it private (${default})."`
	PublicURL       string   `name:"public-url" env:"ENTENTE_PUBLIC_URL" placeholder:"URL" group:"Serving" help:"Where people reach this server; links in e-mails begin with it. Default: http://localhost and the port of --addr."`
	TrustedProxies  []string `name:"trusted-proxies" env:"ENTENTE_TRUSTED_PROXIES" placeholder:"CIDR" group:"Serving" help:"Proxies whose X-Forwarded-For is believed, as addresses or networks. Default: none."`
	RateLimit       int      `name:"rate-limit" env:"ENTENTE_RATE_LIMIT" default:"100" placeholder:"N" group:"Serving" help:"Requests a second that one address may make, six times as many at once; 0 for no limit (${default})."`
	SecurityContact string   `name:"security-contact" env:"ENTENTE_SECURITY_CONTACT" placeholder:"URI" group:"Serving" help:"Where a weakness is reported: mailto:security@example.com or an https:// address. Default: the form on the trust page."`
	Demo            bool     `name:"demo" env:"ENTENTE_DEMO" group:"Serving" help:"Fill a new database with a believable programme; refused where real tenants live."`

	Data            string `name:"data" env:"ENTENTE_DATA" default:"./data" placeholder:"DIR" group:"Storage" help:"Directory for the database, files and keys (${default})."`
	DatabaseURL     Secret `name:"database-url" env:"ENTENTE_DATABASE_URL" placeholder:"URL" group:"Storage" help:"An existing PostgreSQL 15 to 18. Default: a PostgreSQL of our own in the data directory."`
	DatabaseURLFile string `name:"database-url-file" env:"ENTENTE_DATABASE_URL_FILE" placeholder:"FILE" group:"Storage" help:"File that holds the database URL."`
	Pool            Pool   `embed:"" prefix:"db-pool-" group:"Storage"`

	KEK string `name:"kek" env:"ENTENTE_KEK" placeholder:"WHERE" group:"Storage" help:"Key-encryption key: file:PATH, systemd:NAME or vault:MOUNT/KEY. Default: a file in the data directory, made at the first start."`

	KEKPrevious string `name:"kek-previous" env:"ENTENTE_KEK_PREVIOUS" placeholder:"WHERE" group:"Storage" help:"The key-encryption key before this one, while keys are wrapped anew."`
	Vault       Vault  `embed:"" prefix:"vault-" group:"Storage"`
	Credentials string `kong:"-"` // where systemd puts credentials ($CREDENTIALS_DIRECTORY), read by Resolve

	Files string `name:"files" env:"ENTENTE_FILES" placeholder:"WHERE" group:"Storage" help:"Store of exports and other files: dir:PATH or s3://BUCKET?endpoint=URL&region=NAME. Default: files in the data directory."`
	S3    S3     `embed:"" prefix:"s3-" group:"Storage"`

	Checkpoints Checkpoints `embed:"" prefix:"checkpoint-" group:"Promises"`

	PolicyProfile string `name:"policy-profile" env:"ENTENTE_POLICY_PROFILE" default:"default" placeholder:"NAME|FILE" group:"Promises" help:"Data policy of programmes that have none yet: a built-in profile or a TOML or YAML file (${default})."`

	SMTP SMTP `embed:"" prefix:"smtp-" group:"E-mail"`

	LogLevel  string `name:"log-level" env:"ENTENTE_LOG_LEVEL" default:"info" placeholder:"LEVEL" group:"Logging" help:"debug, info, warn or error (${default})."`
	LogFormat string `name:"log-format" env:"ENTENTE_LOG_FORMAT" default:"text" placeholder:"FORMAT" group:"Logging" help:"text or json (${default})."`
}

// Pool is the largest number of database connections for each persona's role.
type Pool struct {
	Staff    int `name:"staff" env:"ENTENTE_DB_POOL_STAFF" default:"10" placeholder:"N" group:"Storage" help:"Connections for the vendor's people (${default})."`
	Partner  int `name:"partner" env:"ENTENTE_DB_POOL_PARTNER" default:"10" placeholder:"N" group:"Storage" help:"Connections for partners' people (${default})."`
	Public   int `name:"public" env:"ENTENTE_DB_POOL_PUBLIC" default:"4" placeholder:"N" group:"Storage" help:"Connections for requests before sign-in (${default})."`
	Worker   int `name:"worker" env:"ENTENTE_DB_POOL_WORKER" default:"8" placeholder:"N" group:"Storage" help:"Connections for jobs (${default})."`
	Platform int `name:"platform" env:"ENTENTE_DB_POOL_PLATFORM" default:"2" placeholder:"N" group:"Storage" help:"Connections for the register of tenants (${default})."`
}

// Vault is how the Vault of --kek vault:MOUNT/KEY is reached and signed in to.
type Vault struct {
	Addr         string `name:"addr" env:"ENTENTE_VAULT_ADDR" placeholder:"URL" group:"Storage" help:"Vault, for a key-encryption key in its Transit engine: https://HOST:8200."`
	Namespace    string `name:"namespace" env:"ENTENTE_VAULT_NAMESPACE" placeholder:"NAME" group:"Storage" help:"Its namespace, where it has them."`
	TokenFile    string `name:"token-file" env:"ENTENTE_VAULT_TOKEN_FILE" placeholder:"FILE" group:"Storage" help:"File that holds a token; it is read again when Vault refuses the one before."`
	RoleIDFile   string `name:"role-id-file" env:"ENTENTE_VAULT_ROLE_ID_FILE" placeholder:"FILE" group:"Storage" help:"File that holds a role id, to sign in by AppRole instead."`
	SecretIDFile string `name:"secret-id-file" env:"ENTENTE_VAULT_SECRET_ID_FILE" placeholder:"FILE" group:"Storage" help:"File that holds the secret id of the role."`
	CAFile       string `name:"ca-file" env:"ENTENTE_VAULT_CA_FILE" placeholder:"FILE" group:"Storage" help:"Certificates to trust for it. Default: the system's."`
}

// S3 is how the object store of --files is signed in to.
type S3 struct {
	AccessKeyFile string `name:"access-key-file" env:"ENTENTE_S3_ACCESS_KEY_FILE" placeholder:"FILE" group:"Storage" help:"File that holds the access key of the object store."`
	SecretKeyFile string `name:"secret-key-file" env:"ENTENTE_S3_SECRET_KEY_FILE" placeholder:"FILE" group:"Storage" help:"File that holds its secret key."`
	AccessKey     Secret `kong:"-"` // read from the files by Resolve
	SecretKey     Secret `kong:"-"`
}

// SMTP is the mail server. With no Host, mails stay in the e-mail log, readable there.
type SMTP struct {
	Host         string `name:"host" env:"ENTENTE_SMTP_HOST" placeholder:"HOST" group:"E-mail" help:"Mail server. Default: none; mails stay in the e-mail log."`
	Port         int    `name:"port" env:"ENTENTE_SMTP_PORT" default:"587" placeholder:"PORT" group:"E-mail" help:"Its port (${default})."`
	TLS          string `name:"tls" env:"ENTENTE_SMTP_TLS" default:"starttls" placeholder:"MODE" group:"E-mail" help:"starttls, tls or none (${default})."`
	User         string `name:"user" env:"ENTENTE_SMTP_USER" placeholder:"NAME" group:"E-mail" help:"Account on the mail server. Default: none."`
	PasswordFile string `name:"password-file" env:"ENTENTE_SMTP_PASSWORD_FILE" placeholder:"FILE" group:"E-mail" help:"File that holds the account's password."`
	From         string `name:"from" env:"ENTENTE_SMTP_FROM" placeholder:"ADDRESS" group:"E-mail" help:"Sender, such as 'Acme Partners <partners@acme.example>'."`
	Password     Secret `kong:"-"` // read from PasswordFile by Resolve
}

// Default returns the configuration of a start with no flag and no variable set, for
// tests and for programs that do not go through the command line.
func Default() Config {
	return Config{
		Addr: "127.0.0.1:8080", AdminAddr: "127.0.0.1:9090", RateLimit: 100, Data: "./data", PolicyProfile: "default",
		Pool:        Pool{Staff: 10, Partner: 10, Public: 4, Worker: 8, Platform: 2},
		Checkpoints: Checkpoints{Every: time.Hour},
		SMTP:        SMTP{Port: 587, TLS: "starttls"},
		LogLevel:    "info", LogFormat: "text",
	}
}

// Enabled reports whether mail leaves this server at all.
func (s SMTP) Enabled() bool { return s.Host != "" }

// Origin returns PublicURL without a trailing slash, or, when it is not set, the address
// a browser on this machine would use.
func (c Config) Origin() string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return "http://localhost"
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
	return u.String()
}

// Proxies returns TrustedProxies as networks; a single address is a network of one.
// Entries that Validate refuses are left out.
func (c Config) Proxies() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range c.TrustedProxies {
		if p, ok := parseProxy(s); ok {
			out = append(out, p)
		}
	}
	return out
}

func parseProxy(s string) (netip.Prefix, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err == nil
}
