// Checks ws/follow.mjs and sse/follow.mjs: `node follow.mjs ../ws/follow.mjs`.
import assert from "node:assert/strict";
import { end, key, remove, rename, twoCampaigns, url } from "./harness.mjs";

const { connect, follow } = await import(process.argv[2]);
const client = connect(url, key);
const [, draft] = await twoCampaigns();
const told = [];
for await (const { cause, deletedId, campaign } of follow(client, [draft.id])) {
  assert.ok(cause);
  told.push(campaign?.name ?? deletedId);
  if (told.length === 1) {
    await rename(draft.id, "Named elsewhere");
  } else if (told.length === 2) {
    await remove(draft.id);
  }
}
assert.deepEqual(told, [draft.name, "Named elsewhere", draft.id]);
await assert.rejects(follow(client, ["404404"]).next(), "a campaign that does not exist is told");
end();
