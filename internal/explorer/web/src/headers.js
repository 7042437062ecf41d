// What stands in the template of somebody who has not entered a key yet.
const PLACEHOLDER = "YOUR_API_KEY";

export function templateHeaders(demoKey) {
  return JSON.stringify({ Authorization: `Bearer ${demoKey || PLACEHOLDER}` }, null, 2);
}

// withoutPlaceholder leaves the untouched template out of a request: the server
// then answers that a key is missing, not that "YOUR_API_KEY" is a wrong one.
export function withoutPlaceholder(headers = {}) {
  return Object.fromEntries(
    Object.entries(headers).filter(([, value]) => !String(value).includes(PLACEHOLDER)),
  );
}

// A person may have chosen to keep headers in the browser, and the demo database
// may have been made anew since: the first visit with a new demo key puts that
// key into every stored Authorization header. Later edits are left alone.
export function adoptDemoKey(storage, demoKey) {
  if (!demoKey || storage.getItem("demoKey") === demoKey) {
    return;
  }
  storage.setItem("demoKey", demoKey);
  const headers = storage.getItem("graphiql:headers");
  if (headers) {
    storage.setItem("graphiql:headers", withKey(headers, demoKey));
  }
  const state = parse(storage.getItem("graphiql:tabState"));
  if (Array.isArray(state?.tabs)) {
    for (const tab of state.tabs) {
      tab.headers = tab.headers && withKey(tab.headers, demoKey);
    }
    storage.setItem("graphiql:tabState", JSON.stringify(state));
  }
}

export function storedHeaders(storage) {
  return parse(storage.getItem("graphiql:headers"));
}

function withKey(text, key) {
  const headers = parse(text);
  if (!headers) {
    return templateHeaders(key);
  }
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization");
  return JSON.stringify({ Authorization: `Bearer ${key}`, ...Object.fromEntries(others) }, null, 2);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
