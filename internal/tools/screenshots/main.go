// Command screenshots takes the pictures of the README: it serves the demo programme, signs in as its people, and writes
// small PNG files.
//
//	go run ./internal/tools/screenshots docs/images
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"

	"entente.dev/internal/browsertest"
)

// password is what the demo programme prints for everybody.
const password = "explore the demo programme"

// maxSize is the most a picture may weigh.
const maxSize = 150 << 10

// picture is one file: who looks at which page, and how.
type picture struct {
	name, email, path string
	look              browsertest.Look
	first             string      // a link to follow from the page, by its selector; "" for the page itself
	typed             [][2]string // fields and what is typed into them
	shows             string      // what must stand there before the picture is taken
}

const (
	admin   = "admin@halden.example"
	partner = "katrin.vogel@nordlicht.example"
)

var (
	wide     = browsertest.Look{Width: 1440, Height: 900}
	dark     = browsertest.Look{Width: 1440, Height: 900, Dark: true}
	handheld = browsertest.Look{Width: 390, Height: 844}
)

var registration = [][2]string{{"account.name", "Kestrel Foods"}, {"account.domain", "kestrel-foods.com"}, {"account.country", "NL"},
	{"title", "Picking robots for the Utrecht warehouse"}, {"amount", "186,000"}, {"expected_close_on", "2027-04-30"}, {"product", "Picker P4"}}

const free = "Nobody else has registered this customer."

var pictures = []picture{
	{name: "home", email: admin, path: "/", look: wide},
	{name: "home-dark", email: admin, path: "/", look: dark},
	{name: "queue", email: admin, path: "/deals/queue", look: wide},
	{name: "deal", email: admin, path: "/deals?state=approved&sort=-amount", look: wide, first: "main td.main a"},
	{name: "board", email: admin, path: "/deals/board", look: wide},
	{name: "partner-home", email: partner, path: "/", look: wide},
	{name: "register", email: partner, path: "/deals/new", look: wide, typed: registration, shows: free},
	{name: "register-phone", email: partner, path: "/deals/new", look: handheld, typed: registration[:3], shows: free},
}

func main() {
	dir := "docs/images"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(dir); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// camera turns what a tab cannot do into an error.
type camera struct{}

func (camera) Helper()                           {}
func (camera) Fatalf(format string, args ...any) { panic(fmt.Errorf(format, args...)) }

func run(dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	p, err := browsertest.Start(context.Background(), true, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	b, err := browsertest.Launch(context.Background())
	if err != nil {
		return err
	}
	defer b.Close()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	for _, pic := range pictures {
		if err := take(b, p.URL, pic, filepath.Join(dir, pic.name+".png")); err != nil {
			return err
		}
	}
	return nil
}

func take(b *browsertest.Browser, base string, pic picture, path string) error {
	tab := b.Open(camera{}, base, pic.look)
	defer tab.Close()
	tab.Go("/sign-in")
	tab.Fill("email", pic.email)
	tab.Fill("password", password)
	tab.Press("Sign in")
	tab.Go(pic.path)
	if pic.first != "" {
		var href string
		tab.Eval(`document.querySelector("`+pic.first+`").getAttribute("href")`, &href)
		tab.Go(href)
	}
	for _, f := range pic.typed {
		tab.Fill(f[0], f[1])
	}
	tab.See(pic.shows)
	tab.Eval(`scrollTo({top: 0, behavior: "instant"})`, nil)
	tab.Eval(`document.fonts.ready.then(() => { document.activeElement?.blur(); return Promise.all(document.getAnimations().map((a) => a.finished)).then(() => 0, () => 0); })`, nil)
	img, err := png.Decode(bytes.NewReader(tab.Screenshot()))
	if err != nil {
		return err
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, reduce(img)); err != nil {
		return err
	}
	if small.Len() > maxSize {
		return fmt.Errorf("%s has %d bytes, more than %d", path, small.Len(), maxSize)
	}
	fmt.Printf("%-32s %7d bytes\n", path, small.Len())
	return os.WriteFile(path, small.Bytes(), 0o644)
}

// reduce draws a picture with at most 256 colours: those it has most of, each standing for what is near it.
func reduce(img image.Image) *image.Paletted {
	count := map[color.RGBA]int{}
	flat := image.NewRGBA(img.Bounds())
	draw.Draw(flat, flat.Bounds(), img, img.Bounds().Min, draw.Src)
	for i := 0; i < len(flat.Pix); i += 4 {
		count[color.RGBA{flat.Pix[i], flat.Pix[i+1], flat.Pix[i+2], 255}]++
	}
	palette := choose(count)
	out := image.NewPaletted(flat.Bounds(), palette)
	nearest := map[color.RGBA]uint8{}
	for i := 0; i < len(flat.Pix); i += 4 {
		c := color.RGBA{flat.Pix[i], flat.Pix[i+1], flat.Pix[i+2], 255}
		n, ok := nearest[c]
		if !ok {
			n = uint8(palette.Index(c))
			nearest[c] = n
		}
		out.Pix[i/4] = n
	}
	return out
}

// choose takes the commonest colours that are not nearly the same as one taken before.
func choose(count map[color.RGBA]int) color.Palette {
	var palette color.Palette
	for apart := 36; len(count) > 0 && len(palette) < 256; {
		var best color.RGBA
		most := 0
		for c, n := range count {
			if n > most || n == most && less(c, best) {
				best, most = c, n
			}
		}
		palette = append(palette, best)
		for c := range count {
			if distance(c, best) < apart {
				delete(count, c)
			}
		}
	}
	return palette
}

func less(a, b color.RGBA) bool {
	return uint32(a.R)<<16|uint32(a.G)<<8|uint32(a.B) < uint32(b.R)<<16|uint32(b.G)<<8|uint32(b.B)
}

func distance(a, b color.RGBA) int {
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r + g*g + bl*bl
}
