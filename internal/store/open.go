// Package store owns the database: it opens MySQL or SQLite from one address, runs transactions
// with retries, applies migrations, confines every statement to the account of the caller, and
// translates the errors of Ent and of the drivers. It must not know any rule of a domain.
package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"campaignql/ent"
	"campaignql/internal/gate"
)

// Options are the settings of the store. The zero value selects the defaults.
type Options struct {
	// MaxConnections bounds the connections to MySQL, or the read connections to a SQLite file.
	// Default 32 for MySQL, twice the number of CPU cores for SQLite.
	MaxConnections int
	// ConnectTimeout bounds dialing MySQL and the wait for its first answer. Default 5 s.
	ConnectTimeout time.Duration
	// StatementTimeout bounds one network read from or write to MySQL, and the time of a statement
	// on the server. Default 60 s.
	StatementTimeout time.Duration
	// MigrationGrace is how long a statement of a migration may continue after its context has
	// ended. Default 15 s.
	MigrationGrace time.Duration
	// SlowStatement is the duration from which a statement is logged, with its shape but without
	// its values. 0 logs none.
	SlowStatement time.Duration
	// Log receives slow statements; nil logs none.
	Log *slog.Logger
	// MaxHeavy bounds the heavy statements that run concurrently, MaxAccountHeavy those of one
	// account; see Heavy. Defaults: a third of the connections, and 2.
	MaxHeavy, MaxAccountHeavy int
}

// Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	client *ent.Client
	driver *driver
	// dbs are the pools. The first one writes, the last one reads; they may be the same.
	dbs []*sql.DB
	// health is a pool of one connection for Ready, which must not wait for the other pools. The
	// connection is opened on first use.
	health *sql.DB
	// migrationDB opens a separate pool for migrations of MySQL, without statement timeouts.
	migrationDB func() (*sql.DB, error)
	migrator    migrator
	dialect     string
	// heavy bounds the concurrent heavy statements, texts the concurrent reads of long texts.
	heavy, texts *gate.Gate
}

// Open opens the database of an address: "sqlite:PATH", "sqlite::memory:" or
// "mysql://user:password@host:3306/name?socket=…". A MySQL address may have parameters of the
// driver. Open does not migrate. The error says what is wrong with the address, or why the database
// cannot be reached; it never contains the password.
func Open(ctx context.Context, address string, opts Options) (*Store, error) {
	return open(ctx, address, opts, false)
}

// open is Open. If readOnly is true, it opens only an existing SQLite file, and does not write to
// it; see openSQLiteReadOnly.
func open(ctx context.Context, address string, opts Options, readOnly bool) (*Store, error) {
	var s *Store
	var err error
	switch {
	case strings.HasPrefix(address, "sqlite:") && readOnly && address != "sqlite::memory:":
		s, err = openSQLiteReadOnly(strings.TrimPrefix(address, "sqlite:"))
	case strings.HasPrefix(address, "sqlite:"):
		s, err = openSQLite(strings.TrimPrefix(address, "sqlite:"), opts)
	case strings.HasPrefix(address, "mysql://"):
		s, err = openMySQL(address, opts)
	default:
		return nil, fmt.Errorf("database address %q: must begin with sqlite: or mysql://", Redact(address))
	}
	if err != nil {
		return nil, err
	}
	s.heavy = newHeavy(s.dbs[len(s.dbs)-1].Stats().MaxOpenConnections, opts)
	s.texts = gate.New("reads of long texts", textReads, accountTextReads)
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s cannot be reached: %w", Redact(address), err), s.Close())
	}
	s.driver.watch.slow = slow{log: opts.Log, limit: opts.SlowStatement}
	s.migrator = newMigrator(s.dialect, cmp.Or(opts.MigrationGrace, 15*time.Second))
	s.client = ent.NewClient(ent.Driver(s.driver))
	confine(s.client)
	hide(s.client)
	return s, nil
}

func openSQLite(path string, opts Options) (*Store, error) {
	if path == "" {
		return nil, errors.New("database address sqlite: needs a path, such as sqlite:campaignql.db")
	}
	if path == ":memory:" {
		db, err := sql.Open("sqlite", sqliteDSN(path, "immediate", sqliteBusy))
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1)
		db.SetConnMaxLifetime(0)
		return newStore(dialect.SQLite, db, db), nil // a second connection would open a different database
	}
	// Only the owner may read the file, because it contains hashes of keys and passwords. SQLite
	// creates its other files (-wal, -shm) with the same mode.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, pathProblem(path, errors.Unwrap(err)))
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", sqliteDSN(path, "immediate", sqliteBusy))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	// The file must exist before the readers open it, because they may only read.
	if err := write.Ping(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, pathProblem(path, err)), write.Close())
	}
	read, err := sql.Open("sqlite", sqliteDSN(path, "deferred", sqliteBusy)+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	limit := opts.MaxConnections
	if limit == 0 {
		limit = 2 * runtime.NumCPU()
	}
	read.SetMaxOpenConns(limit)
	read.SetMaxIdleConns(limit)
	// Ready does not wait for the transaction of another connection: that transaction shows that
	// the database accepts writes.
	health, err := sql.Open("sqlite", sqliteDSN(path, "deferred", 0))
	if err != nil {
		return nil, errors.Join(err, write.Close(), read.Close())
	}
	return newStore(dialect.SQLite, health, write, read), nil
}

