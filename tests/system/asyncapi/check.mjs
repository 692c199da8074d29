// Says what the reference parser finds wrong with a document: `node check.mjs FILE`, from a folder that has it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Parser } = createRequire(`${process.cwd()}/`)("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));

for (const { severity, path, message } of diagnostics) {
  if (severity <= 1) console.error(`${severity === 0 ? "error" : "warning"}: ${path.join(".")}: ${message}`);
}
if (!document || diagnostics.some(({ severity }) => severity === 0)) process.exit(1);
console.log(`${document.channels().length} channels, ${document.messages().length} messages`);
