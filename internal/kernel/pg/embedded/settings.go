//go:build linux || darwin || freebsd

package embedded

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

const hba = `# Written by Entente at every start.
local all         all scram-sha-256
local replication all scram-sha-256
`

// settings returns the server's parameters: ours for a machine of about two cores and 4 to 24 GB,
// then the caller's. ALTER SYSTEM beats both; what the command line sets beats everything.
func (c *cluster) settings() map[string]string {
	s := map[string]string{
		"port": "5432", "max_connections": "100", "unix_socket_permissions": "0700",
		"password_encryption": "scram-sha-256",

		"shared_buffers": "256MB", "effective_cache_size": "2GB", "work_mem": "16MB", "maintenance_work_mem": "128MB",
		"random_page_cost": "1.1", "jit": "off",
		"default_text_search_config": "pg_catalog.simple", "timezone": "UTC", "log_timezone": "UTC",

		"wal_compression": "on", "min_wal_size": "128MB", "max_wal_size": "2GB", "checkpoint_timeout": "15min",
		"autovacuum_vacuum_scale_factor": "0.1", "autovacuum_analyze_scale_factor": "0.05",
		"client_connection_check_interval": "10s",

		// The log is for operators: statements, values and constraint details are people's data.
		"logging_collector": "off", "log_destination": "stderr", "log_line_prefix": "%m [%p] %q%u@%d ",
		"log_error_verbosity": "terse", "log_min_error_statement": "panic", "log_checkpoints": "off",
	}
	if runtime.GOOS == "linux" {
		s["effective_io_concurrency"] = "64"
	}
	if c.opt.NoFsync {
		maps.Copy(s, map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
	}
	maps.Copy(s, c.opt.Settings)
	return s
}

var settingName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.]*$`)

// configure writes the server's configuration, which is ours alone, into the cluster.
func (c *cluster) configure() error {
	var b strings.Builder
	b.WriteString("# Written by Entente at every start. Change a setting with ALTER SYSTEM.\n")
	settings := c.settings()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if !settingName.MatchString(name) || strings.ContainsAny(settings[name], "\n\r\x00") {
			return fail(CodeStart, nil, "%q = %q is not a PostgreSQL setting.", name, settings[name])
		}
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(settings[name]))
	}
	if err := c.write(filepath.Join(c.pg, "postgresql.conf"), b.String(), 0o600); err != nil {
		return err
	}
	return c.write(filepath.Join(c.pg, "pg_hba.conf"), hba, 0o600)
}

// arguments are the server's command line: what must hold whatever a file in the cluster says.
func (c *cluster) arguments() []string {
	return []string{
		"-D", c.pg,
		"-c", "listen_addresses=",
		"-c", `unix_socket_directories="` + strings.ReplaceAll(c.socket, `"`, `""`) + `"`,
		"-c", "port=5432",
	}
}
