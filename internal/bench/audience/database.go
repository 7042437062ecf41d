package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql" // opens the databases for the loading and the statements that are timed

	"campaignql/internal/store"
)

// version is counted up when the data changes, so that a database loaded before is not taken for one loaded now.
const version = 1

// engine is one database engine to measure on.
type engine struct {
	// name is "sqlite", or "mysql-" and the port.
	name string
	// server is the address of the server without a database, nil for SQLite.
	server *url.URL
}

// engines returns SQLite and the MySQL-protocol servers of the environment.
func engines() []engine {
	all := []engine{{name: "sqlite"}}
	addresses := os.Getenv("CAMPAIGNQL_BENCH_MYSQL")
	if addresses == "" {
		addresses = os.Getenv("CAMPAIGNQL_TEST_MYSQL")
	}
	for address := range strings.SplitSeq(addresses, ",") {
		u, err := url.Parse(strings.TrimSpace(address))
		if err != nil || u.Host == "" {
			continue
		}
		name := "mysql"
		if u.Port() != "" {
			name += "-" + u.Port()
		}
		all = append(all, engine{name: name, server: u})
	}
	return all
}

// sized is what is loaded on the engine. SQLite counts on one core with a cache of its own, and is not meant for as many people.
func (e engine) sized(s size) size {
	if e.server == nil {
		return size{s.people / 10, s.events / 10}
	}
	return s
}

// address returns the address of the database of a size, and the name or file by which it is dropped.
func (e engine) address(s size) (address, name string) {
	name = fmt.Sprintf("campaignql_bench_audience_%d_%d_%d", version, s.people, s.events)
	if e.server == nil {
		file := filepath.Join(os.TempDir(), name+".db")
		return "sqlite:" + file, file
	}
	u := *e.server
	u.Path = "/" + name
	return u.String(), name
}

// connect opens the database of an address as the product does, by a pool of one connection. An empty address is the server without a database.
func (e engine) connect(address string) (*sql.DB, error) {
	if e.server == nil {
		db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(address, "sqlite:")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-16000)")
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1)
		return db, nil
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", e.server.Host, e.server.User.Username()
	cfg.Passwd, _ = e.server.User.Password()
	cfg.ParseTime, cfg.InterpolateParams, cfg.Collation = true, true, "utf8mb4_bin"
	if u, err := url.Parse(address); err == nil {
		cfg.DBName = strings.TrimPrefix(u.Path, "/")
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return db, nil
}

// drop removes the database.
func (e engine) drop(ctx context.Context, name string) (err error) {
	if e.server == nil {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(name + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		return nil
	}
	db, err := e.connect("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name)
	return err
}

// loadedTable says by its being there that all is loaded.
const loadedTable = "bench_loaded"

// loaded opens the database of a size; the pool is for the statements to be timed. It loads what was not loaded before, and begins anew what was left
// half done.
func (e engine) loaded(ctx context.Context, s size) (_ *store.Store, _ *sql.DB, err error) {
	address, name := e.address(s)
	if db, err := e.connect(address); err == nil {
		_, err = db.ExecContext(ctx, "SELECT 1 FROM "+loadedTable)
		if closeErr := db.Close(); err != nil || closeErr != nil {
			if err := e.load(ctx, address, name, s); err != nil {
				return nil, nil, err
			}
		}
	}
	st, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return nil, nil, err
	}
	db, err := e.connect(address)
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return st, db, nil
}

// load makes the database anew and fills it.
func (e engine) load(ctx context.Context, address, name string, s size) (err error) {
	if err := e.drop(ctx, name); err != nil {
		return err
	}
	if e.server != nil {
		admin, err := e.connect("")
		if err != nil {
			return err
		}
		_, err = admin.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
		if err := errors.Join(err, admin.Close()); err != nil {
			return err
		}
	}
	st, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if _, err := st.Migrate(ctx); err != nil {
		return err
	}
	if err := seed(ctx, st); err != nil {
		return err
	}
	db, err := e.connect(address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	l := loader{db: db, mysql: e.server != nil, size: s}
	return l.all(ctx)
}
