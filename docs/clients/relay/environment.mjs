// #region client
import { createClient } from "graphql-ws";
import { Environment, Network, Observable, RecordSource, Store } from "relay-runtime";

export function connect(url, key) {
  async function send({ text, name }, variables) {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${key}`,
        "Content-Type": "application/json",
        Accept: "application/graphql-response+json, application/json;q=0.9",
      },
      body: JSON.stringify({ query: text, operationName: name, variables }),
    });
    return response.json();
  }
  const socket = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    // Browsers send no header with a WebSocket: the key goes into connection_init.
    connectionParams: () => ({ Authorization: `Bearer ${key}` }),
    shouldRetry: () => true,
    retryAttempts: Infinity,
  });
  const follow = ({ text, name }, variables) =>
    Observable.create((sink) => socket.subscribe({ query: text, operationName: name, variables }, sink));
  return new Environment({ network: Network.create(send, follow), store: new Store(new RecordSource()) });
}
// #endregion
