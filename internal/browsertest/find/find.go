// Package find looks for the Chrome or Chromium that browser tests drive. Only tests and
// the tool that prepares for them import it.
package find

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Env names the browser to use; nothing else is looked at when it is set.
const Env = "ENTENTE_CHROME"

// names are looked up in PATH, in this order.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"}

// places are where macOS keeps applications, below / and below the home directory.
var places = []string{
	"Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	"Applications/Chromium.app/Contents/MacOS/Chromium",
	"Applications/Google Chrome Canary.app/Contents/MacOS/Google Chrome Canary",
	"Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
}

// Browser returns the path of a browser to run. The error says how to get one.
func Browser() (string, error) {
	home, _ := os.UserHomeDir()
	return search(os.Getenv(Env), []string{"/", home})
}

func search(chosen string, roots []string) (string, error) {
	if chosen != "" {
		path, err := exec.LookPath(chosen)
		if err != nil {
			return "", fmt.Errorf("%s=%s cannot be run: %w", Env, chosen, err)
		}
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	for _, root := range roots {
		for _, place := range places {
			if path, err := exec.LookPath(filepath.Join(root, place)); err == nil && filepath.IsAbs(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("no Chrome or Chromium found: install one, or name it in %s", Env)
}