// openSQLiteReadOnly opens a file without writing to it. If a write-ahead log exists, SQLite
// creates an index file in the folder in order to read it. If there is none, no process has the
// file open, and the file is opened as immutable.
func openSQLiteReadOnly(path string) (*Store, error) {
	if path == "" {
		return nil, errors.New("database address sqlite: needs a path, such as sqlite:campaignql.db")
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)"
	if _, err := os.Stat(path + "-wal"); errors.Is(err, os.ErrNotExist) {
		dsn += "&immutable=1"
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return newStore(dialect.SQLite, db, db), nil
}

// pathProblem returns a clearer error than the driver's "unable to open database file" if the
// folder of path is the cause. Otherwise it returns err.
func pathProblem(path string, err error) error {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		if _, statErr := os.Stat(path[:i]); statErr != nil {
			return statErr
		}
	}
	return err
}

// sqliteBusy is how long a statement waits for the transaction of another connection.
const sqliteBusy = 10 * time.Second

func sqliteDSN(path, txlock string, busy time.Duration) string {
	name := (&url.URL{Path: path}).EscapedPath()
	if path == ":memory:" {
		name = path
	}
	return "file:" + name + "?_txlock=" + txlock + "&_time_format=sqlite&_timezone=UTC" +
		fmt.Sprintf("&_pragma=busy_timeout(%d)", busy.Milliseconds()) +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)&_pragma=cache_size(-16000)"
}

func openMySQL(address string, opts Options) (*Store, error) {
	cfg, err := mysqlConfig(address)
	if err != nil {
		return nil, err
	}
	cfg.Timeout = cmp.Or(opts.ConnectTimeout, 5*time.Second)
	migration := cfg.Clone()
	cfg.ReadTimeout = cmp.Or(opts.StatementTimeout, time.Minute)
	cfg.WriteTimeout = cfg.ReadTimeout
	plain := cfg.Clone()
	plain.ReadTimeout, plain.WriteTimeout = killTimeout, killTimeout
	cfg.Params["innodb_lock_wait_timeout"] = strconv.Itoa(lockWait)
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	killer, err := mysql.NewConnector(plain)
	if err != nil {
		return nil, err
	}
	limit := opts.MaxConnections
	if limit == 0 {
		limit = 32
	}
	db := sql.OpenDB(cancelOnServer(connector, killer, cfg.ReadTimeout))
	db.SetMaxOpenConns(limit)
	db.SetMaxIdleConns(limit)
	db.SetConnMaxLifetime(5 * time.Minute)
	s := newStore(dialect.MySQL, sql.OpenDB(connector), db)
	s.migrationDB = func() (*sql.DB, error) {
		connector, err := mysql.NewConnector(migration)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	}
	s.driver.writers = newWriters(limit)
	return s, nil
}

// mysqlConfig parses an address. It keeps parameters of the driver, except those that the product
// depends on, which it sets to fixed values.
func mysqlConfig(address string) (*mysql.Config, error) {
	u, err := url.Parse(address)
	if err != nil {
		// url.Error contains the whole address, including the password.
		return nil, errors.New("database address mysql://… cannot be understood: write " +
			"mysql://user:password@host:3306/name, with special characters percent-encoded")
	}
	name := strings.TrimPrefix(u.Path, "/")
	if name == "" {
		return nil, fmt.Errorf("database address %s: the name of the database is missing after the host",
			Redact(address))
	}
	cfg := mysql.NewConfig()
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.DBName = name
	cfg.Net, cfg.Addr = "tcp", u.Host
	if u.Port() == "" {
		cfg.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	params := u.Query()
	if socket := params.Get("socket"); socket != "" {
		cfg.Net, cfg.Addr = "unix", socket
		params.Del("socket")
	}
	dsn := cfg.FormatDSN()
	if len(params) > 0 {
		separator := "?"
		if strings.Contains(dsn, "?") {
			separator = "&"
		}
		dsn += separator + params.Encode()
	}
	if cfg, err = mysql.ParseDSN(dsn); err != nil {
		return nil, fmt.Errorf("database address %s: %w", Redact(address), err)
	}
	cfg.ParseTime, cfg.Loc, cfg.ClientFoundRows, cfg.InterpolateParams = true, time.UTC, true, true
	// After a failover, connections to the demoted server are closed and replaced by new ones.
	cfg.RejectReadOnly = true
	cfg.Collation = "utf8mb4_bin"
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["sql_mode"] = "'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE," +
		"ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
	cfg.Params["time_zone"] = "'+00:00'"
	cfg.Logger = &mysql.NopLogger{}
	return cfg, nil
}

func newStore(name string, health *sql.DB, dbs ...*sql.DB) *Store {
	if health != dbs[0] {
		health.SetMaxOpenConns(1)
		health.SetConnMaxLifetime(5 * time.Minute)
	}
	read := dbs[len(dbs)-1]
	d := &driver{
		write: entsql.OpenDB(name, dbs[0]), read: entsql.Conn{ExecQuerier: prepare(read)},
		readers: entsql.OpenDB(name, read), watch: new(watch),
	}
	return &Store{driver: d, dbs: dbs, health: health, dialect: name}
}

// Redact returns an address without its password, for messages.
func Redact(address string) string {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		return u.Redacted()
	}
	if strings.HasPrefix(address, "sqlite:") || !strings.Contains(address, "@") {
		return address
	}
	return "mysql://…"
}

// Dialect returns "mysql" or "sqlite3".
func (s *Store) Dialect() string { return s.dialect }

// Pools returns the connection pools, the write pool first, for metrics.
func (s *Store) Pools() []*sql.DB { return s.dbs }

// Close closes every pool.
func (s *Store) Close() error {
	errs := []error{s.health.Close()}
	for i := len(s.dbs) - 1; i >= 0; i-- {
		errs = append(errs, s.dbs[i].Close())
	}
	return errors.Join(errs...)
}

// Now returns the current time as the database stores it: UTC, truncated to microseconds.
func Now() time.Time { return Truncate(time.Now()) }

// Truncate truncates a time to the precision that both databases store.
func Truncate(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
