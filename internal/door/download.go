package door

import (
	"io"
	"mime"
	"net/http"
	"strconv"

	"entente.dev/internal/kernel/sheet"
)

// Attach heads an answer that a browser saves under a name and does not show. A refusal before the first byte drops it again.
func Attach(w http.ResponseWriter, contentType, name string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// SendFile answers with a file of size bytes and closes it. No cache keeps it.
func SendFile(w http.ResponseWriter, contentType, name string, size int64, content io.ReadCloser) error {
	defer content.Close()
	Attach(w, contentType, name)
	h := w.Header()
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Cache-Control", "no-store")
	_, err := io.Copy(w, content)
	return err
}

// APITable heads the download of a table for programs, as JSON or CSV, and returns what writes it. name is without its ending.
func APITable(w http.ResponseWriter, name string, asJSON bool) sheet.Writer {
	if asJSON {
		Attach(w, "application/json", name+".json")
		return sheet.NewJSON(w)
	}
	Attach(w, "text/csv; charset=utf-8", name+".csv")
	return sheet.NewCSV(w)
}

// WebTable is APITable for people: its CSV begins with a byte order mark, by which their spreadsheets know that it is UTF-8.
func WebTable(w http.ResponseWriter, name string, asJSON bool) sheet.Writer {
	table := APITable(w, name, asJSON)
	if csv, ok := table.(*sheet.CSV); ok {
		csv.BOM()
	}
	return table
}
