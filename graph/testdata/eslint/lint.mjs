// Prints what the rules find in a schema, one finding a line, and "none" where they find nothing. It
// uses every rule of graphql-eslint for schemas but those of notTaken, for which docs/architecture.md
// gives the reasons.
import { ESLint } from 'eslint';
import plugin from '@graphql-eslint/eslint-plugin';
import { dirname, resolve } from 'node:path';

const file = resolve(process.argv[2]);
const options = {
  'input-name': { caseSensitiveInputType: true, checkMutations: true },
  'relay-edge-types': { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
  'require-description': {
    types: true, DirectiveDefinition: true, EnumValueDefinition: true, FieldDefinition: true,
    InputValueDefinition: true, rootField: true,
  },
};
const notTaken = [
  'alphabetize', 'description-style', 'naming-convention', 'no-root-type', 'no-scalar-result-type-on-mutation',
  'no-unused-fields', 'require-deprecation-date', 'require-field-of-type-query-in-mutation-result',
  'require-nullable-result-in-root', 'require-type-pattern-with-oneof', 'strict-id-in-types',
];
const excepted = [
  // The mutation of the legacy API has no input object: it takes a name and the parameters of a command.
  /^Input ".*" should be named "input" for "Mutation\.command"$/,
  // The word is username.
  /^Field "username" starts with the name of the parent type "User"$/,
];

const isForSchemas = ({ meta }) => [meta.docs.category].flat().includes('Schema');
const rules = Object.fromEntries(Object.entries(plugin.rules)
  .filter(([name, rule]) => isForSchemas(rule) && !notTaken.includes(name))
  .map(([name]) => [`@graphql-eslint/${name}`, ['error', options[name]].filter(Boolean)]));

const eslint = new ESLint({
  cwd: dirname(file),
  overrideConfigFile: true,
  overrideConfig: [{
    files: ['**/*.graphql'],
    plugins: { '@graphql-eslint': plugin },
    languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: file } } },
    rules,
  }],
});
const found = (await eslint.lintFiles([file])).flatMap((result) => result.messages)
  .filter(({ message }) => !excepted.some((known) => known.test(message)));
for (const { line, ruleId, message } of found) {
  console.log(`${line}: ${ruleId}: ${message}`);
}
if (found.length === 0) {
  console.log('none');
}
process.exitCode = found.length === 0 ? 0 : 1;
