// GraphiQL's own fetcher knows subscriptions over a WebSocket alone, whose
// handshake carries no header. Over server-sent events a subscription is a POST
// like any other operation: the key of the headers editor goes with it.

// isSubscription tells whether the operation that is to run is one.
export function isSubscription(document, operationName) {
  const operations = document?.definitions.filter(({ kind }) => kind === "OperationDefinition") ?? [];
  const chosen = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  return chosen?.operation === "subscription";
}

// subscribe returns the responses as they come. Leaving the iteration, which is
// what the stop button does, ends the request at once, also while it waits.
export function subscribe(url, params, headers) {
  const abort = new AbortController();
  const responses = read(url, params, headers, abort.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => responses.next(),
    async return() {
      abort.abort();
      return { done: true, value: undefined };
    },
  };
}

async function* read(url, params, headers, signal) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(params),
      signal,
    });
    if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      yield await response.json(); // refused before anything began
      return;
    }
    for await (const { name, data } of events(response.body)) {
      if (name === "complete") {
        return;
      }
      yield JSON.parse(data);
    }
  } catch (error) {
    if (signal.aborted) {
      return;
    }
    throw error;
  }
  throw new Error("The connection ended before the subscription did. Run it again to go on.");
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    text += value;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = Object.fromEntries(
        text.slice(0, end).split("\n").map((line) => line.match(/^(\w*):? ?(.*)$/).slice(1)),
      );
      text = text.slice(end + 2);
      if (fields.event) {
        yield { name: fields.event, data: fields.data };
      }
    }
  }
}
