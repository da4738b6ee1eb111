package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// originFile says where the server of a data directory is reached, for the commands beside it: what they print and mail leads there.
const originFile = "origin"

// noteOrigin writes it.
func (a *App) noteOrigin() error {
	if err := os.WriteFile(filepath.Join(a.Config.Data, originFile), []byte(a.Config.Origin()+"\n"), 0o600); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// servedAt returns what the last server of a data directory wrote, "" before the first.
func servedAt(data string) string {
	b, err := input(filepath.Join(data, originFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
