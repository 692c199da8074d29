// The same without a mouse: Tab, Enter and the arrow keys.
import assert from "node:assert/strict";
import { corner, opened, said, savedAndCounted } from "./page.mjs";

async function tabTo(page, testid) {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await page.evaluate((id) => document.activeElement?.dataset.testid === id, testid)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not come to ${testid}`);
}

const times = async (page, many, key) => { for (let n = 0; n < many; n += 1) await page.keyboard.press(key); };

await opened(process.argv[2], {}, async (page) => {
  await said(page, "seen", /^[1-9]\d* trails/);
  await tabTo(page, "add");
  await page.keyboard.press("Enter");
  const line = await page.getByTestId("which").inputValue();
  await tabTo(page, "handle-0"); // there already, or on the way
  await times(page, 10, "Shift+ArrowRight"); // from 10, 60 to 60, 100
  await times(page, 8, "Shift+ArrowDown");
  await tabTo(page, "handle-1");
  await times(page, 6, "Shift+ArrowLeft"); // from 90, 60 to 59.5, 0
  await times(page, 1, "ArrowLeft");
  await times(page, 12, "Shift+ArrowUp");
  assert.match(await corner(page, 0), /60 % from the left, 100 % from the top/);
  assert.match(await corner(page, 1), /60 % from the left, 0 % from the top/);
  await tabTo(page, "save");
  await page.keyboard.press("Enter");
  await said(page, "changes", new RegExp(`line ${line} is new`));
  await page.keyboard.press("Escape"); // nothing is lost by second thoughts
  await savedAndCounted(page, line);
});
