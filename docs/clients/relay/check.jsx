import { Window } from "happy-dom";
import assert from "node:assert/strict";
import { Suspense } from "react";
import { RelayEnvironmentProvider } from "react-relay";
import {
  end, hold, key, pause, remove, rename as renameElsewhere, sent, twoCampaigns, until, url,
} from "../check/harness.mjs";
import { Campaigns, useFollow, useRename } from "./Campaigns.mjs";
import { connect } from "./environment.mjs";

globalThis.window = new Window();
globalThis.document = window.document;
globalThis.navigator ??= window.navigator;
const { createRoot } = await import("react-dom/client");

/** Shows a component on a page of its own, and answers the page and its list as it is then. */
async function show(Component, props) {
  const page = document.createElement("div");
  const view = { rows: () => [...page.querySelectorAll("li")].map((row) => `${row.title} ${row.textContent}`) };
  createRoot(page).render(
    <RelayEnvironmentProvider environment={connect(url, key)}>
      <Suspense>
        <Component {...props} onList={(list) => (view.list = list)} view={view} />
      </Suspense>
    </RelayEnvironmentProvider>,
  );
  await until(() => view.list, "the list is shown");
  return view;
}

const idsOf = ({ list }) => list.data.campaigns.edges.flatMap(({ node }) => node?.id ?? []);

/** Loads pages by `loadNext` or `loadPrevious` until there is none. */
async function loadAll(view, load, has) {
  while (view.list[has]) {
    const before = idsOf(view).length;
    view.list[load](50);
    await until(() => idsOf(view).length > before, "the next page is shown");
  }
}

const forwards = await show(Campaigns, { variables: { first: 50 } });
await loadAll(forwards, "loadNext", "hasNext");
assert.equal(new Set(idsOf(forwards)).size, 200);
assert.equal(forwards.rows().length, 200);
assert.deepEqual(sent, ["CampaignsQuery", ...Array(3).fill("CampaignsPageQuery")]);

const backwards = await show(Campaigns, { variables: { last: 50 } });
await loadAll(backwards, "loadPrevious", "hasPrevious");
assert.deepEqual(idsOf(backwards), idsOf(forwards));
assert.equal(sent.length, 8);

backwards.list.refetch({ first: 250, last: null, filter: { status: ["SENT"] } });
await until(() => backwards.rows().length < 200, "the filtered list is shown");
assert.ok(backwards.rows().length > 0 && backwards.rows().every((row) => row.startsWith("SENT ")));

const [sending, draft] = await twoCampaigns();
const followed = [sending.id, draft.id];
function Page({ view, onList }) {
  view.rename = useRename();
  useFollow(followed);
  return <Campaigns variables={{ first: 250 }} onList={onList} />;
}
const page = await show(Page, {});
const row = (id) => page.rows()[idsOf(page).indexOf(id)] ?? "";
assert.equal(page.rows().length, 200);
sent.length = 0;

const release = hold();
let errors;
page.rename(draft.id, "Named at once", (answered) => (errors = answered));
await until(() => row(draft.id).includes("Named at once"), "the list shows the name before the answer");
assert.equal(errors, undefined);
release();
await until(() => errors, "the answer is here");
assert.deepEqual(errors, []);
page.rename(draft.id, "", (answered) => (errors = answered));
await until(() => errors.length > 0, "the name is refused");
assert.equal(errors[0].code, "INVALID");
assert.deepEqual(errors[0].field, ["input", "name"]);
await until(() => row(draft.id).includes("Named at once"), "the refused name is taken back");

await renameElsewhere(draft.id, "Named elsewhere");
await until(() => row(draft.id).includes("Named elsewhere"), "the list shows the name that somebody else gave");
await pause(sending.id);
await until(() => row(sending.id).startsWith("PAUSED"), "the list shows that somebody else paused the campaign");
await remove(draft.id);
await until(() => page.rows().length === 199, "the list no longer shows what somebody else deleted");
assert.deepEqual(sent, ["CampaignsRenameMutation", "CampaignsRenameMutation"], "live updates caused requests");
end();
