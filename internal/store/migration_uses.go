package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
)

// usesVersion is the migration that makes the tables of the lists and the emails of campaigns.
const usesVersion = 20261130191918

// usesRows is the largest batch of usesOfCampaigns, which holds audiences of up to 64 KiB.
const usesRows = 500

// usesOfCampaigns writes campaign_lists and campaign_emails for a batch of campaigns: the lists of the
// criteria of the stored audience, the own email, and the emails of the stored A/B test. Texts that
// cannot be read, and lists and emails that are gone, are skipped. It does not use the statement.
//
// It reads no more of the stored texts than it needs, so that it does not depend on how the present
// build reads them.
func usesOfCampaigns(rows int) dataStep {
	return portionsByID("campaigns", "id", min(rows, usesRows),
		func(ctx context.Context, tx *sql.Tx, _ string, part idRange) error {
			lists, emails, err := readUses(ctx, tx, part.selection())
			if err != nil {
				return err
			}
			if err := lists.write(ctx, tx, "campaign_lists", "list_id", "subscriber_lists"); err != nil {
				return err
			}
			return emails.write(ctx, tx, "campaign_emails", "email_id", "emails")
		})
}

// use is a campaign and the id of something that it uses.
type use struct{ userID, campaignID, id int64 }

type uses []use

// add adds an id once for each campaign. The ids of a campaign follow one another.
func (u *uses) add(userID, campaignID, id int64) {
	if added := (use{userID, campaignID, id}); !slices.Contains((*u)[u.begin(campaignID):], added) {
		*u = append(*u, added)
	}
}

// begin returns the index of the first row of the last campaign.
func (u *uses) begin(campaignID int64) int {
	i := len(*u)
	for i > 0 && (*u)[i-1].campaignID == campaignID {
		i--
	}
	return i
}

func readUses(ctx context.Context, tx *sql.Tx, chosen selection) (lists, emails uses, err error) {
	query := "SELECT `id`, `user_id`, `email_id`, `audience`, `ab_test` FROM `campaigns` WHERE " +
		chosen.of("`id`") + " ORDER BY `id`"
	err = eachRow(ctx, tx, query, chosen.args, func(rows *sql.Rows) error {
		var id, userID int64
		var email sql.NullInt64
		var audience, test []byte
		if err := rows.Scan(&id, &userID, &email, &audience, &test); err != nil {
			return err
		}
		for _, list := range listsOfAudience(audience) {
			lists.add(userID, id, list)
		}
		if email.Valid {
			emails.add(userID, id, email.Int64)
		}
		for _, variation := range emailsOfTest(test) {
			emails.add(userID, id, variation)
		}
		return nil
	})
	return lists, emails, err
}

// listsOfAudience returns the lists of the criteria of a stored audience.
func listsOfAudience(text []byte) (ids []int64) {
	var audience struct {
		Criteria []struct {
			ListID int64 `json:"list_id"`
		} `json:"criteria"`
	}
	if json.Unmarshal(text, &audience) != nil {
		return nil
	}
	for _, criterion := range audience.Criteria {
		ids = append(ids, criterion.ListID)
	}
	return ids
}

// emailsOfTest returns the emails of the variations of a stored A/B test.
func emailsOfTest(text []byte) (ids []int64) {
	var test struct {
		Variations []struct {
			EmailID int64 `json:"EmailID"`
		} `json:"Variations"`
	}
	if json.Unmarshal(text, &test) != nil {
		return nil
	}
	for _, variation := range test.Variations {
		ids = append(ids, variation.EmailID)
	}
	return ids
}

// write inserts the rows whose object exists and belongs to the same account.
func (u uses) write(ctx context.Context, tx *sql.Tx, table, column, objects string) error {
	owners := map[int64]int64{}
	for some := range slices.Chunk(u.objects(), rowsOfInsert) {
		query := "SELECT `id`, `user_id` FROM `" + objects + "` WHERE `id` IN (" + placeholders(len(some)) + ")"
		err := eachRow(ctx, tx, query, Args(some), func(rows *sql.Rows) error {
			var id, owner int64
			err := rows.Scan(&id, &owner)
			owners[id] = owner
			return err
		})
		if err != nil {
			return err
		}
	}
	rows := newInsert(table, "user_id", "campaign_id", column)
	for _, of := range u {
		if owners[of.id] == of.userID {
			rows.add(of.userID, of.campaignID, of.id)
		}
	}
	return rows.exec(ctx, tx)
}

func (u uses) objects() []int64 {
	ids := make([]int64, len(u))
	for i, of := range u {
		ids[i] = of.id
	}
	return Distinct(ids)
}
