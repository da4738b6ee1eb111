// Package db carries the migrations of Entente's schema, forward only, in the binary.
package db

import "embed"

// Migrations holds migrations/NNNN_room_what.sql in goose's format.
//
//go:embed migrations/*.sql
var Migrations embed.FS
