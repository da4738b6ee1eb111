package main

import (
	"math/rand/v2"
	"strings"

	"entente.dev/internal/kernel/orgname"
)

// company is an end customer as the program would store it.
type company struct {
	name, norm, domain, country, claim, search string
}

var (
	onsets = strings.Fields(`b br c ch cl cr d dr f fl fr g gl gr h j k kl kr l m n p ph pl pr qu r s sc sh sk sl sm sp st str sw t th tr v w wh y z`)
	vowels = strings.Fields(`a a a e e e i i i o o o u u ai au ea ee ei ia ie io oa oo ou`)
	codas  = strings.Fields(`b ck d ff ft g l ld lk ll lt m mp n nd ng nk nt p r rb rd rg rk rm rn rs rt s sk ss st t tt x z`)
	trades = strings.Fields(`Logistics Foods Energy Robotics Textiles Pharma Media Steel Optics Motors Software Insurance Shipping Chemicals
Paper Furniture Airlines Brewing Ceramics Dairy Electronics Fisheries Glass Hotels Instruments Jewelry Kitchens Lighting Mining Networks
Oils Plastics Quarries Railways Seeds Tools Utilities Vehicles Watches Yachts Apparel Bearings Cables Devices Engines Fabrics Gaming
Health Imaging Journals`)
	legalForms = []string{"GmbH", "Inc.", "Ltd", "SA", "AB", "BV"}
	countries  = []string{"DE", "US", "GB", "FR", "SE", "NL"}
)

// word returns a name that could be a company's, of two or three syllables: Belvarost.
func word(r *rand.Rand) string {
	of := func(parts []string) string { return parts[r.IntN(len(parts))] }
	w := of(onsets) + of(vowels)
	for range 1 + r.IntN(2) {
		if r.IntN(2) == 0 {
			w += of(codas)
		}
		w += of(onsets) + of(vowels)
	}
	w += of(codas)
	return strings.ToUpper(w[:1]) + w[1:]
}

// companies returns n different end customers: a name of their own with one of 50 trades, as in Belvarost Logistics GmbH.
func companies(n int) []company {
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // repeatable on purpose
	out, taken := make([]company, 0, n), map[string]bool{}
	for len(out) < n {
		first, trade, form := word(r), trades[r.IntN(len(trades))], r.IntN(len(legalForms))
		if len(first) < 5 || taken[first] {
			continue
		}
		taken[first] = true
		c := company{name: first + " " + trade + " " + legalForms[form], country: countries[form], domain: strings.ToLower(first+"-"+trade) + ".com"}
		c.norm = orgname.NormalName(c.name)
		c.claim = orgname.ClaimKey(c.domain, c.name, c.country)
		c.search = orgname.SearchText(c.name, c.domain)
		out = append(out, c)
	}
	return out
}
