package ui

// BoardData is a kanban board. Moving a card posts "stage" (the column's id) and, from
// script, expects any 2xx or a redirect; a 2xx with the header X-Go leads to the page it
// names. Every other answer puts the card back and shows the response's X-Message header
// or a general sentence.
type BoardData struct {
	Columns []BoardColumn
	CanMove bool
}

// BoardColumn is one stage with its cards.
type BoardColumn struct {
	ID, Title string
	Count     int64  // cards in all, also those not drawn; below 0 is not shown
	Total     string // their value in words
	Hint      string // stands where cards would be, such as "Drop a deal here"
	Cards     []BoardCard
	More      Link // leads to the cards not drawn; left out when its label is ""
}

// BoardCard is one thing on the board.
type BoardCard struct {
	Href     string
	Title    string
	Sub      string // account or partner
	Amount   string
	Owner    string // drawn as initials
	Due      string // "closes 3 Mar"
	Late     bool   // Due has passed
	Tone     Tone
	State    string // drawn as a badge when not ""
	MoveHref string // where a move is posted; "" cannot be moved
}

// neighbour returns the column beside i, or nil.
func (b BoardData) neighbour(i, step int) *BoardColumn {
	if j := i + step; j >= 0 && j < len(b.Columns) {
		return &b.Columns[j]
	}
	return nil
}
