import { gql } from "@apollo/client";
import assert from "node:assert/strict";
import {
  DETAILS, end, hold, key, pause, remove, rename as renameElsewhere, sent, twoCampaigns, until, url,
} from "../check/harness.mjs";
import { allBackwards, allForwards, connect, follow, onlyWithStatus, rename, watchCampaigns } from "./campaigns.mjs";

const client = connect(url, key);
const list = watchCampaigns(client, { first: 50 });
let shown = [];
list.subscribe(({ data, error }) => {
  assert.equal(error, undefined);
  shown = data?.campaigns?.edges?.map(({ node }) => node) ?? shown;
});
const find = (id) => shown.find((campaign) => campaign.id === id);

const forwards = await allForwards(list, 50);
assert.equal(new Set(forwards.map(({ id }) => id)).size, 200);
assert.equal(shown.length, 200);
assert.deepEqual(sent, Array(4).fill("Campaigns"));

const other = connect(url, key);
const backwards = await allBackwards(watchCampaigns(other, { last: 50 }), 50);
assert.deepEqual(backwards, forwards);
assert.equal(sent.length, 8);

const filtered = watchCampaigns(client, { first: 50 });
filtered.subscribe(() => {});
const { data } = await onlyWithStatus(filtered, ["SENT"]);
assert.ok(data.campaigns.edges.length > 0 && data.campaigns.totalCount < 200);
assert.ok(data.campaigns.edges.every(({ node }) => node.status === "SENT"));
assert.equal(shown.length, 200, "the list of all is another one");
assert.equal(sent.length, 9);

const [sending, draft] = await twoCampaigns();
sent.length = 0;
await client.query({ query: gql(DETAILS), variables: { id: draft.id } });
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
