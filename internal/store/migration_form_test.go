package store

import (
	"strings"
	"testing"

	"entgo.io/ent/dialect"
)

func TestEveryLandedStatementCanBeLookedUp(t *testing.T) {
	t.Parallel()
	files, err := readMigrations(embeddedFiles(dialect.MySQL))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if len(file.statements) == 0 {
			t.Errorf("%s has no statements", file.name)
		}
		for _, s := range file.statements {
			if isData(s.text) {
				continue
			}
			change, err := parseChange(s.text)
			if err != nil {
				t.Errorf("%s: %v", file.name, err)
			} else if change.kind != dropTable && len(change.clauses) == 0 {
				t.Errorf("%s: no clause was found in %s", file.name, s.text)
			}
		}
	}
}

// TestStatementsOfMigrationsAreWhole compares the number of statements with the number of lines
// that end one.
func TestStatementsOfMigrationsAreWhole(t *testing.T) {
	t.Parallel()
	for _, name := range []string{dialect.MySQL, dialect.SQLite} {
		files, err := readMigrations(embeddedFiles(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			folder := map[string]string{dialect.MySQL: "mysql", dialect.SQLite: "sqlite"}[name]
			text, err := embedded.ReadFile("migrations/" + folder + "/" + file.name + ".sql")
			if err != nil {
				t.Fatal(err)
			}
			up, _, _ := strings.Cut(string(text), "-- +goose Down")
			if n := strings.Count(up, ";\n"); n != len(file.statements) {
				t.Errorf("%s of %s has %d statements, %d were read", file.name, name, n, len(file.statements))
			}
			if strings.Contains(up, "NO TRANSACTION") {
				t.Errorf("%s of %s asks for no transaction, which the runner does not know", file.name, name)
			}
			for _, s := range file.statements {
				if strings.HasSuffix(s.text, ";") || strings.HasPrefix(s.text, "--") || len(s.comments) != 1 {
					t.Errorf("%s of %s: statement %d is %q with %q", file.name, name, s.id.number, s.text, s.comments)
				}
			}
		}
	}
}

func TestEveryDataStepNamesAStatementThatChangesRows(t *testing.T) {
	t.Parallel()
	for name, steps := range dataSteps {
		files, err := readMigrations(embeddedFiles(name))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, file := range files {
			for _, s := range file.statements {
				if steps[s.id] != nil && isData(s.text) {
					found++
				}
			}
		}
		if found != len(steps) {
			t.Errorf("%d of %d data steps of %s name a statement that changes rows", found, len(steps), name)
		}
	}
}

func TestStatementsOfOtherFormsAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"RENAME TABLE `a` TO `b`",
		"CREATE TABLE `a` AS SELECT * FROM `b`",
		"CREATE TABLE `a` (`id` bigint NOT NULL, CONSTRAINT `c` CHECK (`id` > 0)) CHARSET utf8mb4",
		"CREATE TABLE `a` (ADD COLUMN `id` bigint NOT NULL)",
		"ALTER TABLE `a` ENGINE=InnoDB",
		"ALTER TABLE `a` RENAME COLUMN `b` TO `c`",
		"ALTER TABLE `a` `b` bigint NOT NULL",
		"ALTER TABLE `a` ADD INDEX `i` (`b`(10))",
		"ALTER TABLE `a` ADD INDEX `i` ((`b` + 1))",
		"DROP INDEX `i`",
		"TRUNCATE `a`",
	} {
		if change, err := parseChange(text); err == nil {
			t.Errorf("%s was read as %+v", text, change)
		} else if !strings.Contains(err.Error(), "cannot be looked up") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhatIsLeftOfAChange(t *testing.T) {
	t.Parallel()
	table := tableShape{exists: true, columns: []string{"id", "user_id", "name"}, indexes: map[string]index{
		primaryKey: {unique: true, columns: []string{"id"}},
		"by_name":  {columns: []string{"user_id", "name"}},
	}}
	const byName = "INDEX `by_name` (`user_id`, `name`)"
	const create = "CREATE TABLE `t` (`id` bigint NOT NULL, `user_id` bigint NOT NULL, " +
		"`name` varchar(9) NOT NULL DEFAULT \"a,b(\", PRIMARY KEY (`id`), " + byName + ") CHARSET utf8mb4 COLLATE utf8mb4_bin"
	const whole = "all of the change"
	rest := "ALTER TABLE `t` ADD COLUMN `x` decimal(30,10) NULL, DROP INDEX `by_name`"
	tests := []struct{ name, change, left, refused string }{
		{"a table", create, "", ""},
		{"a table without a column", strings.Replace(create, "`user_id` bigint NOT NULL, ", "", 1), "", "its columns"},
		{"a table with another index", strings.Replace(create, "INDEX", "UNIQUE INDEX", 1), "", "its index by_name"},
		{"a table with fewer indexes", strings.Replace(create, ", "+byName, "", 1), "", "its number of indexes"},
		{"a column", "ALTER TABLE `t` ADD COLUMN `name` varchar(9) NULL", "", ""},
		{"a column that is missing", "ALTER TABLE `t` ADD COLUMN `x` decimal(30,10) NULL", whole, ""},
		{"half of a change", strings.Replace(rest, "DROP", "DROP COLUMN `y`, DROP", 1), rest, ""},
		{"a column that is gone", "ALTER TABLE `t` DROP COLUMN `y`", "", ""},
		{"a column that is made otherwise", "ALTER TABLE `t` MODIFY COLUMN `name` varchar(10) NOT NULL", whole, ""},
		{"an index", "ALTER TABLE `t` ADD INDEX `by_name` (`user_id`, `name`)", "", ""},
		{"an index by itself", "CREATE INDEX `by_name` ON `t` (`user_id`, `name`)", "", ""},
		{"an index that is missing", "CREATE UNIQUE INDEX `u` ON `t` (`name`)", whole, ""},
		{"an index of other columns", "ALTER TABLE `t` ADD INDEX `by_name` (`name`)", "", "drop the index"},
		{"an index made anew", "ALTER TABLE `t` DROP INDEX `by_name`, ADD INDEX `by_name` (`name`)", whole, ""},
		{"an index that was made anew", "ALTER TABLE `t` DROP INDEX `by_name`, ADD " + byName, "", ""},
		{
			"a primary key",
			"ALTER TABLE `t` DROP PRIMARY KEY, ADD PRIMARY KEY (`user_id`, `id`), ADD UNIQUE INDEX `u` (`id`)", whole,
			"",
		},
		{"an index that is gone", "DROP INDEX `gone` ON `t`", "", ""},
		{"an index that is to go", "DROP INDEX `by_name` ON `t`", whole, ""},
		{"a table that is to go", "DROP TABLE `t`", whole, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			change, err := parseChange(test.change)
			if err != nil {
				t.Fatal(err)
			}
			want := test.left
			if want == whole {
				want = test.change
			}
			left, err := change.remaining(table)
			if left != want {
				t.Errorf("left is %q, want %q", left, want)
			}
			if (err != nil) != (test.refused != "") || err != nil && !strings.Contains(err.Error(), test.refused) {
				t.Errorf("refused with %v, want %q", err, test.refused)
			}
			none, err := change.remaining(tableShape{})
			switch {
			case change.kind == createTable && none != test.change, change.kind == dropTable && none != "":
				t.Errorf("without the table %q is left", none)
			case change.kind == alterTable && (err == nil || !strings.Contains(err.Error(), "backup")):
				t.Errorf("without the table: %v", err)
			}
		})
	}
}

