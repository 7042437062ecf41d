import assert from "node:assert/strict";
import { end, key, remove, rename as renameElsewhere, twoCampaigns, url } from "../check/harness.mjs";
import { allCampaigns, campaign, connect, follow, rename } from "./campaigns.mjs";

const send = connect(url, key);
const [, draft] = await twoCampaigns();
assert.equal((await campaign(send, draft.id)).name, draft.name);
assert.equal(await campaign(send, "404404"), null);
await assert.rejects(connect(url, "wrong")("{ viewer { __typename } }"), /UNAUTHENTICATED/);

const all = new Set();
for await (const { id } of allCampaigns(send)) {
  all.add(id);
}
assert.equal(all.size, 200);
for await (const { status } of allCampaigns(send, { status: ["SENT"] })) {
  assert.equal(status, "SENT");
}

assert.deepEqual(await rename(send, draft.id, "Named by fetch"), []);
const [refused] = await rename(send, draft.id, "");
assert.deepEqual([refused.code, refused.field], ["INVALID", ["input", "name"]]);

const names = [];
for await (const change of follow(url, key, [draft.id])) {
  names.push(change.campaign?.name ?? change.deletedId);
  if (names.length === 1) {
    await renameElsewhere(draft.id, "Named elsewhere");
  } else if (names.length === 2) {
    await remove(draft.id);
  }
}
assert.deepEqual(names, ["Named by fetch", "Named elsewhere", draft.id]);
end();
