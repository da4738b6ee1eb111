package transfer

import (
	"slices"
	"strings"
	"testing"
)

// Headers of programs we know are understood without a mapping.
func TestGuess(t *testing.T) {
	for _, c := range []struct{ name, kind, header, want string }{
		{"the sample's deals", Deals, "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value", "external_id,owner,product,account,stage,created_on,close_on,amount"},
		{"the sample's accounts", Accounts, "account,sector,year_established,revenue,employees,office_location,subsidiary_of", "name,sector,,,employees,country,parent_name"},
		{"the sample's teams", Partners, "sales_agent,manager,regional_office", "agent,manager,partner"},
		{"the sample's products", Products, "product,series,sales_price", "name,series,price"},
		{"HubSpot deals", Deals, "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Currency,Create Date,Associated Company,Closed Lost Reason", "external_id,title,stage,close_on,owner,amount,currency,created_on,account,reason"},
		{"Salesforce opportunities", Deals, "Opportunity ID,Opportunity Name,Account Name,Stage,Close Date,Amount,Opportunity Currency,Opportunity Owner,Partner Account,Created Date", "external_id,title,account,stage,close_on,amount,currency,owner,partner,created_on"},
		{"PartnerPortal.io leads", Deals, "Lead ID,Lead Name,Company,Website,Partner,Lead Status,Deal Value,Submitted At,Country/Region", "external_id,title,account,account_domain,partner,state,amount,created_on,country"},
		{"our own deals", Deals, "id,title,partner_name,owner_name,state,stage_name,amount,currency,product,expected_close_on,closed_on,external_id,account_name,account_domain", ",title,partner,owner,state,stage,amount,currency,product,expected_close_on,closed_on,external_id,account,account_domain"},
		{"our own accounts", Accounts, "id,name,domain,country,sector,employees,parent_name,created_at,updated_at,source,external_id", ",name,domain,country,sector,employees,parent_name,,,,external_id"},
		{"our own partners", Partners, "id,name,kind,status,domains,country,region,manager_name,external_id", ",partner,kind,,domain,country,region,manager,external_id"},
		{"HubSpot companies", Accounts, "Record ID,Company name,Company Domain Name,Country/Region,Industry,Number of Employees", "external_id,name,domain,country,sector,employees"},
		{"nothing we know", Deals, "foo,bar", ","},
	} {
		got := guessColumns(c.kind, strings.Split(c.header, ","), nil)
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, strings.Join(got, ","), c.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"GTX Pro", "GTX Plus Pro", "MG Special", "North GmbH"}
	for in, want := range map[string]string{"GTXPro": "GTX Pro", "gtx  pro": "GTX Pro", "GTX Plus-Pro": "GTX Plus Pro", "MG Specail": "MG Special", "Nort GmbH": "North GmbH", "X": "", "": "", "Something else": ""} {
		if got := suggest(in, known); got != want {
			t.Errorf("%q looks like %q, want %q", in, got, want)
		}
	}
}

func TestParseMapping(t *testing.T) {
	for in, code := range map[string]string{
		"": "", " {} ": "", `{"columns":{"a":"title"},"values":{"stage":{"x":"won"}},"defaults":{"currency":"EUR","date":"DD.MM.YYYY","partner":"p","country":"DE"},"options":{"create_stages":true,"missing_accounts":"leave","existing":"keep"}}`: "",
		`{"column":{}}`: "mapping.unknown", `{"options":{"force":1}}`: "mapping.unknown", `[]`: "mapping.malformed", `{"columns":{"a":1}}`: "mapping.malformed", `{} {}`: "mapping.malformed", `{`: "mapping.malformed",
	} {
		_, err := ParseMapping([]byte(in))
		if code == "" && err != nil {
			t.Errorf("%s: %v", in, err)
		} else if code != "" && (err == nil || !strings.HasPrefix(err.Error(), code+":")) {
			t.Errorf("%s: %v, want %s", in, err, code)
		}
	}
	for in, ok := range map[string]bool{"2006-01-02": true, "DD/MM/YYYY": true, "MM/DD/YYYY": true, "D": false, "YYYY": false, "January 2, 2006": true, "dd.MM.yy": true} {
		if _, got := layout(in); got != ok {
			t.Errorf("layout %q: %v", in, got)
		}
	}
	a := Mapping{Columns: map[string]string{"x": "title"}, Values: map[string]map[string]string{"stage": {"a": "won"}}}
	b := a.With(Mapping{Columns: map[string]string{"y": "amount"}, Values: map[string]map[string]string{"stage": {"b": "lost"}}})
	if len(a.Columns) != 1 || len(a.Values["stage"]) != 1 || len(b.Columns) != 2 || len(b.Values["stage"]) != 2 {
		t.Errorf("%+v %+v", a, b)
	}
}

func FuzzParseMapping(f *testing.F) {
	f.Add([]byte(`{"columns":{"a":"title"}}`), "a,b")
	f.Fuzz(func(t *testing.T, data []byte, header string) {
		m, err := ParseMapping(data)
		if err != nil {
			return
		}
		for _, kind := range Kinds {
			columns, err := m.bind(kind, headerOf(strings.Split(header, ",")))
			if err == nil && slices.ContainsFunc(columns, func(c string) bool { _, ok := fieldOf(kind, c); return c != "" && !ok }) {
				t.Errorf("bound to %q", columns)
			}
		}
	})
}
