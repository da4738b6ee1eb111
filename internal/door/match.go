package door

import "entente.dev/internal/kernel/httpx"

// IfMatch is embedded in the input of an operation that changes an object: it documents
// and reads the If-Match header. Version is what the caller has seen, 0 when it did not
// say; a use case answers Stale when the object has moved on.
type IfMatch struct {
	Header  string `header:"If-Match" doc:"The ETag of the version you have seen. If the object has changed since, the answer is 412 and nothing happens." example:"\"3\""`
	Version int    `json:"-"`
}

func (m *IfMatch) readIfMatch() (err error) {
	m.Version, _, err = httpx.ParseIfMatch(m.Header)
	return err
}

type ifMatcher interface{ readIfMatch() error }
