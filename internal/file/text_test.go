package file_test

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"entente.dev/internal/file"
)

// A text is read in pieces that overlap, so that no name is cut in two; in a zip, whatever is a text.
func TestTexts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	zipped := func(raw bool, members ...string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := 0; i < len(members); i += 2 {
			h := &zip.FileHeader{Name: members[i], Method: zip.Deflate}
			if raw {
				h.Method, h.CompressedSize64, h.UncompressedSize64 = zip.Store, uint64(len(members[i+1])), uint64(len(members[i+1]))
			}
			create := z.CreateHeader
			if raw {
				create = z.CreateRaw
			}
			m, err := create(h)
			good(t, err)
			_, err = io.WriteString(m, members[i+1])
			good(t, err)
		}
		good(t, z.Close())
		return b.Bytes()
	}
	far := strings.Repeat("x", 64<<10-5)
	for _, c := range []struct {
		name, contentType string
		content           []byte
		want              []string // members in which "Zoë Quill" stands
		fault             string
	}{
		{"a.csv", "text/csv", []byte("name\nZoë Quill\n"), []string{"a.csv"}, ""},
		{"over the edge.txt", "text/plain", []byte(far + "Zoë Quill" + far), []string{"over the edge.txt"}, ""},
		{"a.html", "text/html", []byte("<b>Zo&euml; Quill</b>"), []string{"a.html"}, ""},
		{"a.bin", "application/octet-stream", []byte("Zoë Quill"), nil, ""},
		{"empty.txt", "text/plain", nil, nil, ""},
		{"a.zip", "application/zip", zipped(false, "one.json", `{"n":"Zoë Quill"}`, "b.bin", "Zoë Quill", "far.txt", far+"Zoë Quill", "none.txt", ""), []string{"one.json", "far.txt"}, ""},
		{"stored.zip", "application/zip", zipped(true, "one.txt", "Zoë Quill", "two.txt", "Zoë Quill"), []string{"one.txt", "two.txt"}, ""},
		{"cut.zip", "application/zip", zipped(false, "one.txt", "Zoë Quill", "two.txt", far)[:80], []string{"one.txt"}, "cut off"},
	} {
		f, err := w.Save(t.Context(), w.system, file.Meta{Kind: file.Evidence, Name: c.name, ContentType: c.contentType}, func(out io.Writer) error {
			_, err := out.Write(c.content)
			return err
		})
		good(t, err)
		var got []string
		err = w.Texts(t.Context(), f, func(member, piece string) bool {
			if len(piece) > 64<<10 {
				t.Errorf("%s: a piece of %d bytes", c.name, len(piece))
			}
			if strings.Contains(piece, "Zoë Quill") && !slices.Contains(got, member) {
				got = append(got, member)
			}
			return true
		})
		if (err != nil) != (c.fault != "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.fault)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		calls := 0
		good(t, w.Texts(t.Context(), f, func(string, string) bool { calls++; return false }))
		if calls > 1 {
			t.Errorf("%s goes on after enough", c.name)
		}
	}
}

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
