// Command assets bundles the style sheet, the script and the icons of internal/ui into
// internal/ui/dist, from node_modules and internal/ui/assets. Every file is minified, named
// after its content and accompanied by a gzip copy; manifest.json maps plain names to those.
//
//	go run ./internal/tools/assets
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root, err := moduleRoot()
	if err == nil {
		err = Build(root, filepath.Join(root, "internal", "ui", "dist"), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "assets:", err)
		os.Exit(1)
	}
}

// moduleRoot is the nearest directory upwards that holds go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
}
