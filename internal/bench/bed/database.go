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
	// dir is where SQLite keeps its file.
	dir string
}

// Engines returns SQLite, whose files will be in dir, and every MySQL-protocol server that
// CAMPAIGNQL_BENCH_MYSQL names, or else CAMPAIGNQL_TEST_MYSQL.
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

// MySQL reports whether it is a server, and no SQLite.
func (e Engine) MySQL() bool { return e.server != "" }

// Create makes an empty database, each time another one, and returns its address; drop removes it.
func (e Engine) Create(ctx context.Context) (address string, drop func() error, err error) {
	name := fmt.Sprintf("campaignql_bench_%d_%08x", time.Now().Unix(), rand.Uint32())
	if !e.MySQL() {
		return "sqlite:" + filepath.Join(e.dir, name+".db"), func() error { return nil }, nil // it goes with dir
	}
	address, err = e.ensure(ctx, name)
	return address, func() error { return e.drop(context.WithoutCancel(ctx), name) }, err
}

// Keep makes a database that stays, or finds it as it was left, and returns its address.
func (e Engine) Keep(ctx context.Context, name string) (address string, err error) {
	if !e.MySQL() {
		return "sqlite:" + kept(name), nil
	}
	return e.ensure(ctx, name)
}

// Drop removes a database that Keep made.
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

// kept is the file of a database that stays.
func kept(name string) string { return filepath.Join(os.TempDir(), name+".db") }

func (e Engine) ensure(ctx context.Context, name string) (address string, err error) {
	u, err := e.url()
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), e.administer(func(db *sql.DB) error {
		_, err := db.ExecContext(
			ctx, "CREATE DATABASE IF NOT EXISTS "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
		)
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

// administer connects to the server without a database.
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

// User is an account that the binary has made, as its operator would.
type User struct {
	ID  int64  `json:"userId"`
	Key string `json:"apiKey"`
}

// CreateUser makes an account, and migrates the database first.
func CreateUser(ctx context.Context, binary, address, name string) (User, error) {
	create := exec.CommandContext(
		ctx, binary, "user", "create", "--username", name, "--email", name+"@example.com", "--password",
		"bench password",
	)
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
