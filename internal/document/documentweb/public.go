package documentweb

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/document"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

func (p pages) publicList(w http.ResponseWriter, r *http.Request) error {
	pg, brand, err := p.Site(w, r, "Documents")
	if err != nil {
		return err
	}
	shelves, err := p.Documents.PublicList(r.Context(), brand.Tenant, door.RequestOf(r))
	if err != nil {
		return err
	}
	pg.Subtitle = "What " + brand.Name + " and its partners agree on."
	return ui.Render(w, r, http.StatusOK, publicListPage(pg, shelves))
}

// Published is a document as the JSON page shows it.
type Published struct {
	Kind        string             `json:"kind"`
	Title       string             `json:"title"`
	Version     int                `json:"version"`
	Status      string             `json:"status"`
	Change      string             `json:"change"`
	Summary     string             `json:"summary"`
	AnnouncedAt *time.Time         `json:"announced_at"`
	EffectiveAt *time.Time         `json:"effective_at"`
	SHA256      string             `json:"sha256"`
	Markdown    string             `json:"markdown"`
	Versions    []PublishedVersion `json:"versions"`
}

// PublishedVersion is one line of the history of a document.
type PublishedVersion struct {
	Version     int        `json:"version"`
	Status      string     `json:"status"`
	Change      string     `json:"change"`
	Summary     string     `json:"summary"`
	AnnouncedAt *time.Time `json:"announced_at"`
	EffectiveAt *time.Time `json:"effective_at"`
	SHA256      string     `json:"sha256"`
}

func published(it document.Reading) Published {
	v := it.Version
	out := Published{Kind: it.Shelf.Kind.ID, Title: v.Title, Version: v.Number, Status: it.Shelf.StateOf(v), Change: v.Change, Summary: v.Summary, AnnouncedAt: v.AnnouncedAt,
		EffectiveAt: v.EffectiveAt, SHA256: v.Digest, Markdown: v.Body}
	for _, o := range it.Shelf.Versions {
		out.Versions = append(out.Versions, PublishedVersion{o.Number, it.Shelf.StateOf(o), o.Change, o.Summary, o.AnnouncedAt, o.EffectiveAt, o.Digest})
	}
	return out
}

func (p pages) publicDocument(w http.ResponseWriter, r *http.Request) error {
	kind, asJSON := strings.CutSuffix(r.PathValue("kind"), ".json")
	k, ok := document.KindOf(kind)
	if !ok {
		return errs.Missing("document")
	}
	number := 0
	if s := r.URL.Query().Get("version"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return errs.Missing("document")
		}
		number = n
	}
	pg, brand, err := p.Site(w, r, k.Title)
	if err != nil {
		return err
	}
	it, err := p.Documents.PublicShelf(r.Context(), brand.Tenant, door.RequestOf(r), kind, number)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(w, published(it))
	}
	pg.Title = it.Version.Title
	pg.Crumbs = []ui.Link{{Label: "Documents", Href: pg.Base + "/legal"}}
	pg.Lead = stateBadge(it.Shelf.StateOf(it.Version))
	return ui.Render(w, r, http.StatusOK, publicPage(pg, it))
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return httpx.EncodeJSON(w, v)
}
