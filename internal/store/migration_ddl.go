package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A schemaChange is one parsed DDL statement of MySQL. Its effect can be checked in the catalog.
// Only the forms that Atlas writes can be parsed; a test checks that every released migration uses
// them. Both MySQL and MariaDB run each of these statements atomically.
type schemaChange struct {
	text  string
	table string
	// kind says whether the table is created, dropped or altered.
	kind tableChange
	// clauses are the clauses of ALTER TABLE, or the columns and indexes of CREATE TABLE.
	clauses []clause
}

type tableChange int

const (
	createTable tableChange = iota
	dropTable
	alterTable
)

type clauseKind int

const (
	addColumn clauseKind = iota
	dropColumn
	modifyColumn
	addIndex
	dropIndex
)

// clause is the part of a change that concerns one column or index.
type clause struct {
	kind clauseKind
	name string
	// index is the index that addIndex creates.
	index index
	// text is the clause as written in ALTER TABLE.
	text string
}

// index is an index as described by the catalog.
type index struct {
	unique  bool
	columns []string
}

func (i index) equal(other index) bool {
	return i.unique == other.unique && slices.Equal(i.columns, other.columns)
}

// tableShape is a table as described by the catalog.
type tableShape struct {
	exists  bool
	columns []string
	indexes map[string]index
}

const primaryKey = "PRIMARY"

var (
	formCreateTable  = regexp.MustCompile("(?s)^CREATE TABLE `(\\w+)` \\((.+)\\)[^()]*$")
	formDropTable    = regexp.MustCompile("^DROP TABLE `(\\w+)`$")
	formAlterTable   = regexp.MustCompile("(?s)^ALTER TABLE `(\\w+)` (.+)$")
	formCreateIndex  = regexp.MustCompile("^CREATE (UNIQUE )?INDEX `(\\w+)` ON `(\\w+)` \\((.+)\\)$")
	formDropIndex    = regexp.MustCompile("^DROP INDEX `(\\w+)` ON `(\\w+)`$")
	formColumn       = regexp.MustCompile("(?s)^(?:(ADD|MODIFY) COLUMN )?`(\\w+)` .+$")
	formDropColumn   = regexp.MustCompile("^DROP COLUMN `(\\w+)`$")
	formAddIndex     = regexp.MustCompile("^(?:ADD )?(UNIQUE )?INDEX `(\\w+)` \\((.+)\\)$")
	formDropIndexOf  = regexp.MustCompile("^DROP INDEX `(\\w+)`$")
	formPrimaryKey   = regexp.MustCompile(`^(?:ADD )?PRIMARY KEY \((.+)\)$`)
	formIndexColumns = regexp.MustCompile("^`\\w+`(, `\\w+`)*$")
	formAlters       = regexp.MustCompile("^(ADD|DROP|MODIFY) ")
	formData         = regexp.MustCompile("^(INSERT|UPDATE|DELETE) ")
)

// isData reports whether a statement changes rows rather than the schema.
func isData(text string) bool { return formData.MatchString(text) }

// parseChange parses a DDL statement. It returns an error if the effect of the statement cannot be
// checked in the catalog.
func parseChange(text string) (schemaChange, error) {
	if m := formCreateTable.FindStringSubmatch(text); m != nil {
		return withClauses(schemaChange{text: text, table: m[1], kind: createTable}, m[2])
	}
	if m := formDropTable.FindStringSubmatch(text); m != nil {
		return schemaChange{text: text, table: m[1], kind: dropTable}, nil
	}
	if m := formAlterTable.FindStringSubmatch(text); m != nil {
		return withClauses(schemaChange{text: text, table: m[1], kind: alterTable}, m[2])
	}
	if m := formCreateIndex.FindStringSubmatch(text); m != nil {
		clause := fmt.Sprintf("ADD %sINDEX `%s` (%s)", m[1], m[2], m[4])
		return withClauses(schemaChange{text: text, table: m[3], kind: alterTable}, clause)
	}
	if m := formDropIndex.FindStringSubmatch(text); m != nil {
		return withClauses(schemaChange{text: text, table: m[2], kind: alterTable}, "DROP INDEX `"+m[1]+"`")
	}
	return schemaChange{}, unknownForm(text)
}

func unknownForm(text string) error {
	return fmt.Errorf("whether this has been done cannot be looked up: write it in a form that "+
		"internal/store/migration_ddl.go knows, or add its form there: %s", text)
}

func withClauses(change schemaChange, list string) (schemaChange, error) {
	for _, text := range splitClauses(list) {
		c, err := parseClause(text)
		if err != nil {
			return change, err
		}
		if formAlters.MatchString(text) == (change.kind == createTable) {
			return change, unknownForm(change.text)
		}
		change.clauses = append(change.clauses, c)
	}
	return change, nil
}

