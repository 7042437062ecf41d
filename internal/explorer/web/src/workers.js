// Monaco runs its language services in workers. Their hashed file names are
// known only at build time; build.mjs puts them in place of these constants.
const files = {
  json: JSON_WORKER,
  graphql: GRAPHQL_WORKER,
  editorWorkerService: EDITOR_WORKER,
};

globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = files[label] ?? files.editorWorkerService;
    return new Worker(new URL(file, import.meta.url), { type: "module", name: label });
  },
};
