package main

import (
	"bytes"
	"testing"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestServersStartedTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		one, oneGreets := begin(t, address)
		two, twoGreets := begin(t, address)
		one.ready(t, oneGreets)
		two.ready(t, twoGreets)
		mustBeReady(t, one)
		mustBeReady(t, two)
		for _, s := range []*server{one, two} {
			s.terminate(t)
			if status := s.wait(t); status != 0 {
				t.Errorf("exit status %d", status)
			}
		}

		db, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var rows, versions int
		const statement = "SELECT COUNT(*), COUNT(DISTINCT version_id) FROM schema_migrations WHERE version_id > 0"
		row := db.Pools()[0].QueryRowContext(t.Context(), statement)
		if err := row.Scan(&rows, &versions); err != nil {
			t.Fatal(err)
		}
		migrated := []byte(`"msg":"migrated"`)
		told := bytes.Count(one.log.Bytes(), migrated) + bytes.Count(two.log.Bytes(), migrated)
		if rows == 0 || rows != versions || told != rows {
			t.Errorf("%d migrations of %d versions were recorded and %d told in the logs", rows, versions, told)
		}
	})
}
