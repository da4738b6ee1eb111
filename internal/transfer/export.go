package transfer

import (
	"context"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/sheet"
)

// Export writes the list of imports to w, newest first.
func (s *Service) Export(ctx context.Context, who access.Actor, q Query, w sheet.Writer) error {
	q.Limit, q.Cursor = 200, ""
	p, err := s.List(ctx, who, q)
	if err != nil {
		return err
	}
	if err := w.Columns("id", "kind", "status", "file_name", "total", "created", "updated", "unchanged", "refused", "created_by", "created_at", "committed_at", "undone_at"); err != nil {
		return err
	}
	for {
		for _, r := range p.Items {
			for _, v := range []string{r.ID.String(), r.Kind, r.Status, r.FileName} {
				w.Text(v)
			}
			for _, n := range []int{r.Total, r.Created, r.Updated, r.Unchanged, r.Refused} {
				w.Int(int64(n))
			}
			w.Text(r.CreatedByName)
			w.Time(r.CreatedAt)
			if r.CommittedAt == nil {
				w.Empty()
			} else {
				w.Time(*r.CommittedAt)
			}
			if r.UndoneAt == nil {
				w.Empty()
			} else {
				w.Time(*r.UndoneAt)
			}
			if err := w.EndRow(); err != nil {
				return err
			}
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			return w.Close()
		}
		if p, err = s.List(ctx, who, q); err != nil {
			return err
		}
	}
}

// ExportRefused writes the refused rows of an import to w: what the file said, and three columns more that say which row and
// column it was and what to do. Corrected, the file can be imported as it is.
func (s *Service) ExportRefused(ctx context.Context, who access.Actor, v id.ID, w sheet.Writer) error {
	r, err := s.Get(ctx, who, v)
	if err != nil {
		return err
	}
	if err := w.Columns(append(append([]string{}, r.Header...), "import row", "import column", "import problem")...); err != nil {
		return err
	}
	err = s.EachRefused(ctx, who, v, func(_ Run, row Row) error {
		for i := range r.Header {
			if i < len(row.Cells) {
				w.Text(row.Cells[i])
			} else {
				w.Empty()
			}
		}
		w.Int(int64(row.No))
		var columns, problems []string
		for _, p := range row.Problems {
			columns, problems = append(columns, p.Column), append(problems, p.Message)
		}
		w.Text(strings.Join(columns, ", "))
		w.Text(strings.Join(problems, " "))
		return w.EndRow()
	})
	if err != nil {
		return err
	}
	return w.Close()
}
