import assert from "node:assert/strict";
import { createClient } from "graphql-sse";
import { end, key, remove, twoCampaigns, url } from "../check/harness.mjs";
import { allCampaigns, campaign, CHANGED, connect, sendOn } from "./out/campaigns.js";

const send = connect(url, key);
const [, draft] = await twoCampaigns();
const found = await campaign(send, draft.id);
assert.equal(found.name, draft.name);
assert.equal(typeof found.legacyId, "string");

let count = 0;
for await (const { status } of allCampaigns(send)) {
  assert.ok(status);
  count++;
}
assert.equal(count, 200);
for await (const { status } of allCampaigns(send, { status: ["SENT"] })) {
  assert.equal(status, "SENT");
}

const soon = new Date(Date.now() + 86_400_000 * 2).toISOString().slice(0, 10);
assert.deepEqual(await sendOn(send, draft.id, soon), []);
assert.ok((await campaign(send, draft.id)).schedule.nextSendAt);
const [refused] = await sendOn(send, draft.id, "2000-01-01");
assert.equal(refused.code, "INVALID");

const client = createClient({ url: `${url}/graphql`, headers: { Authorization: `Bearer ${key}` } });
const causes = [];
for await (const { data } of client.iterate({ query: CHANGED.toString(), variables: { campaignIds: [draft.id] } })) {
  if (causes.push(data.campaignChanged.cause) === 1) {
    await remove(draft.id);
  }
}
assert.equal(causes.at(-1), "DELETED");
end();
