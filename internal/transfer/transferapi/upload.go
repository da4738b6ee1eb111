package transferapi

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/transfer"
)

// maxUpload leaves room for the other parts of the form.
const maxUpload = transfer.MaxFile + 1<<20

func (h routes) upload(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	if r.ContentLength > maxUpload {
		return errs.New(errs.TooLarge, "sheet.too_large", "The file is larger than %d MiB. Split it.", transfer.MaxFile>>20)
	}
	httpx.LimitBody(w, r, maxUpload)
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	defer f.Close(r)
	in := transfer.UploadInput{Kind: f.Need("kind")}
	mapping := f.Text("mapping")
	file, head, ok := f.File("file")
	if !ok && f.Problem("file") == "" {
		f.Refuse("file", "field.required", "Send a CSV file that is not empty.")
	}
	if err := f.Err(); err != nil {
		return err
	}
	defer file.Close()
	if in.Mapping, err = transfer.ParseMapping([]byte(mapping)); err != nil {
		return err
	}
	if who.Request.IdempotencyKey != "" { // a file is too large for the door to hash it
		sum := sha256.New()
		_, _ = io.WriteString(sum, in.Kind+"\x00"+mapping+"\x00")
		if _, err := io.Copy(sum, file); err != nil {
			return err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		who.Request.BodyHash += hex.EncodeToString(sum.Sum(nil))
	}
	in.File, in.FileName = file, head.Filename
	run, err := h.imports.Upload(r.Context(), who, in)
	if err != nil {
		return err
	}
	hd := w.Header()
	hd.Set("Content-Type", "application/json")
	hd.Set("ETag", httpx.ETag(run.Version))
	hd.Set("Location", "/api/v1/imports/"+run.ID.String())
	w.WriteHeader(http.StatusAccepted)
	return httpx.EncodeJSON(w, wire(run))
}

func (h routes) refused(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := importID(r)
	if err != nil {
		return err
	}
	return h.imports.ExportRefused(r.Context(), who, v, door.APITable(w, "refused", false))
}
