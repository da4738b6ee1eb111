package deal

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/kernel/id"
)

// scanDeal reads one row of dealColumns. Lists and exports spend most of their time here, so it reads PostgreSQL's binary
// values itself; a column that comes in another form goes the general way.
func scanDeal(row pgx.CollectableRow) (d Deal, err error) {
	err = readDeal(row, row.FieldDescriptions(), &d)
	return d, err
}

// readDeal reads one row of dealColumns into d. Values that d has already are kept, so that reading row after row into one
// Deal makes little garbage.
func readDeal(row pgx.CollectableRow, fields []pgconn.FieldDescription, d *Deal) error {
	raw := row.RawValues()
	if len(raw) != dealWidth || !allBinary(fields) {
		err := row.Scan(dealFields(d)...)
		d.utc()
		return err
	}
	b := cursor{raw: raw}
	b.id(&d.ID)
	b.id(&d.Partner)
	b.text(&d.PartnerName)
	b.id(&d.Owner)
	b.text(&d.OwnerName)
	b.id(&d.Account)
	b.text(&d.Title)
	b.text(&d.AccountName)
	b.text(&d.AccountDomain)
	b.text(&d.AccountCountry)
	b.text(&d.ClaimKey)
	b.text((*string)(&d.State))
	b.id(&d.Stage)
	b.text(&d.StageName)
	b.amount(&d.AmountMinor)
	b.text(&d.Currency)
	b.text(&d.Product)
	b.day(&d.ExpectedCloseOn)
	b.stamp(&d.SubmittedAt)
	b.stamp(&d.DecidedAt)
	b.id(&d.DecidedBy)
	b.stamp(&d.ProtectedUntil)
	b.day(&d.ClosedOn)
	b.text(&d.ReasonCode)
	b.text(&d.Reason)
	b.text((*string)(&d.Answer))
	b.text(&d.Source)
	b.text(&d.ExternalID)
	b.id(&d.Import)
	b.id(&d.CreatedBy)
	b.number(&d.Version)
	b.time(&d.CreatedAt)
	b.time(&d.UpdatedAt)
	return b.err
}

const (
	dealWidth = 33
	// binaryColumns are those of dealColumns that are not text.
	binaryColumns = 1<<0 | 1<<1 | 1<<3 | 1<<5 | 1<<12 | 1<<14 | 1<<17 | 1<<18 | 1<<19 | 1<<20 | 1<<21 | 1<<22 | 1<<28 | 1<<29 | 1<<30 | 1<<31 | 1<<32
)

func allBinary(fields []pgconn.FieldDescription) bool {
	for i := range fields {
		if binaryColumns>>i&1 == 1 && fields[i].Format != pgx.BinaryFormatCode {
			return false
		}
	}
	return true
}

// cursor walks over the values of a row. It stops at the first one of an unexpected size.
type cursor struct {
	raw [][]byte
	at  int
	err error
}

// next returns the next value, nil for NULL; a value must have size bytes.
func (c *cursor) next(size int) []byte {
	v := c.raw[c.at]
	c.at++
	if v != nil && len(v) != size && c.err == nil {
		c.err = fmt.Errorf("deal: column %d has %d bytes, not %d", c.at, len(v), size)
	}
	if c.err != nil {
		return nil
	}
	return v
}

func (c *cursor) id(dst *id.ID) {
	*dst = id.Nil
	copy(dst[:], c.next(len(dst)))
}

func (c *cursor) text(dst *string) {
	v := c.raw[c.at]
	c.at++
	if *dst != string(v) {
		*dst = string(v)
	}
}

func (c *cursor) number(dst *int) {
	if v := c.next(4); v != nil {
		*dst = int(int32(binary.BigEndian.Uint32(v)))
	}
}

func (c *cursor) amount(dst **int64) {
	v := c.next(8)
	if v == nil {
		*dst = nil
		return
	}
	if *dst == nil {
		*dst = new(int64)
	}
	**dst = int64(binary.BigEndian.Uint64(v))
}

// epoch is PostgreSQL's zero, 2000-01-01, in Unix microseconds.
const epoch = 946_684_800_000_000

func (c *cursor) time(dst *time.Time) {
	if v := c.next(8); v != nil {
		*dst = time.UnixMicro(int64(binary.BigEndian.Uint64(v)) + epoch).UTC()
	}
}

func (c *cursor) stamp(dst **time.Time) {
	if c.raw[c.at] == nil {
		c.at++
		*dst = nil
		return
	}
	if *dst == nil {
		*dst = new(time.Time)
	}
	c.time(*dst)
}

func (c *cursor) day(dst *Day) {
	v := c.next(4)
	if v == nil {
		*dst = ""
		return
	}
	y, m, d := time.UnixMicro(int64(int32(binary.BigEndian.Uint32(v)))*86_400_000_000 + epoch).UTC().Date()
	b := [10]byte{byte('0' + y/1000%10), byte('0' + y/100%10), byte('0' + y/10%10), byte('0' + y%10), '-',
		byte('0' + m/10), byte('0' + m%10), '-', byte('0' + d/10), byte('0' + d%10)}
	if string(*dst) != string(b[:]) {
		*dst = Day(b[:])
	}
}
