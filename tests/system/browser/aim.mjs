// Has a device that publishes no boxes keep where people go, fetches that, and draws a line that counts on it.
import assert from "node:assert/strict";
import { newLine, opened, said } from "./page.mjs";

await opened(process.argv[2], {}, async (page) => {
  await page.getByTestId("device-shop").click();
  await page.getByTestId("load").click();
  await said(page, "aimed", /The device has kept nothing/);
  await page.getByTestId("aim").click();
  await said(page, "aimed", /The device says: where people go is kept until 20/);
  await page.waitForTimeout(8000); // somebody walks by every two seconds
  await page.getByTestId("load").click();
  await said(page, "aimed", /[1-9]\d* looks of the last 24 h are here now/);
  await newLine(page);
  const rules = await page.getByTestId("rules").textContent();
  assert.match(rules, /[1-9]\d* in/, rules); // the device's own line, as drawn
});
