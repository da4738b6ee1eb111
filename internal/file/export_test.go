package file_test

import (
	"entente.dev/internal/file"
	"entente.dev/internal/keyring"
)

// placeOf is where the content of a file belongs.
func placeOf(f file.File) keyring.Place {
	return keyring.Place{Table: "stored_file", Row: f.ID.String(), Column: "content"}
}
