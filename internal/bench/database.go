package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"campaignql/ent"
	"campaignql/internal/bench/bed"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	seededCampaigns = 250
	seededTags      = 20
	nameKeyLength   = 500
)

// seed fills a database with one account, its campaigns and their tags, and returns an API key of
// the account. The account is created with the binary, as an operator would do it.
func seed(ctx context.Context, binary, address string) (key string, err error) {
	user, err := bed.CreateUser(ctx, binary, address, "bench")
	if err != nil {
		return "", err
	}
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	as := caller.With(ctx, caller.Identity{
		UserID:     user.ID,
		Role:       kind.RoleUser,
		Reputation: kind.ReputationTrusted,
		Scopes:     kind.AllScopes(kind.RoleUser),
		Surface:    kind.SurfaceCLI,
		TimeZone:   "UTC",
	})
	return user.Key, db.Tx(as, func(ctx context.Context) error { return fill(ctx, db.Client(ctx)) })
}

// fill writes the campaigns, nine in ten of them sent, with zero to three tags each.
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
			taggings = append(
				taggings, client.CampaignTag.Create().SetCampaignID(c.ID).SetTagID(tagged[(i+j*7)%len(tagged)].ID),
			)
		}
	}
	return client.CampaignTag.CreateBulk(taggings...).Exec(ctx)
}

func seededCampaign(client *ent.Client, i int, now time.Time) *ent.CampaignCreate {
	name := fmt.Sprintf("Newsletter %d: what is new in week %d", i+1, i%52+1)
	created := now.Add(time.Duration(i-seededCampaigns) * 24 * time.Hour)
	row := client.Campaign.Create().
		SetName(name).SetNameKey(kind.Fold(name, nameKeyLength)).SetCreatedAt(created).
		SetLastActivityAt(created)
	if i%10 == 0 {
		return row
	}
	sent := int64(1000 + 37*i)
	return row.SetStatus(kind.StatusSent).SetStatusRank(kind.StatusSent.Rank()).
		SetSendingStartedAt(created).SetSendingFinishedAt(created.Add(time.Hour)).
		SetTotalRecipients(sent).SetTotalSent(sent).SetTotalHardBounces(sent / 100).
		SetTotalOpens(sent / 2).SetUniqueOpens(sent / 3).SetTotalClicks(sent / 10).SetUniqueClicks(sent / 12)
}
