import assert from "node:assert/strict";
import { getIntrospectionQuery } from "graphql";
import {
  DETAILS, end, hold, key, pause, remove, rename as renameElsewhere, sent, somebodyElse, twoCampaigns, until, url,
} from "../check/harness.mjs";
import { allBackwards, allForwards, CAMPAIGNS, connect, follow, rename } from "./campaigns.mjs";

const schema = await somebodyElse(getIntrospectionQuery());
const client = connect(url, key, schema);

const forwards = await allForwards(client, 50);
assert.equal(new Set(forwards.map(({ id }) => id)).size, 200);
assert.deepEqual(sent, Array(4).fill("Campaigns"));

const backwards = await allBackwards(connect(url, key, schema), 50);
assert.deepEqual(backwards, forwards);
assert.equal(sent.length, 8);

const filtered = await allForwards(client, 50, { status: ["SENT"] });
assert.ok(filtered.length > 0 && filtered.length < 200);
assert.ok(filtered.every(({ status }) => status === "SENT"));

sent.length = 0;
let shown = [];
client.query(CAMPAIGNS, { first: 50 }).subscribe(({ data, error }) => {
  assert.equal(error, undefined);
  shown = data.campaigns.edges.map(({ node }) => node);
});
assert.equal(shown.length, 200, "the cache answers the list at once");
const find = (id) => shown.find((campaign) => campaign.id === id);

const [sending, draft] = await twoCampaigns();
await client.query(DETAILS, { id: draft.id }).toPromise();
assert.equal(typeof find(draft.id).statistics.opens.total, "number", "parts of a value object are merged");
assert.deepEqual(sent.splice(0), ["Details"], "a part of a value object caused requests");
const release = hold();
const renaming = rename(client, draft.id, "Named at once");
await until(() => find(draft.id).name === "Named at once", "the list shows the name before the answer");
release();
assert.deepEqual(await renaming, []);
assert.equal(find(draft.id).name, "Named at once");
const [refused] = await rename(client, draft.id, "");
assert.equal(refused.code, "INVALID");
assert.deepEqual(refused.field, ["input", "name"]);
await until(() => find(draft.id).name === "Named at once", "the refused name is taken back");
assert.deepEqual(sent, ["Rename", "Rename"]);

const subscription = follow(client, [sending.id, draft.id]);
await renameElsewhere(draft.id, "Named elsewhere");
await until(() => find(draft.id).name === "Named elsewhere", "the list shows the name that somebody else gave");
await pause(sending.id);
await until(() => find(sending.id).status === "PAUSED", "the list shows that somebody else paused the campaign");
await remove(draft.id);
await until(() => !find(draft.id), "the list no longer shows what somebody else deleted");
assert.equal(shown.length, 199);
subscription.unsubscribe();
assert.deepEqual(sent, ["Rename", "Rename"], "live updates caused requests");
end();
