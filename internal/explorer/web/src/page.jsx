import "./workers.js";
import "./page.css";

import { useGraphiQL } from "@graphiql/react";
import { createGraphiQLFetcher, createLocalStorage } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { buildSchema, introspectionFromSchema } from "graphql";
import { useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";

import { isSubscription, subscribe } from "./events.js";
import { adoptDemoKey, storedHeaders, templateHeaders, withoutPlaceholder } from "./headers.js";

const config = JSON.parse(document.getElementById("config").textContent);
const template = templateHeaders(config.demoKey);

// A namespace of its own: other GraphiQL pages served from the same origin
// (localhost, another day) must not lend this one their tabs, nor the reverse.
const storage = createLocalStorage({ namespace: "campaignql" });

const FIRST_STEPS_WITHOUT_KEY = `# Requests need an API key. To create an account
# and print its key:
#
#   campaignql user create \\
#     --username me --email me@example.com
#
# Put the key into "Headers" below, in place of
# YOUR_API_KEY.
#
`;

const REGISTERED_ONLY = `# This server serves registered operations only
# and refuses all others. A registered one runs
# in a new tab with exactly its text.
#
# To explore the API, start a server without
# --operations.
`;

function sampleTabs() {
  if (config.registeredOnly) {
    return [{ query: REGISTERED_ONLY, variables: null, headers: template }];
  }
  return config.samples.map(({ query, variables }, i) => ({
    query: i === 0 && !config.demoKey ? FIRST_STEPS_WITHOUT_KEY + query : query,
    variables: variables ? JSON.stringify(variables, null, 2) : null,
    headers: template,
  }));
}

// schemaFromText answers introspection where the API refuses it, as any operation that is not
// registered: the schema is served as text, too.
async function schemaFromText() {
  const response = await fetch(config.schemaURL);
  if (!response.ok) {
    return { errors: [{ message: `The schema is not served: ${config.schemaURL} answers ${response.status}.` }] };
  }
  return { data: introspectionFromSchema(buildSchema(await response.text())) };
}

function createFetcher() {
  // The schema is asked for before the headers editor exists, hence without
  // its headers: give that request those the editor is about to show.
  const schemaFetcher = config.registeredOnly ? schemaFromText : createGraphiQLFetcher({
    url: config.endpoint,
    enableIncrementalDelivery: false,
    headers: withoutPlaceholder(storedHeaders(storage) ?? JSON.parse(template)),
  });
  const fetcher = createGraphiQLFetcher({
    url: config.endpoint,
    enableIncrementalDelivery: false,
    schemaFetcher,
  });
  return (params, options) => {
    const headers = withoutPlaceholder(options?.headers);
    if (isSubscription(options?.documentAST, params.operationName)) {
      return subscribe(config.endpoint, params, headers);
    }
    return fetcher(params, { ...options, headers });
  };
}

// CarryKey saves entering the key once per tab: a tab whose headers are still
// the template takes those last entered in another one. With a demo key the
// template is valid as it stands, and nothing is carried.
function CarryKey() {
  const { headerEditor, activeTabIndex } = useGraphiQL((state) => ({
    headerEditor: state.headerEditor,
    activeTabIndex: state.activeTabIndex,
  }));
  const entered = useRef(null);

  useEffect(() => {
    if (!headerEditor || config.demoKey) {
      return undefined;
    }
    const remember = () => {
      const value = headerEditor.getValue();
      if (value.trim() && value !== template) {
        entered.current = value;
      }
    };
    remember();
    const subscription = headerEditor.onDidChangeModelContent(remember);
    return () => subscription.dispose();
  }, [headerEditor]);

  useEffect(() => {
    if (entered.current && headerEditor?.getValue() === template) {
      headerEditor.setValue(entered.current);
    }
  }, [headerEditor, activeTabIndex]);

  return null;
}

function Explorer() {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      defaultTabs={tabs}
      defaultHeaders={template}
      defaultEditorToolsVisibility="headers"
      shouldPersistHeaders={keepHeaders}
      showPersistHeadersSettings
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <span className="brand">
          {config.title}
          {config.schemaURL && <a href={config.schemaURL}>schema</a>}
          {config.registeredOnly && <span className="notice">This server serves registered operations only.</span>}
        </span>
        <CarryKey />
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

adoptDemoKey(storage, config.demoKey);
// Keys stay out of the browser's storage until the person asks for it in the
// settings dialog.
const keepHeaders = storage.getItem("graphiql:shouldPersistHeaders") === "true";
const tabs = sampleTabs();
const fetcher = createFetcher();

createRoot(document.getElementById("root")).render(<Explorer />);
