package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// output is one finished file under its plain name.
type output struct {
	name string
	raw  []byte
}

// Build writes all assets of the module at root into dest and removes what an earlier
// build left there. It reports each file's size to log.
func Build(root, dest string, log io.Writer) error {
	if _, err := os.Stat(filepath.Join(root, "node_modules", "@tabler", "core")); err != nil {
		return errors.New("node_modules is missing; run `npm ci` first")
	}
	outs, err := bundle(root)
	if err != nil {
		return err
	}
	sprite, err := iconSprite(root)
	if err != nil {
		return err
	}
	outs = append(outs, sprite)
	plain, err := copies(root)
	if err != nil {
		return err
	}
	return write(dest, append(outs, plain...), log)
}

// bundle runs esbuild over every script and style sheet in internal/ui/assets; files
// whose name starts with "_" are parts of others.
func bundle(root string) ([]output, error) {
	src := filepath.Join(root, "internal", "ui", "assets")
	entries, err := sources(src, ".js", ".css")
	if err != nil {
		return nil, err
	}
	res := api.Build(api.BuildOptions{
		EntryPoints:       entries,
		AbsWorkingDir:     root,
		NodePaths:         []string{filepath.Join(root, "node_modules")},
		Outdir:            "out",
		Bundle:            true,
		MinifyWhitespace:  true,
		MinifySyntax:      true,
		MinifyIdentifiers: true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsEndOfFile,
		Supported:         map[string]bool{"nesting": true},
		LogLevel:          api.LogLevelSilent,
	})
	if len(res.Errors) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(res.Errors, api.FormatMessagesOptions{}), "\n"))
	}
	var outs []output
	for _, f := range res.OutputFiles {
		outs = append(outs, output{filepath.Base(f.Path), f.Contents})
	}
	return outs, nil
}

// copies takes pictures over as they are.
func copies(root string) ([]output, error) {
	files, err := sources(filepath.Join(root, "internal", "ui", "assets"), ".svg", ".png", ".ico")
	if err != nil {
		return nil, err
	}
	var outs []output
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		outs = append(outs, output{filepath.Base(f), raw})
	}
	return outs, nil
}

func sources(dir string, exts ...string) ([]string, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range all {
		for _, ext := range exts {
			if filepath.Ext(e.Name()) == ext && !strings.HasPrefix(e.Name(), "_") {
				out = append(out, filepath.Join(dir, e.Name()))
			}
		}
	}
	return out, nil
}

var (
	svgBody  = regexp.MustCompile(`(?s)<svg[^>]*>(.*)</svg>`)
	emptyBox = regexp.MustCompile(`<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>`)
	spaces   = regexp.MustCompile(`\s*\n\s*`)
)

// iconSprite gathers the outline icons named in internal/ui/icons.txt, one <symbol> each.
func iconSprite(root string) (output, error) {
	list, err := os.ReadFile(filepath.Join(root, "internal", "ui", "icons.txt"))
	if err != nil {
		return output{}, err
	}
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg">`)
	for _, name := range strings.Fields(string(list)) {
		raw, err := os.ReadFile(filepath.Join(root, "node_modules", "@tabler", "icons", "icons", "outline", name+".svg"))
		if err != nil {
			return output{}, fmt.Errorf("icon %q: %w", name, err)
		}
		m := svgBody.FindSubmatch(raw)
		if m == nil {
			return output{}, fmt.Errorf("icon %q is not an SVG", name)
		}
		body := spaces.ReplaceAllString(emptyBox.ReplaceAllString(string(m[1]), ""), "")
		fmt.Fprintf(&b, `<symbol id="%s" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">%s</symbol>`, name, body)
	}
	b.WriteString(`</svg>`)
	return output{"icons.svg", []byte(b.String())}, nil
}

// write puts hashed files, their gzip copies and the manifest into dest, new files first,
// so that a program built meanwhile never embeds a manifest that names a missing file.
func write(dest string, outs []output, log io.Writer) error {
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return err
	}
	manifest := map[string]string{}
	keep := map[string]bool{".keep": true, "manifest.json": true}
	for _, o := range outs {
		sum := sha256.Sum256(o.raw)
		ext := filepath.Ext(o.name)
		name := strings.TrimSuffix(o.name, ext) + "-" + hex.EncodeToString(sum[:5]) + ext
		packed, err := compress(o.raw)
		if err != nil {
			return err
		}
		manifest[o.name] = name
		keep[name], keep[name+".gz"] = true, true
		if err := replace(filepath.Join(dest, name), o.raw); err != nil {
			return err
		}
		if err := replace(filepath.Join(dest, name+".gz"), packed); err != nil {
			return err
		}
		fmt.Fprintf(log, "%-28s %8d bytes, %7d gzip\n", name, len(o.raw), len(packed))
	}
	raw, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(dest, "manifest.json"), raw); err != nil {
		return err
	}
	return sweep(dest, keep)
}

func sweep(dest string, keep map[string]bool) error {
	all, err := os.ReadDir(dest)
	if err != nil {
		return err
	}
	for _, e := range all {
		if !keep[e.Name()] {
			if err := os.Remove(filepath.Join(dest, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// compress is deterministic: the same bytes give the same archive.
func compress(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// replace writes beside the file and renames, leaving an equal file untouched so that the
// Go build cache stays valid.
func replace(name string, raw []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, raw) {
		return nil
	}
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, raw, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
