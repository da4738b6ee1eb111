package dealapi

import (
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/id"
)

// Stage is a place in the pipeline.
type Stage struct {
	ID          id.ID  `json:"id"`
	Name        string `json:"name"`
	Position    int    `json:"position"`
	Probability int    `json:"probability" doc:"Percent."`
	Kind        string `json:"kind" enum:"open,won,lost"`
}

type stagesOut struct {
	Body struct {
		Items []Stage `json:"items"`
	}
}

// LookAlike is another registration that may be of the same customer.
type LookAlike struct {
	Why        string  `json:"why" enum:"same customer,same name,similar name"`
	Holds      bool    `json:"holds" doc:"It holds the customer now."`
	Similarity float64 `json:"similarity"`
	Deal       Deal    `json:"deal"`
}

func wireAlike(who access.Actor, all []deal.LookAlike) []LookAlike {
	out := make([]LookAlike, len(all))
	for i := range all {
		out[i] = LookAlike{all[i].Why, all[i].Claim, all[i].Similarity, wire(who, &all[i].Deal)}
	}
	return out
}

type alikeOut struct {
	Body struct {
		Items []LookAlike `json:"items"`
	}
}

type queueIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
	Cursor string `query:"cursor" maxLength:"8192"`
}

// Waiting is a submitted deal beside what looks like it.
type Waiting struct {
	Deal  Deal        `json:"deal"`
	Alike []LookAlike `json:"look_alikes"`
}

type queueOut struct {
	Body struct {
		Items      []Waiting `json:"items"`
		NextCursor string    `json:"next_cursor"`
	}
}

// View is one's saved view of a list.
type View struct {
	ID        id.ID     `json:"id"`
	List      string    `json:"list" enum:"deals,partners,accounts,contacts"`
	Name      string    `json:"name"`
	Query     string    `json:"query" doc:"As in the list's address."`
	CreatedAt time.Time `json:"created_at"`
}

func wireView(v deal.View) View { return View{v.ID, v.List, v.Name, v.Query, v.CreatedAt.UTC()} }

type viewsIn struct {
	List string `query:"list" enum:"deals,partners,accounts,contacts" default:"deals"`
}

type viewsOut struct {
	Body struct {
		Items []View `json:"items"`
	}
}

type viewIn struct {
	Body struct {
		List  string `json:"list" enum:"deals,partners,accounts,contacts"`
		Name  string `json:"name" minLength:"1" maxLength:"60"`
		Query string `json:"query" maxLength:"2000" example:"state=submitted&sort=-amount"`
	}
}

type viewOut struct{ Body View }
