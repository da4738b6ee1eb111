package file

import (
	"bufio"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// How a text is read: in pieces, each of which begins with the end of the one before, so that nothing is cut in two.
const (
	pieceSize    = 64 << 10
	pieceOverlap = 1 << 10
)

// ReadyIn returns the next files after an id that are ready, at most limit, within a running transaction of the program itself.
func ReadyIn(ctx context.Context, tx *op.Tx, after id.ID, limit int) ([]File, error) {
	return collect(ctx, tx, sqlReadyAfter, after, limit)
}

// EndIn ends files within a running transaction of the program itself, with a note why; their content is removed by the next Sweep. It
// returns how many it ended.
func EndIn(ctx context.Context, tx *op.Tx, files []id.ID, why string) (int, error) {
	ended := 0
	for _, v := range files {
		f, err := lock(ctx, tx, v)
		if errs.IsKind(err, errs.NotFound) || err == nil && f.State == Gone {
			continue
		}
		if err != nil {
			return ended, err
		}
		tx.Audit(audit.Change{Type: "stored_file", ID: f.ID, Label: f.Name, Partner: f.seenBy(), Note: why})
		ended++
	}
	return ended, markGone(ctx, tx, files)
}

// Texts calls fn with the texts in a file, piece by piece, until fn says that it has seen enough: of a file that is a text (CSV, JSON,
// HTML, plain), and of those in a zip, one level deep. It holds one piece in memory, however long the file is. A file that holds no
// texts, and one whose content is gone, calls nothing. Errors as of Open; a zip that cannot be read is an error too.
func (s *Service) Texts(ctx context.Context, f File, fn func(member, piece string) (more bool)) error {
	if f.BlobKey == nil || !isText(f.Name, f.ContentType) && f.ContentType != "application/zip" {
		return nil
	}
	c, err := s.content(ctx, f)
	if e := new(errs.Error); errors.As(err, &e) && e.Code == "file.lost" {
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if f.ContentType == "application/zip" {
		err = zipTexts(bufio.NewReader(c), fn)
	} else {
		err = pieces(c, f.Name, fn)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// errEnough ends the reading: fn has seen enough.
var errEnough = errors.New("seen enough")

func isText(name, contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || strings.HasPrefix(contentType, "application/json") ||
		slices.Contains([]string{".csv", ".json", ".jsonl", ".ndjson", ".txt", ".html", ".htm", ".md", ".log", ".xml"}, strings.ToLower(path.Ext(name)))
}

// pieces reads one text. Of HTML, what is written as an entity is read as the letter that it stands for.
func pieces(r io.Reader, name string, fn func(member, piece string) bool) error {
	buf := make([]byte, pieceSize)
	markup := strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".htm")
	for kept := 0; ; {
		n, err := io.ReadFull(r, buf[kept:])
		end := kept + n
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		piece := strings.ToValidUTF8(string(buf[:end]), "\uFFFD")
		if markup {
			piece = html.UnescapeString(piece)
		}
		if n > 0 && !fn(name, piece) {
			return errEnough
		}
		if last {
			return nil
		}
		from := end - pieceOverlap
		for from < end && !utf8.RuneStart(buf[from]) {
			from++
		}
		kept = copy(buf, buf[from:end])
	}
}

// zipTexts reads the members of a zip in their order, as they stream in: the directory at its end is not needed, for every member begins
// with its name. Members are deflated, as every package of this program is, or stored with a length.
func zipTexts(r *bufio.Reader, fn func(member, piece string) bool) error {
	const (
		localFile = 0x04034b50
		described = 0x8 // lengths stand behind the content
		signature = 0x08074b50
	)
	for {
		head := make([]byte, 30)
		if _, err := io.ReadFull(r, head[:4]); err != nil || binary.LittleEndian.Uint32(head) != localFile {
			return nil // the directory begins
		}
		if _, err := io.ReadFull(r, head[4:]); err != nil {
			return fmt.Errorf("a zip that is cut off: %w", err)
		}
		flags, method, size := binary.LittleEndian.Uint16(head[6:]), binary.LittleEndian.Uint16(head[8:]), binary.LittleEndian.Uint32(head[18:])
		rest := make([]byte, int(binary.LittleEndian.Uint16(head[26:]))+int(binary.LittleEndian.Uint16(head[28:])))
		if _, err := io.ReadFull(r, rest); err != nil {
			return fmt.Errorf("a zip that is cut off: %w", err)
		}
		name := string(rest[:binary.LittleEndian.Uint16(head[26:])])
		var content io.Reader
		switch {
		case method == 8:
			content = flate.NewReader(r)
		case method == 0 && flags&described == 0:
			content = io.LimitReader(r, int64(size))
		default:
			return fmt.Errorf("the zip member %q is packed in a way that cannot be read", name)
		}
		if isText(name, "") {
			if err := pieces(content, name, fn); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return fmt.Errorf("the zip member %q: %w", name, err)
		}
		if flags&described != 0 {
			if err := skipLengths(r, signature); err != nil {
				return err
			}
		}
	}
}

// skipLengths passes over what stands behind a member: a mark that may be left out, a sum, and two lengths of four or eight bytes.
// Which, the next mark tells.
func skipLengths(r *bufio.Reader, signature uint32) error {
	n := 12
	if b, err := r.Peek(4); err == nil && binary.LittleEndian.Uint32(b) == signature {
		n = 16
	}
	if b, err := r.Peek(n + 2); err == nil && string(b[n:]) != "PK" {
		n += 8
	}
	_, err := r.Discard(n)
	return err
}
