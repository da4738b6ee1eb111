package transferweb

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/transfer"
	"entente.dev/internal/ui"
)

// maxUpload leaves room for the other parts of the form.
const maxUpload = transfer.MaxFile + 1<<20

func (p pages) blank(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawUpload(w, r, who, http.StatusOK, httpx.NewForm(map[string]string{"kind": r.URL.Query().Get("kind")}))
}

func (p pages) drawUpload(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	pg, err := p.Page(w, r, who, "Import a file", "imports")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Imports", Href: "/imports"}}
	return ui.Render(w, r, status, uploadPage(pg, f))
}

// upload stores the file and leads to its record, where the check shows its progress. A file that is refused is told on the
// form, with nothing kept.
func (p pages) upload(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	if r.ContentLength > maxUpload {
		f := httpx.NewForm(nil)
		f.Refuse("file", "sheet.too_large", "This file is larger than 64 MiB. Split it.")
		return p.drawUpload(w, r, who, http.StatusRequestEntityTooLarge, f)
	}
	httpx.LimitBody(w, r, maxUpload)
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	defer f.Close(r)
	kind := f.Choice("kind", transfer.Kinds...)
	if kind == "" && f.Problem("kind") == "" {
		f.Refuse("kind", "field.required", "Say what the rows are.")
	}
	file, head, ok := f.File("file")
	if !ok && f.Problem("file") == "" {
		f.Refuse("file", "field.required", "Choose a CSV file that is not empty.")
	}
	var run transfer.Run
	if err = f.Err(); err == nil {
		defer file.Close()
		run, err = p.Imports.Upload(r.Context(), who, transfer.UploadInput{Kind: kind, FileName: head.Filename, File: file, Ask: true})
	}
	e := errs.Of(err)
	switch {
	case err == nil:
		httpx.SeeOther(w, r, href(run.ID))
		return nil
	case e.Kind == errs.TooLarge, e.Kind == errs.Malformed && e.Code != "form.unknown":
		f.Refuse("file", e.Code, e.Msg)
	case !f.Absorb(err):
		return err
	}
	return p.drawUpload(w, r, who, http.StatusUnprocessableEntity, f)
}
