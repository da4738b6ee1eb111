package door

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
)

// IdempotencyField is the name of the hidden form field that carries an idempotency key.
const IdempotencyField = "_idempotency"

// RenderError draws the page of a refusal with p.Status; the headers that go with the
// problem are set already. who is the zero Actor when nobody is known. For htmx it may
// draw a fragment.
type RenderError func(w http.ResponseWriter, r *http.Request, who access.Actor, p *httpx.Problem)

// WebOptions are the choices of the browser door.
type WebOptions struct {
	PublicURL   string // origin the browser sees, when a proxy changes Host; may be ""
	RenderError RenderError
	Denied      Denied
}

// Web is the browser door. Register routes before it serves.
type Web struct {
	mux    *http.ServeMux
	guard  *http.CrossOriginProtection
	auth   Authenticator
	opts   WebOptions
	routes []Route
}

// NewWeb returns a browser door without routes. It panics on a PublicURL that has no
// origin.
func NewWeb(auth Authenticator, o WebOptions) *Web {
	w := &Web{mux: http.NewServeMux(), guard: http.NewCrossOriginProtection(), auth: auth, opts: o}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err == nil {
			err = w.guard.AddTrustedOrigin(u.Scheme + "://" + u.Host)
		}
		if err != nil {
			panic("door: public URL: " + err.Error())
		}
	}
	w.mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		who, err := w.auth.Browser(r)
		if err != nil {
			who = access.Actor{} // whoever is signed in keeps the frame of their pages
		}
		w.fail(rw, r, who, lost(w.mux, rw, r))
	})
	return w
}

// Routes lists every route in the order of registration.
func (w *Web) Routes() []Route { return slices.Clone(w.routes) }

func (w *Web) add(pattern string, act access.Action, why string) {
	method, path, _ := strings.Cut(pattern, " ")
	if path == "/" {
		panic("door: " + pattern + " would swallow every unknown path; write /{$}")
	}
	w.routes = append(w.routes, newRoute(method, path, act, why))
}

// Private serves pattern ("GET /deals/{id}") to signed-in people whose role includes
// act. Others get the sign-in page (GET), 401, or 403.
func (w *Web) Private(pattern string, act access.Action, h Handler) {
	w.add(pattern, act, "")
	w.mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
		who, err := w.auth.Browser(r)
		if err != nil {
			w.stranger(rw, r, err)
			return
		}
		identify(r, who, act)
		if who.Request, err = formRequest(r); err != nil {
			w.fail(rw, r, who, err)
			return
		}
		if !who.May(act) {
			if w.opts.Denied != nil {
				w.opts.Denied(r, who, act)
			}
			w.fail(rw, r, who, errs.New(errs.Forbidden, "forbidden", "Your role does not include this. An Admin of the programme can give you another one."))
			return
		}
		if err := h(rw, r, who); err != nil {
			w.fail(rw, r, who, err)
		}
	})
}

// Public serves pattern to anybody; why is the reason, for the law tests.
func (w *Web) Public(pattern, why string, h func(http.ResponseWriter, *http.Request) error) {
	w.add(pattern, "", why)
	w.mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
		if err := h(rw, r); err != nil {
			w.fail(rw, r, access.Actor{}, err)
		}
	})
}

// ServeHTTP answers one request. A request that may change something and that another
// site caused is refused before anything else.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if err := w.guard.Check(r); err != nil {
		w.fail(rw, r, access.Actor{}, &errs.Error{Kind: errs.Forbidden, Code: "cross_site",
			Msg: "This request came from another site. Open Entente itself and try again.", Err: err})
		return
	}
	w.mux.ServeHTTP(rw, r)
}

// stranger answers a request for a private page without a living session.
func (w *Web) stranger(rw http.ResponseWriter, r *http.Request, err error) {
	if !errs.IsKind(err, errs.Unauthenticated) {
		w.fail(rw, r, access.Actor{}, err)
		return
	}
	h := rw.Header()
	switch {
	case httpx.IsHTMX(r):
		back := "/"
		if u, perr := url.Parse(r.Header.Get("Hx-Current-Url")); perr == nil {
			back = u.RequestURI()
		}
		h.Set("Hx-Redirect", signIn(back))
		rw.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		h.Set("Location", signIn(r.URL.RequestURI()))
		rw.WriteHeader(http.StatusSeeOther)
	default:
		w.fail(rw, r, access.Actor{}, err)
	}
}

func signIn(back string) string {
	if back = httpx.LocalPath(back); back == "/" {
		return "/sign-in"
	}
	return "/sign-in?next=" + url.QueryEscape(back)
}

// fail answers with the error page. A page of a list that is asked for by a cursor of another time leads to the list's beginning.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, who access.Actor, err error) {
	p := httpx.ProblemOf(r.Context(), err)
	if httpx.Started(r.Context()) {
		httpx.Note(r.Context(), err)
		panic(http.ErrAbortHandler)
	}
	if wantsJSON(r) {
		p.Write(rw)
		return
	}
	if q := r.URL.Query(); errs.Is(err, "cursor.bad") && r.Method == http.MethodGet && q.Has("cursor") {
		q.Del("cursor")
		start := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
		httpx.SeeOther(rw, r, start.String())
		return
	}
	p.Prepare(rw.Header())
	if w.opts.RenderError == nil {
		plainError(rw, p)
		return
	}
	w.opts.RenderError(rw, r, who, p)
}

// wantsJSON reports whether r asks for data rather than a page, so that a refusal is a problem document too.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.HasSuffix(r.URL.Path, ".json") || strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// plainError is the error page of a program without pages.
func plainError(w http.ResponseWriter, p *httpx.Problem) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.Status)
	_, _ = io.WriteString(w, "<!doctype html><html lang=en><title>"+strconv.Itoa(p.Status)+" "+html.EscapeString(p.Title)+
		"</title><h1>"+html.EscapeString(p.Title)+"</h1><p>"+html.EscapeString(p.Detail)+"<p>"+html.EscapeString(p.RequestID))
}

// formRequest describes a browser's request. The idempotency key is taken from the
// header or from the hidden field of a form without files.
func formRequest(r *http.Request) (access.Request, error) {
	req := RequestOf(r)
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return req, nil
	}
	req.IdempotencyKey = r.Header.Get("Idempotency-Key")
	var body []byte
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		var err error
		if body, err = httpx.ReadBody(r); err != nil {
			return req, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := r.ParseForm(); err != nil {
			return req, errs.New(errs.Malformed, "form.malformed", "The form could not be read.")
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if req.IdempotencyKey == "" {
			req.IdempotencyKey = r.PostForm.Get(IdempotencyField)
		}
	}
	if req.IdempotencyKey == "" {
		return req, nil
	}
	if err := checkKey(req.IdempotencyKey); err != nil {
		return req, err
	}
	req.BodyHash = bodyHash(r, body)
	return req, nil
}
