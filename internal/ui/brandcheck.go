package ui

// ColorCheck is how a brand colour reads: what the pages do with it, and the contrasts they reach.
type ColorCheck struct {
	Color string  // "#rrggbb"
	Text  string  // what is written on the colour
	Ratio float64 // of that text on the colour
	Light string  // the colour as text and links on a light ground
	Dark  string  // and on a dark one
}

// CheckColor returns what the pages make of a brand colour; what is not a colour counts as Entente's own.
func CheckColor(color string) ColorCheck {
	c := parseColor(color)
	text := onColor(c)
	return ColorCheck{Color: c.String(), Text: text.String(), Ratio: contrast(text, c), Light: readable(c, -0.01, paper, 5).String(), Dark: readable(c, 0.01, night, 5).String()}
}

// Darkened reports whether links on a light ground are darker than the colour itself.
func (c ColorCheck) Darkened() bool { return c.Light != c.Color }
