// What normalizing caches have to know of the schema: read it at build time, `node facts.mjs > facts.json`.
// #region facts
import { readFileSync } from "node:fs";
import { buildSchema, isAbstractType, isObjectType } from "graphql";

const schema = buildSchema(readFileSync(process.env.SCHEMA ?? "schema.graphql", "utf8"));
const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith("__"));

// Which types an interface or union can be: a fragment on `Node` matches nothing without it.
export const possibleTypes = Object.fromEntries(
  types.filter(isAbstractType).map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
);

// Types without an id, such as UniqueStatistic: they belong to the object around them.
const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
export const valueTypes = types
  .filter((type) => isObjectType(type) && !roots.includes(type) && !type.getFields().id)
  .map(({ name }) => name);
// #endregion

if (process.argv[1] === import.meta.filename) {
  console.log(JSON.stringify({ possibleTypes, valueTypes }));
}
