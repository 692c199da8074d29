// Looks at devices whose every word is an attack, chooses all that can be chosen, and sees nothing of it run.
import assert from "node:assert/strict";
import { opened, said } from "./page.mjs";

const OURS = new Set(["BODY", "HEADER", "MAIN", "NAV", "SECTION", "DIALOG", "DIV", "P", "UL", "LI", "H1", "H2", "H3", "BUTTON", "SMALL",
  "LABEL", "SELECT", "OPTION", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "CANVAS", "svg", "polyline", "polygon"]);

await opened(process.argv[2], {}, async (page) => {
  const many = Number(process.argv[3]);
  await page.getByTestId("devices").getByRole("button").nth(many - 1).waitFor();
  for (let n = 0; n < many; n += 1) {
    await page.getByTestId("devices").getByRole("button").nth(n).click();
    await said(page, "seen", /^[1-9]\d* trails/);
    const which = page.getByTestId("which");
    for (let option = 0; option < await which.locator("option").count(); option += 1) {
      await which.selectOption({ index: option });
      const turn = page.getByTestId("turn");
      if (await turn.isEnabled()) await turn.click();
    }
    await page.getByTestId("save").click();
    await page.getByTestId("yes").click();
    await said(page, "verdict", /device/);
  }
  assert.equal(await page.getByTestId("devices").getByRole("button").count(), many);
  assert.equal(await page.evaluate(() => window.owned), undefined);
  const elements = await page.evaluate(() => [...document.querySelectorAll("body, body *")].map((each) => each.tagName));
  assert.deepEqual(elements.filter((name) => !OURS.has(name)), []);
});
