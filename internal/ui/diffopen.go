package ui

import "github.com/a-h/templ"

// DiffOpen is Diff without folding, for where the reader has unfolded something already.
func DiffOpen(changes []Change) templ.Component { return diffTable(changes) }
