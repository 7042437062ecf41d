package sending

import (
	"context"
	"slices"

	"campaignql/ent/campaignrun"
	"campaignql/ent/runrecipient"
	"campaignql/internal/store"
)

// runsAtOnce is the number of runs per statement.
const runsAtOnce = 200

// Forget removes from the runs of accounts what mail servers said of contacts who are forgotten, in the
// running transaction. The rows stay: a contact without an address is not written to any more.
func (r Runs) Forget(ctx context.Context, owners, contactIDs []int64) error {
	client := r.db.Client(ctx)
	runs, err := client.CampaignRun.Query().Where(campaignrun.UserIDIn(owners...)).IDs(ctx)
	if err != nil {
		return store.Translate(err)
	}
	for some := range slices.Chunk(runs, runsAtOnce) {
		err := client.RunRecipient.Update().
			Where(runrecipient.RunIDIn(some...), runrecipient.ContactIDIn(contactIDs...), runrecipient.ReplyNEQ("")).
			SetReply("").Exec(ctx)
		if err != nil {
			return store.Translate(err)
		}
	}
	return nil
}
