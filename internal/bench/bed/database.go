package bed

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql" // creates and drops the databases
)

// Engine is one database engine to measure on.
type Engine struct {
	// Name is "sqlite", or "mysql-" and the port.
	Name string
	// server is the address of the server without a database, empty for SQLite.
	server string
	// dir is the folder of the SQLite file.
	dir string
}

// Engines returns SQLite with its files in dir, and every MySQL-protocol server of
// CAMPAIGNQL_BENCH_MYSQL or, if that is not set, of CAMPAIGNQL_TEST_MYSQL.
func Engines(dir string) []Engine {
	all := []Engine{{Name: "sqlite", dir: dir}}
	addresses := os.Getenv("CAMPAIGNQL_BENCH_MYSQL")
	if addresses == "" {
		addresses = os.Getenv("CAMPAIGNQL_TEST_MYSQL")
	}
	for address := range strings.SplitSeq(addresses, ",") {
		if address = strings.TrimSpace(address); address == "" {
			continue
		}
		name := "mysql"
		if u, err := url.Parse(address); err == nil && u.Port() != "" {
			name += "-" + u.Port()
		}
		all = append(all, Engine{Name: name, server: address})
	}
	return all
}

// MySQL reports whether the engine is a server rather than SQLite.
func (e Engine) MySQL() bool { return e.server != "" }

// Create creates an empty database with a new name and returns its address. drop removes the
// database.
func (e Engine) Create(ctx context.Context) (address string, drop func() error, err error) {
	name := fmt.Sprintf("campaignql_bench_%d_%08x", time.Now().Unix(), rand.Uint32())
	if !e.MySQL() {
		return "sqlite:" + filepath.Join(e.dir, name+".db"), func() error { return nil }, nil // deleted with dir
	}
	address, err = e.ensure(ctx, name)
	return address, func() error { return e.drop(context.WithoutCancel(ctx), name) }, err
}

// Keep creates a database that is not deleted at the end, or finds the existing one, and returns
// its address.
func (e Engine) Keep(ctx context.Context, name string) (address string, err error) {
	if !e.MySQL() {
		return "sqlite:" + kept(name), nil
	}
	return e.ensure(ctx, name)
}

// Drop removes a database that Keep created.
func (e Engine) Drop(ctx context.Context, name string) error {
	if e.MySQL() {
		return e.drop(ctx, name)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(kept(name) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// kept returns the path of the SQLite file of a database that Keep created.
func kept(name string) string { return filepath.Join(os.TempDir(), name+".db") }

func (e Engine) ensure(ctx context.Context, name string) (address string, err error) {
	u, err := e.url()
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), e.administer(func(db *sql.DB) error {
		create := "CREATE DATABASE IF NOT EXISTS " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
		_, err := db.ExecContext(ctx, create)
		return err
	})
}

func (e Engine) drop(ctx context.Context, name string) error {
	return e.administer(func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name)
		return err
	})
}

func (e Engine) url() (*url.URL, error) {
	u, err := url.Parse(e.server)
	if err != nil {
		return nil, errors.New("the address of the server cannot be understood: write mysql://user:password@host:3306/")
	}
	return u, nil
}

// administer calls do with a connection to the server that has no database selected.
func (e Engine) administer(do func(*sql.DB) error) error {
	u, err := e.url()
	if err != nil {
		return err
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", u.Host, u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	return errors.Join(do(db), db.Close())
}

// User is an account that was created with the binary, as an operator would do it.
type User struct {
	ID  int64  `json:"userId"`
	Key string `json:"apiKey"`
}

// CreateUser creates an account. It migrates the database first.
func CreateUser(ctx context.Context, binary, address, name string) (User, error) {
	create := exec.CommandContext(ctx, binary, "user", "create",
		"--username", name, "--email", name+"@example.com", "--password", "bench password")
	create.Env = append(os.Environ(), "CAMPAIGNQL_DATABASE="+address)
	var faults bytes.Buffer
	create.Stderr = &faults
	printed, err := create.Output()
	if err != nil {
		return User{}, fmt.Errorf("campaignql user create: %w: %s", err, faults.Bytes())
	}
	var made User
	if err := json.Unmarshal(printed, &made); err != nil {
		return User{}, fmt.Errorf("campaignql user create: %w", err)
	}
	return made, nil
}
