package app

import (
	"testing"

	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
