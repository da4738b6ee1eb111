// Package ui draws Entente's pages: the shell around them, the components they are made
// of, and the embedded style sheet, script and icons. It knows no business noun and reads
// no database; a web door hands it what to show.
//
// A page is a templ component inside Shell:
//
//	templ listPage(p ui.Page, l ui.List, deals []deal.Deal) {
//		@ui.Shell(p) {
//			@ui.Filters(l) { @ui.FilterSearch(l, "q", "Search deals") }
//			@ui.Listing(l) {
//				@ui.Table("Deals") { <thead>…</thead><tbody>…</tbody> }
//			}
//		}
//	}
//
// and its handler ends with
//
//	p := ui.NewPage(w, r, viewer, "Deals", "deals")
//	return ui.Render(w, r, http.StatusOK, listPage(p, l, deals))
//
// Pages run under a content security policy without inline script and without inline
// style: write no <script>, no style="…" and no on…="…". A component that needs a colour
// takes a class, one that needs a length uses <progress> or SVG attributes. Everything
// works without script; app.js only makes it quicker.
package ui
