package store

import "database/sql"

// Prepare is prepare.
func Prepare(db *sql.DB) *prepared { return prepare(db) }

// Kept is how many statements are prepared.
func Kept(p *prepared) int { return p.kept.Len() }
