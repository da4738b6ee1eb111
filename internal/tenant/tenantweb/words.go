package tenantweb

import (
	"fmt"
	"strconv"

	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

func onButton(c ui.ColorCheck) string {
	with := "Dark"
	if c.Text == "#ffffff" {
		with = "White"
	}
	return fmt.Sprintf("%s text on %s has a contrast of %.1f : 1; 4.5 is needed.", with, c.Color, c.Ratio)
}

func onLight(c ui.ColorCheck) string {
	if c.Darkened() {
		return fmt.Sprintf("As text on a light ground the colour is too pale; links become %s.", c.Light)
	}
	return "Links on a light ground take the colour as it is."
}

func logoLabel(v brandView) string {
	if v.logoHref() == "" {
		return "Image"
	}
	return "Another image"
}

func versionText(st tenant.Stage) string { return strconv.Itoa(st.Version) }

func probabilityText(st tenant.Stage) string { return strconv.Itoa(st.Probability) }
