package main

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

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	seededCampaigns = 250
	seededTags      = 20
	nameKeyLength   = 500
)

// engine is one database engine to measure on.
type engine struct {
	// name is "sqlite", or "mysql-" and the port.
	name string
	// server is the address of the server without a database, empty for SQLite.
	server string
	// dir is where SQLite keeps its file.
	dir string
}

// engines returns SQLite and the MySQL-protocol servers of the environment.
func engines(dir string) []engine {
	all := []engine{{name: "sqlite", dir: dir}}
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
		all = append(all, engine{name: name, server: address})
	}
	return all
}

// create makes an empty database and returns its address; drop removes it.
func (e engine) create(ctx context.Context) (address string, drop func() error, err error) {
	if e.server == "" {
		return "sqlite:" + filepath.Join(e.dir, "bench.db"), func() error { return nil }, nil
	}
	u, err := url.Parse(e.server)
	if err != nil {
		return "", nil, errors.New("the address of the server cannot be understood: write mysql://user:password@host:3306/")
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", u.Host, u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return "", nil, err
	}
	admin := sql.OpenDB(connector)
	name := fmt.Sprintf("campaignql_bench_%d_%08x", time.Now().Unix(), rand.Uint32())
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		return "", nil, errors.Join(err, admin.Close())
	}
	u.Path = "/" + name
	return u.String(), func() error {
		_, err := admin.Exec("DROP DATABASE IF EXISTS " + name)
		return errors.Join(err, admin.Close())
	}, nil
}

// seed fills a database with one account, its campaigns and their tags, and returns an API key of the account. The account is made by the binary, as
// its operator would.
func seed(ctx context.Context, binary, address string) (key string, err error) {
	create := exec.CommandContext(ctx, binary, "user", "create", "--username", "bench", "--email", "bench@example.com", "--password", "bench password")
	create.Env = append(os.Environ(), "CAMPAIGNQL_DATABASE="+address)
	var faults bytes.Buffer
	create.Stderr = &faults
	printed, err := create.Output()
	if err != nil {
		return "", fmt.Errorf("campaignql user create: %w: %s", err, faults.Bytes())
	}
	var user struct {
		UserID int64  `json:"userId"`
		APIKey string `json:"apiKey"`
	}
	if err := json.Unmarshal(printed, &user); err != nil {
		return "", fmt.Errorf("campaignql user create: %w", err)
	}
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	as := caller.With(ctx, caller.Identity{
		UserID: user.UserID, Role: kind.RoleUser, Reputation: kind.ReputationTrusted, Scopes: kind.AllScopes(kind.RoleUser), Surface: kind.SurfaceCLI, TimeZone: "UTC",
	})
	return user.APIKey, db.Tx(as, func(ctx context.Context) error { return fill(ctx, db.Client(ctx)) })
}

// fill writes campaigns that were sent for the most part, with one tag to three or none.
func fill(ctx context.Context, client *ent.Client) error {
	now := store.Now()
	tags := make([]*ent.TagCreate, seededTags)
	for i := range tags {
		name := fmt.Sprintf("Segment %02d", i+1)
		tags[i] = client.Tag.Create().SetName(name).SetNameKey(kind.Fold(name, nameKeyLength)).SetCreatedAt(now)
	}
	tagged, err := client.Tag.CreateBulk(tags...).Save(ctx)
	if err != nil {
		return err
	}
	campaigns := make([]*ent.CampaignCreate, seededCampaigns)
	for i := range campaigns {
		campaigns[i] = seededCampaign(client, i, now)
	}
	made, err := client.Campaign.CreateBulk(campaigns...).Save(ctx)
	if err != nil {
		return err
	}
	var taggings []*ent.CampaignTagCreate
	for i, c := range made {
		for j := range i % 4 {
			taggings = append(taggings, client.CampaignTag.Create().SetCampaignID(c.ID).SetTagID(tagged[(i+j*7)%len(tagged)].ID))
		}
	}
	return client.CampaignTag.CreateBulk(taggings...).Exec(ctx)
}

func seededCampaign(client *ent.Client, i int, now time.Time) *ent.CampaignCreate {
	name := fmt.Sprintf("Newsletter %d: what is new in week %d", i+1, i%52+1)
	created := now.Add(time.Duration(i-seededCampaigns) * 24 * time.Hour)
	row := client.Campaign.Create().SetName(name).SetNameKey(kind.Fold(name, nameKeyLength)).SetCreatedAt(created).SetLastActivityAt(created)
	if i%10 == 0 {
		return row
	}
	sent := int64(1000 + 37*i)
	return row.SetStatus(kind.StatusSent).SetStatusRank(kind.StatusSent.Rank()).
		SetSendingStartedAt(created).SetSendingFinishedAt(created.Add(time.Hour)).
		SetTotalRecipients(sent).SetTotalSent(sent).SetTotalHardBounces(sent / 100).
		SetTotalOpens(sent / 2).SetUniqueOpens(sent / 3).SetTotalClicks(sent / 10).SetUniqueClicks(sent / 12)
}
