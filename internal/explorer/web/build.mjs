// Builds the explorer into ../dist: hashed file names, each stored gzipped, with
// a manifest that tells the Go side what the page consists of. The same
// sources and lock file give the same bytes on every machine, which is why
// fflate compresses: zlib's output depends on its build and on the processor.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import esbuild from "esbuild";
import { gzipSync } from "fflate";

const here = import.meta.dirname;
const dist = path.join(here, "..", "dist");

const options = {
  absWorkingDir: here,
  bundle: true,
  entryNames: "[name]-[hash]",
  format: "esm",
  legalComments: "none", // licences.txt has them all
  metafile: true,
  minify: true,
  outdir: dist,
  target: "es2022",
  write: false,
};

const workerSources = {
  JSON_WORKER: ["json", "monaco-editor/esm/vs/language/json/json.worker.js"],
  GRAPHQL_WORKER: ["graphql", "monaco-graphql/esm/graphql.worker.js"],
  EDITOR_WORKER: ["editor", "monaco-editor/esm/vs/editor/editor.worker.js"],
};

// graphiql/style.css contains Monaco's style sheets already.
const withoutMonacoStyles = {
  name: "without-monaco-styles",
  setup(build) {
    build.onLoad({ filter: /[\\/]monaco-editor[\\/].*\.css$/ }, () => ({ contents: "", loader: "css" }));
  },
};

async function buildWorkers() {
  const entryPoints = Object.values(workerSources).map(([name, source]) => ({
    in: source,
    out: `${name}.worker`,
  }));
  return esbuild.build({ ...options, entryPoints });
}

function buildPage(workers) {
  const define = { "process.env.NODE_ENV": '"production"', "process.env.USE_IMPORT": '"true"' };
  for (const [constant, [name]] of Object.entries(workerSources)) {
    define[constant] = JSON.stringify(`./${builtAs(workers, `${name}.worker`, ".js")}`);
  }
  return esbuild.build({
    ...options,
    entryPoints: [
      { in: "src/page.jsx", out: "page" },
      { in: "src/icon.svg", out: "icon" },
    ],
    define,
    external: ["graphql-ws"], // asked for by the toolkit only when it is given a subscription URL
    jsx: "automatic",
    loader: { ".svg": "copy", ".ttf": "dataurl" },
    plugins: [withoutMonacoStyles],
  });
}

function builtAs(result, name, extension) {
  const names = result.outputFiles.map((file) => path.basename(file.path));
  const found = names.filter((file) => file.startsWith(`${name}-`) && file.endsWith(extension));
  if (found.length !== 1) {
    throw new Error(`expected one output for ${name}${extension}, found ${found.length}: ${names}`);
  }
  return found[0];
}

async function licences(results) {
  const packages = new Set();
  for (const result of results) {
    for (const input of Object.keys(result.metafile.inputs)) {
      const match = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
      if (match) {
        packages.add(match[0]);
      }
    }
  }
  const sections = [];
  for (const folder of [...packages].sort()) {
    sections.push(await licenceOf(path.join(here, folder)));
  }
  return sections.join("\n");
}

async function licenceOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  const names = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|thirdparty)/i.test(file)).sort();
  const texts = await Promise.all(names.map((file) => readFile(path.join(folder, file), "utf8")));
  return [`${name} ${version} (${license})`, ...texts.map((text) => text.trim())].join("\n\n") + "\n";
}

async function store(name, contents) {
  await writeFile(path.join(dist, `${name}.gz`), gzipSync(contents, { level: 9, mtime: 0 }));
}

const workers = await buildWorkers();
const page = await buildPage(workers);

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
for (const file of [...workers.outputFiles, ...page.outputFiles]) {
  await store(path.basename(file.path), file.contents);
}

const notices = new TextEncoder().encode(await licences([workers, page]));
const noticesName = `licences-${createHash("sha256").update(notices).digest("hex").slice(0, 8)}.txt`;
await store(noticesName, notices);

const manifest = {
  script: builtAs(page, "page", ".js"),
  style: builtAs(page, "page", ".css"),
  icon: builtAs(page, "icon", ".svg"),
  licences: noticesName,
};
await writeFile(path.join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
