package store

import (
	"context"
	"database/sql"
	"time"
)

// amountsVersion is the migration that makes a sum of conversions for each currency.
const amountsVersion = 20261130192304

// amountsQuery reads the sums of a batch. They are ordered so that they get the same ids wherever
// the migration was interrupted. An amount of zero makes no row, as when an event is recorded.
type amountsQuery struct {
	// index is the hint that makes the engine read the conversions only.
	index string
	// hour is the expression for the hour of an event, as text such as "2026-11-30 17".
	hour string
}

var (
	amountsOnMySQL = amountsQuery{"FORCE INDEX (`event_firsts`)", "DATE_FORMAT(`at`, '%Y-%m-%d %H')"}
	// SQLite keeps times as text in UTC.
	amountsOnSQLite = amountsQuery{"INDEXED BY `event_firsts`", "SUBSTR(`at`, 1, 13)"}
)

func (q amountsQuery) of(campaigns selection) string {
	return "SELECT `campaign_id`, " + q.hour + " AS `begin`, `currency`, SUM(`amount`) FROM `events` " + q.index +
		" WHERE " + campaigns.of("`campaign_id`") + " AND `kind` = 'converted' AND `automated` = 0 AND `amount` <> 0 " +
		"GROUP BY `campaign_id`, `begin`, `currency` ORDER BY `campaign_id`, `begin`, `currency`"
}

// fillAmounts sums the conversions of a batch of campaigns by hour and currency. The statement
// changes nothing. Conversions that an older server records behind the batches are missing until a
// recount.
func fillAmounts(rows int, query amountsQuery) dataStep {
	return portionsByID("campaigns", "id", min(rows, campaignsOfPortion),
		func(ctx context.Context, tx *sql.Tx, _ string, part idRange) error {
			owners := map[int64]int64{}
			var ids []any
			chosen := part.selection()
			err := eachRow(ctx, tx, "SELECT `id`, `user_id` FROM `campaigns` WHERE "+chosen.of("`id`"), chosen.args,
				func(rows *sql.Rows) error {
					var id, owner int64
					err := rows.Scan(&id, &owner)
					owners[id], ids = owner, append(ids, id)
					return err
				})
			if err != nil {
				return err
			}
			return addAmounts(ctx, tx, query, listed(ids), owners)
		})
}

func addAmounts(
	ctx context.Context, tx *sql.Tx, query amountsQuery, campaigns selection, owners map[int64]int64,
) error {
	next, err := nextID(ctx, tx, "conversion_amounts")
	if err != nil {
		return err
	}
	sums := newInsert("conversion_amounts", "id", "user_id", "campaign_id", "hour", "currency", "amount")
	err = eachRow(ctx, tx, query.of(campaigns), campaigns.args, func(rows *sql.Rows) error {
		var campaign, amount int64
		var begin, currency string
		if err := rows.Scan(&campaign, &begin, &currency, &amount); err != nil {
			return err
		}
		hour, err := time.Parse("2006-01-02 15", begin)
		sums.add(next, owners[campaign], campaign, hour, currency, amount)
		next++
		return err
	})
	if err != nil {
		return err
	}
	return sums.exec(ctx, tx)
}
