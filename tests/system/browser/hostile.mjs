// Looks at devices whose every word is an attack, chooses all that can be chosen, and sees nothing of it run.
import assert from "node:assert/strict";
import { opened, said } from "./page.mjs";

const OURS = new Set(["BODY", "HEADER", "MAIN", "NAV", "SECTION", "DIALOG", "DIV", "P", "UL", "LI", "H1", "H2", "H3", "BUTTON", "SMALL",
  "LABEL", "SELECT", "OPTION", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "CAPTION", "CANVAS", "FIELDSET", "LEGEND", "INPUT", "SPAN",
  "FIGURE", "DETAILS", "SUMMARY", "DL", "DT", "DD", "OL", "PROGRESS", "svg", "polyline", "polygon",
  "defs", "pattern", "g", "path", "rect", "line", "circle", "text"]);

// Presses whatever can be pressed, one after the other, and looks at what each shows.
async function pressAll(page) {
  const press = (n) => {
    const all = document.querySelectorAll("main section button, main section input, main section summary");
    all[n]?.click(); // nothing where it is disabled
    return all.length;
  };
  for (let n = 0; n < await page.evaluate(press, n); n += 1) {
    await page.waitForTimeout(50);
    await page.evaluate(() => document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close()));
  }
}

await opened(process.argv[2], {}, async (page) => {
  const many = Number(process.argv[3]);
  await page.getByTestId("devices").getByRole("button").nth(many - 1).waitFor();
  for (let n = 0; n < many; n += 1) {
    await page.getByTestId("devices").getByRole("button").nth(n).click();
    await said(page, "seen", /^[1-9]\d* trails/);
    const which = page.getByTestId("which");
    const options = await which.locator("option").count();
    for (let option = 0; option < options; option += 1) {
      // rules may go meanwhile, and their options with them
      await which.selectOption({ index: option }, { timeout: 3000 }).catch(() => null);
    }
    await page.getByTestId("turn").click();
    await said(page, "whatif", /refuse/); // what is odd about them was said, and what is right can be saved
    await which.selectOption({ index: 0 }, { timeout: 3000 }).catch(() => null);
    await page.getByTestId("counted-rule").waitFor();
    await pressAll(page);
    await said(page, "verdict", /device/);
  }
  assert.equal(await page.getByTestId("devices").getByRole("button").count(), many);
  assert.equal(await page.evaluate(() => window.owned), undefined);
  const elements = await page.evaluate(() => [...document.querySelectorAll("body, body *")].map((each) => each.tagName));
  assert.deepEqual(elements.filter((name) => !OURS.has(name)), []);
});
