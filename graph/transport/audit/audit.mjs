// Audits a GraphQL endpoint against the GraphQL-over-HTTP specification:
//
//   npm ci
//   node audit.mjs http://localhost:8080/graphql
//
// The last line is "61 of 61" where everything is as the specification wants it, recommendations included; otherwise the
// lines before it name what is not, and the exit status is 1. A second argument is sent as the Authorization header.
import { serverAudits } from "graphql-http";

const [url, authorization] = process.argv.slice(2);
if (!url) {
  console.error("usage: node audit.mjs URL [AUTHORIZATION]");
  process.exit(2);
}

const fetchFn = (input, init = {}) => {
  const headers = new Headers(init.headers);
  if (authorization) {
    headers.set("authorization", authorization);
  }
  return fetch(input, { ...init, headers });
};

const audits = serverAudits({ url, fetchFn });
let passed = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === "ok") {
    passed++;
  } else {
    console.log(`${result.status} ${result.id} ${result.name}: ${result.reason}`);
  }
}
console.log(`${passed} of ${audits.length}`);
process.exitCode = passed === audits.length ? 0 : 1;
