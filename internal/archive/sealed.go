package archive

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
)

// sealedColumn is a column of class secret or encrypted content that goes into an archive all the same, opened.
type sealedColumn struct {
	row string // the column whose value names the row in the keyring's place; "" when the column is not encrypted at rest
}

// opened are the columns that an archive holds opened, in base64. Without the salts of the audit log nobody could check its
// commitments in the next installation.
var opened = map[string]*sealedColumn{
	"audit_entry.payload": {row: "entry_id"},
	"audit_entry.salt":    {},
	"mail.text_sealed":    {row: "mail_id"},
	"mail.html_sealed":    {row: "mail_id"},
}

// sealedOf returns the columns of a table that are opened on their way out, by name.
func sealedOf(t table) map[string]*sealedColumn {
	out := map[string]*sealedColumn{}
	for _, c := range t.Columns {
		if v := opened[t.Name+"."+c.Name]; v != nil {
			out[c.Name] = v
		}
	}
	return out
}

// open returns a row, given as the JSON object that PostgreSQL makes of it, with its encrypted columns opened.
func (s *Service) open(ctx context.Context, tenant id.ID, table string, sealed map[string]*sealedColumn, row []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(row, &fields); err != nil {
		return nil, err
	}
	for name, c := range sealed {
		raw, err := byteaOf(fields[name])
		if err != nil || raw == nil {
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", table, name, err)
			}
			continue
		}
		if c.row != "" {
			var row string
			if err := json.Unmarshal(fields[c.row], &row); err != nil {
				return nil, err
			}
			if raw, err = s.ops.Keys.Open(ctx, tenant, keyring.Place{Table: table, Row: row, Column: name}, raw); err != nil {
				return nil, fmt.Errorf("open %s.%s of %s: %w", table, name, row, err)
			}
		}
		fields[name], _ = json.Marshal(base64.StdEncoding.EncodeToString(raw))
	}
	return json.Marshal(fields)
}

// closeUp is the way back: the opened columns of a row are encrypted for the tenant again. It changes fields.
func closeUp(keys keyring.Sealer, table string, sealed map[string]*sealedColumn, fields map[string]json.RawMessage) error {
	for name, c := range sealed {
		var text *string
		if err := json.Unmarshal(fields[name], &text); err != nil {
			return fmt.Errorf("%s.%s: %w", table, name, err)
		}
		if text == nil {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(*text)
		if err != nil {
			return fmt.Errorf("%s.%s is not base64: %w", table, name, err)
		}
		if c.row != "" {
			var row string
			if err := json.Unmarshal(fields[c.row], &row); err != nil {
				return fmt.Errorf("%s.%s: %w", table, c.row, err)
			}
			if raw, err = keys.Seal(keyring.Place{Table: table, Row: row, Column: name}, raw); err != nil {
				return err
			}
		}
		fields[name], _ = json.Marshal(`\x` + hex.EncodeToString(raw))
	}
	return nil
}

// byteaOf reads a bytea as it stands in JSON, nil for null.
func byteaOf(v json.RawMessage) ([]byte, error) {
	var text *string
	if err := json.Unmarshal(v, &text); err != nil || text == nil {
		return nil, err
	}
	return hex.DecodeString(strings.TrimPrefix(*text, `\x`))
}
