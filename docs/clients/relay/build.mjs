// Compiles the components as a bundler would, with babel-plugin-relay: graphql`…` becomes what relay-compiler has made.
// Node wants the ends of the names of modules, which bundlers do without.
import { transformFileSync } from "@babel/core";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const withEnds = (code) => code.replace(/(["'])(\.\/[\w/]+\.graphql)\1/g, '"$2.js"');
for (const file of readdirSync(".").filter((name) => name.endsWith(".jsx"))) {
  const { code } = transformFileSync(file, {
    plugins: [
      ["relay", { eagerEsModules: true }],
      ["@babel/plugin-transform-react-jsx", { runtime: "automatic" }],
    ],
  });
  writeFileSync(file.replace(".jsx", ".mjs"), withEnds(code));
}
for (const file of readdirSync("__generated__")) {
  const path = `__generated__/${file}`;
  writeFileSync(path, withEnds(readFileSync(path, "utf8")));
}
