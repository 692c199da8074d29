// Draws a line over the trails with the mouse, saves it, and waits for the next crossing.
import assert from "node:assert/strict";
import { corner, drag, newLine, opened, said, savedAndCounted } from "./page.mjs";

await opened(process.argv[2], {}, async (page) => {
  const line = await newLine(page);
  await drag(page, 0, [0.4, 0.95]);
  await drag(page, 1, [0.4, 0.05]);
  assert.match(await corner(page, 0), /40 % from the left, 95 % from the top/);
  await said(page, "whatif", /[1-9]\d* in|[1-9]\d* out/); // it lies on trails
  await savedAndCounted(page, line);
});
