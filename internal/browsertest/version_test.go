package browsertest

import "testing"

// Somebody spoils an account, somebody else changes it meanwhile, and one click brings back what it said: on a phone, without script.
func TestOldVersionIsRestored(t *testing.T) {
	w := newPair(t)
	konex := w.api("POST", "/accounts", fields{"name": "Konex Industries", "domain": "konex.example", "country": "DE", "employees": 1200}).id()
	tab := w.as(w.mara, Look{Width: 390, Height: 844, NoScript: true})
	tab.Go("/accounts/" + konex + "/edit")
	tab.Fill("name", "Typo AG")
	tab.Fill("employees", "")
	tab.Press("Save")
	tab.See("Typo AG is saved.")
	tab.Press("Versions")
	tab.See("Version 2", "As it stands", "Mara Manager changed it", "Konex Industries")
	tab.Press("Version 1")
	tab.See("What restoring brings back", "Konex Industries", "1,200")
	w.api("PATCH", "/accounts/"+konex, fields{"sector": "Energy"})
	tab.Press("Restore this version")
	tab.See("Nothing was restored", "Somebody changed this account", "Energy")
	tab.Press("Restore this version")
	tab.Arrive("/accounts/" + konex)
	tab.See("Konex Industries says again what version 1 said: Name, Sector, Employees.", "Mara Manager restored an old version")
	tab.Gone("Restore this version")
	tab.Press("Versions")
	tab.See("Version 4", "Mara Manager restored an old version of it", "As it stands")
	pat := w.as(w.pat, Look{})
	pat.Go("/partners/" + w.north)
	pat.Gone("Versions")
}
