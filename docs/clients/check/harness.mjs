// What the checks of all clients have in common: the server they talk to, counted requests, caught warnings, and
// "somebody else" who changes campaigns while a client follows them. It is no part of the examples.
import assert from "node:assert/strict";

export const { URL: url, KEY: key } = process.env;

/** The names of the operations that were sent over HTTP since the start, subscriptions excepted. */
export const sent = [];
/** What was printed as a warning or an error. */
const warnings = [];

let held = Promise.resolve();
/** Keeps requests from the server until the function that it answers is called. */
export function hold() {
  let release;
  held = new Promise((go) => (release = go));
  return release;
}

const realFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const { query = "", operationName } = JSON.parse(init?.body ?? "{}");
  if (!/^\s*subscription\b/m.test(query)) {
    sent.push(operationName ?? query.match(/(?:query|mutation) (\w+)/)?.[1] ?? "anonymous");
  }
  await held;
  return realFetch(input, init);
};
export { warnings };
for (const level of ["warn", "error"]) {
  console[level] = (...words) => warnings.push(words.map(String).join(" "));
}

/** Another part of what the lists show, as a second place on a page asks for it. */
export const DETAILS = "query Details($id: ID!) { campaign(id: $id) { id statistics { id opens { unique } } } }";

/** Sends what the client under test does not know of, and answers its data. */
export async function somebodyElse(query, variables) {
  const response = await realFetch(`${url}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  for (const payload of Object.values(data)) {
    assert.deepEqual(payload?.userErrors ?? [], []);
  }
  return data;
}

/** Waits until a condition holds; the message says for what. */
export async function until(condition, message) {
  for (const end = Date.now() + 20_000; !condition(); await new Promise((go) => setTimeout(go, 20))) {
    assert.ok(Date.now() < end, `waited in vain until ${message}; warnings: ${warnings}`);
  }
}

/** Two campaigns, the first of them being sent, to be changed by the test. */
export async function twoCampaigns() {
  const { sending, drafts } = await somebodyElse(`{
    sending: campaigns(filter: { status: [SENDING] }, first: 1) { nodes { id name } }
    drafts: campaigns(filter: { status: [DRAFT] }, first: 1) { nodes { id name } }
  }`);
  return [sending.nodes[0], drafts.nodes[0]];
}

export const rename = (id, name) =>
  somebodyElse(
    `mutation ($id: ID!, $name: String!) {
      updateCampaign(input: { id: $id, name: $name }) { userErrors { message } }
    }`,
    { id, name },
  );

export const pause = (id) =>
  somebodyElse(`mutation ($id: ID!) { pauseCampaign(input: { id: $id }) { userErrors { message } } }`, { id });

export const remove = (id) =>
  somebodyElse(`mutation ($ids: [ID!]!) { deleteCampaigns(input: { ids: $ids }) { userErrors { message } } }`, {
    ids: [id],
  });

/** Ends the process: with 0, unless something was printed that a developer would have to look into. */
export function end() {
  assert.deepEqual(warnings, [], "warnings were printed");
  console.log("passed");
  process.exit(0);
}
