package ui

import (
	"context"
	"html"
	"io"

	"github.com/a-h/templ"
)

// Icon draws a Tabler icon listed in icons.txt, as big as the text around it. It is
// hidden from assistive technology: the words beside it, or the button's aria-label, speak.
func Icon(name string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<svg class="icon" aria-hidden="true"><use href="`+Asset("icons.svg")+`#`+html.EscapeString(name)+`"></use></svg>`)
		return err
	})
}
