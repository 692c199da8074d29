// Holds a schema against good and bad configurations, as editors do: `node editors.mjs SCHEMA VALUES <EXAMPLE`,
// all JSON, from a folder that has ajv. Some editors read patterns with the flag u, some without.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const Ajv = createRequire(`${process.cwd()}/`)("ajv");
const [schema, { base, rules, values }, example] = [...process.argv.slice(2), 0].map((file) =>
  JSON.parse(readFileSync(file, "utf8")),
);

function withValue({ table, rule, key }, value) {
  if (table) return { ...base, [table]: { ...base[table], [key]: value } };
  return { ...base, rules: [{ ...rules[rule], [key]: value }] };
}

let wrong = 0;
for (const unicodeRegExp of [true, false]) {
  const judge = new Ajv({ unicodeRegExp }).compile(schema);
  const expect = (configuration, good, what) => {
    if (judge(configuration) === good) return;
    console.error(`${good ? "refused" : "taken"} with unicodeRegExp ${unicodeRegExp}: ${what}`);
    wrong += 1;
  };
  expect(example, true, "the example");
  for (const one of values) {
    const what = (value) => `${one.table ?? one.rule}.${one.key} = ${JSON.stringify(value)}`;
    one.good.forEach((value) => expect(withValue(one, value), true, what(value)));
    one.bad.forEach((value) => expect(withValue(one, value), false, what(value)));
  }
}
if (wrong) process.exit(1);
console.log(`${values.length} keys, with the flag u and without`);
