package privacyweb

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

// keyed is a form about one request.
type keyed struct {
	id   id.ID
	form *httpx.Form
}

// own runs what somebody does with their own request and comes back to it.
func (p pages) own(w http.ResponseWriter, r *http.Request, who access.Actor, done string, fn func(keyed) error) error {
	v, err := pathID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	err = fn(keyed{v, f})
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: done})
		httpx.SeeOther(w, r, "/me/privacy/"+v.String())
		return nil
	case errs.IsKind(err, errs.Conflict), errs.IsKind(err, errs.Throttled):
		return p.drawMyRequest(w, r, who, http.StatusConflict, f, errs.Of(err).Msg)
	case f.Absorb(err):
		return p.drawMyRequest(w, r, who, http.StatusUnprocessableEntity, f, "")
	}
	return err
}
