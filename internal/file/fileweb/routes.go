// Package fileweb draws the pages of stored files: the list, one file, and its download.
package fileweb

import (
	"encoding/hex"
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page  ui.PageFunc
	Files *file.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /files", file.ActList, p.list)
	w.Private("GET /files/{id}", file.ActRead, p.record)
	w.Private("GET /files/{id}/content", file.ActOpen, p.content)
	w.Private("POST /files/{id}/delete", file.ActDelete, p.delete)
}

// labels are what people call the kinds.
var labels = map[file.Kind]string{file.SubjectExport: "Export of a person's data", file.TenantExport: "Export of the programme", file.AuditBundle: "Audit bundle",
	file.Evidence: "Evidence", file.Certificate: "Certificate"}

func label(k file.Kind) string { return labels[k] }

func kindOptions() []ui.Option {
	out := make([]ui.Option, len(file.Kinds))
	for i, k := range file.Kinds {
		out[i] = ui.Option{Value: string(k), Label: label(k)}
	}
	return out
}

type listView struct {
	ui.List
	files    []file.File
	problems []errs.Field // of filters nobody can use
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := listView{List: ui.ListOf(r)}
	v.Noun = "files"
	page, err := p.Files.List(r.Context(), who, file.Query{Kind: file.Kind(v.Get("kind")), Cursor: v.Get("cursor")})
	status, problems, err := ui.FilterProblems(err)
	if err != nil {
		return err
	}
	v.problems = problems
	v.files, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	pg, err := p.Page(w, r, who, "Files", "files")
	if err != nil {
		return err
	}
	pg.Subtitle = "What the program made for people: exports, evidence, certificates. Each is kept as long as the policy says."
	return ui.Render(w, r, status, listPage(pg, v))
}

func fileID(r *http.Request) (id.ID, error) {
	return httpx.PathID(r, "file")
}

func href(f file.File) string { return "/files/" + f.ID.String() }

func digest(f file.File) string { return hex.EncodeToString(f.SHA256) }

// size is bytes as people read them.
func size(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " bytes"
	case n < 1000*1000:
		return strconv.FormatFloat(float64(n)/1000, 'f', 1, 64) + " kB"
	case n < 1000*1000*1000:
		return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + " MB"
	}
	return strconv.FormatFloat(float64(n)/1e9, 'f', 1, 64) + " GB"
}

func (p pages) record(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := fileID(r)
	if err != nil {
		return err
	}
	f, err := p.Files.Get(r.Context(), who, v)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, f.Name, "files")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Lead, pg.Subtitle = []ui.Link{{Label: "Files", Href: "/files"}}, ui.State(f.State), label(f.Kind)
	if f.State == file.Ready && who.May(file.ActOpen) {
		pg.Actions = ui.Button(href(f)+"/content", "Download", "download")
	}
	return ui.Render(w, r, http.StatusOK, recordPage(pg, f, who.May(file.ActDelete) && f.State != file.Gone))
}

// content sends the file itself: never shown by a browser, never kept by one.
func (p pages) content(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := fileID(r)
	if err != nil {
		return err
	}
	c, err := p.Files.Open(r.Context(), who, v)
	if err != nil {
		return err
	}
	return door.SendFile(w, c.ContentType, c.Name, c.Size, c)
}

func (p pages) delete(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := fileID(r)
	if err != nil {
		return err
	}
	if err := p.Files.Delete(r.Context(), who, v); err != nil {
		return err
	}
	ui.SetFlash(w, ui.Flash{Text: "The file is deleted."})
	httpx.SeeOther(w, r, "/files/"+v.String())
	return nil
}