// TestStatementsOfEarlierReleasesAreKnownWhileTheyRun uses the process list entry of a killed
// release.
func TestStatementsOfEarlierReleasesAreKnownWhileTheyRun(t *testing.T) {
	t.Parallel()
	files, err := readMigrations(embeddedFiles(dialect.MySQL))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, s := range file.statements {
			if !isMigration(s.text+";", files) {
				t.Errorf("not known: %s", s.text)
			}
		}
	}
	if !isMigration(marker+"ALTER TABLE `events` ADD INDEX `i` (`id`)", files) {
		t.Error("a statement with the marker is not known")
	}
	for _, other := range []string{
		"", "SELECT 1", "UPDATE migration_lease SET until = 1", "ALTER TABLE `events` ADD INDEX `i` (`id`)",
	} {
		if isMigration(other, files) {
			t.Errorf("%q is taken for a statement of a migration", other)
		}
	}
}

// TestTheVersionOfContactsIsThatOfItsFile checks that the steps in Go belong to a file on each engine.
func TestTheVersionOfContactsIsThatOfItsFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{dialect.MySQL, dialect.SQLite} {
		files, err := readMigrations(embeddedFiles(name))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, f := range files {
			if f.version == ContactsVersion && strings.HasSuffix(f.name, "_contacts") {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: %d files of version %d are named contacts", name, found, ContactsVersion)
		}
	}
}
