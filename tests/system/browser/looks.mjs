// Takes pictures of the page at phone and desktop width, in light and dark, and has axe-core judge each.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { AXE, DESKTOP, PHONE, opened, said } from "./page.mjs";

const [url, folder] = process.argv.slice(2);
const SERIOUS = new Set(["serious", "critical"]);

async function judged(page, name) {
  await page.evaluate(readFileSync(AXE, "utf8"));
  const { violations } = await page.evaluate(() => axe.run());
  const found = violations.filter(({ impact }) => SERIOUS.has(impact));
  assert.deepEqual(found.map(({ id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`), [], name);
}

for (const [width, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
  for (const colorScheme of ["light", "dark"]) {
    await opened(url, { viewport, colorScheme }, async (page) => {
      const name = `${width}-${colorScheme}`;
      await said(page, "whatif", /[1-9]\d* in|[1-9]\d* out/);
      await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
      await judged(page, name);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${name}: ${wider} pixels wider than the window`);
      await page.getByTestId("add").click();
      await page.getByTestId("save").click();
      await judged(page, `${name}, asking`);
      await page.screenshot({ path: `${folder}/${name}-asking.png` });
    });
  }
}