func parseClause(text string) (clause, error) {
	c := clause{text: text}
	if m := formAddIndex.FindStringSubmatch(text); m != nil && formIndexColumns.MatchString(m[3]) {
		c.kind, c.name, c.index = addIndex, m[2], index{unique: m[1] != "", columns: indexColumns(m[3])}
		return c, nil
	}
	if m := formPrimaryKey.FindStringSubmatch(text); m != nil && formIndexColumns.MatchString(m[1]) {
		c.kind, c.name, c.index = addIndex, primaryKey, index{unique: true, columns: indexColumns(m[1])}
		return c, nil
	}
	if m := formDropIndexOf.FindStringSubmatch(text); m != nil {
		c.kind, c.name = dropIndex, m[1]
		return c, nil
	}
	if text == "DROP PRIMARY KEY" {
		c.kind, c.name = dropIndex, primaryKey
		return c, nil
	}
	if m := formDropColumn.FindStringSubmatch(text); m != nil {
		c.kind, c.name = dropColumn, m[1]
		return c, nil
	}
	if m := formColumn.FindStringSubmatch(text); m != nil {
		c.kind, c.name = addColumn, m[2]
		if m[1] == "MODIFY" {
			c.kind = modifyColumn
		}
		return c, nil
	}
	return c, unknownForm(text)
}

func indexColumns(list string) []string {
	return strings.Split(strings.ReplaceAll(list, "`", ""), ", ")
}

// splitClauses splits the list at commas that are outside parentheses and quotes.
func splitClauses(list string) []string {
	var out []string
	depth, start := 0, 0
	var quote rune
	for i, r := range list {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"' || r == '`':
			quote = r
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			out = append(out, strings.TrimSpace(list[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(list[start:]))
}

// remaining returns the statement that applies the part of the change that the table lacks, or ""
// if it lacks nothing. If the table is in a state that neither precedes nor follows the change, the
// error says how to repair it.
func (c schemaChange) remaining(shape tableShape) (string, error) {
	switch c.kind {
	case createTable:
		if !shape.exists {
			return c.text, nil
		}
		return "", c.sameTable(shape)
	case dropTable:
		if shape.exists {
			return c.text, nil
		}
		return "", nil
	}
	if !shape.exists {
		return "", fmt.Errorf("the table %s is missing: restore it from a backup and start again", c.table)
	}
	return c.remainingClauses(shape)
}

// sameTable returns an error if an existing table differs from the one that CREATE TABLE creates.
func (c schemaChange) sameTable(shape tableShape) error {
	var columns []string
	indexes := 0
	for _, made := range c.clauses {
		if made.kind == addColumn {
			columns = append(columns, made.name)
			continue
		}
		indexes++
		if found, ok := shape.indexes[made.name]; !ok || !found.equal(made.index) {
			return c.otherTable("index " + made.name)
		}
	}
	if !slices.Equal(columns, shape.columns) {
		return c.otherTable("columns")
	}
	if indexes != len(shape.indexes) {
		return c.otherTable("number of indexes")
	}
	return nil
}

func (c schemaChange) otherTable(what string) error {
	return fmt.Errorf("a table %s exists that this migration did not make, by its %s: "+
		"rename it, or drop it if nothing in it is needed, and start again", c.table, what)
}

// remainingClauses returns the statement without the clauses that are already done. A MODIFY clause
// is always repeated, because repeating it changes nothing.
func (c schemaChange) remainingClauses(shape tableShape) (string, error) {
	var left []string
	for _, part := range c.clauses {
		done, err := c.done(part, shape)
		if err != nil {
			return "", err
		}
		if !done {
			left = append(left, part.text)
		}
	}
	switch len(left) {
	case 0:
		return "", nil
	case len(c.clauses):
		return c.text, nil
	}
	return fmt.Sprintf("ALTER TABLE `%s` %s", c.table, strings.Join(left, ", ")), nil
}

func (c schemaChange) done(part clause, shape tableShape) (bool, error) {
	switch part.kind {
	case addColumn:
		return slices.Contains(shape.columns, part.name), nil
	case dropColumn:
		return !slices.Contains(shape.columns, part.name), nil
	case addIndex:
		found, ok := shape.indexes[part.name]
		if ok && !found.equal(part.index) && !c.drops(part.name) {
			return false, fmt.Errorf("the index %s of the table %s has other columns (%s) than this migration makes: "+
				"drop the index and start again", part.name, c.table, strings.Join(found.columns, ", "))
		}
		return ok && found.equal(part.index), nil
	case dropIndex:
		found, ok := shape.indexes[part.name]
		return !ok || slices.ContainsFunc(c.clauses, func(other clause) bool {
			return other.kind == addIndex && other.name == part.name && found.equal(other.index)
		}), nil
	}
	return false, nil
}

// drops reports whether the change drops the named index, and so may create it again with other
// columns.
func (c schemaChange) drops(name string) bool {
	return slices.ContainsFunc(c.clauses, func(part clause) bool { return part.kind == dropIndex && part.name == name })
}
