package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
)

//go:embed migrations
var embedded embed.FS

// migrationFile is one versioned change of the schema: a file in internal/store/migrations.
type migrationFile struct {
	version    int64
	name       string
	statements []migrationStatement
}

// stepID identifies one statement of a migration. Statements are numbered from 1.
type stepID struct {
	version int64
	number  int
}

func (id stepID) String() string { return fmt.Sprintf("%d/%d", id.version, id.number) }

// migrationStatement is one statement of a migration, without its semicolon.
type migrationStatement struct {
	id       stepID
	text     string
	comments []string
}

// sql returns the statement as written in its file.
func (s migrationStatement) sql() string {
	return strings.Join(append(slices.Clone(s.comments), s.text+";"), "\n")
}

// dataStep changes one batch of rows. It takes the statement of the file and the end of the
// previous batch, "" for the first one. It returns the end of this batch, or "" if no rows are
// left. The same transaction records the end, so that no batch is applied twice.
type dataStep func(ctx context.Context, tx *sql.Tx, statement, position string) (next string, err error)

// embeddedFiles returns the folder with the migrations of a dialect.
func embeddedFiles(dialectName string) fs.FS {
	folder := "migrations/mysql"
	if dialectName == dialect.SQLite {
		folder = "migrations/sqlite"
	}
	files, err := fs.Sub(embedded, folder)
	if err != nil {
		panic("store: " + err.Error()) // fs.Sub fails only for an invalid path
	}
	return files
}

// readMigrations reads the statements that upgrade a database, in order of their versions.
func readMigrations(files fs.FS) ([]migrationFile, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var read []migrationFile
	for _, name := range names { // Glob sorts them
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		file, err := readMigration(name, text)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		read = append(read, file)
	}
	return read, nil
}

func readMigration(name string, text []byte) (migrationFile, error) {
	digits, _, _ := strings.Cut(name, "_")
	version, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return migrationFile{}, err
	}
	file := migrationFile{version: version, name: strings.TrimSuffix(name, ".sql")}
	local := &sqltool.GooseFile{LocalFile: migrate.NewLocalFile(name, text)}
	found, err := local.StmtDecls()
	if err != nil {
		return file, err
	}
	for i, s := range found {
		file.statements = append(file.statements, migrationStatement{
			id: stepID{version, i + 1}, text: strings.TrimRight(s.Text, "; \n"), comments: trimmed(s.Comments),
		})
	}
	return file, nil
}

func trimmed(lines []string) []string {
	var out []string
	for _, line := range lines {
		out = append(out, strings.TrimSpace(line))
	}
	return out
}
