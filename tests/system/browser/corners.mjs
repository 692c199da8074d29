// Corners come and go, a zone is drawn corner by corner, one whose sides cross is refused; then a line that is suggested.
import assert from "node:assert/strict";
import { corner, newLine, opened, pixel, said, savedAndCounted } from "./page.mjs";

const LONG_MS = 120_000; // four people have to go some way

async function drawn(page, corners) {
  await page.getByTestId("draw-zone").click();
  await page.getByTestId("scene").scrollIntoViewIfNeeded();
  for (const place of corners) await page.mouse.click(...(await pixel(page, place)));
  await page.getByTestId("draw-zone").click();
  return page.getByTestId("which").inputValue();
}

await opened(process.argv[2], { viewport: { width: 1280, height: 1100 } }, async (page) => {
  await newLine(page);
  await page.getByTestId("between-0").focus();
  await page.keyboard.press("Enter"); // the new corner has the focus
  await page.keyboard.press("Shift+ArrowUp");
  assert.match(await corner(page, 1), /50 % from the left, 55 % from the top/);
  await page.keyboard.press("Delete");
  assert.equal(await page.locator(".handle").count(), 2);
  await page.getByTestId("remove").click();

  await drawn(page, [[0.2, 0.3], [0.8, 0.3], [0.2, 0.8], [0.8, 0.8]]);
  await said(page, "whatif", /would refuse zone-1: .*sides 2 and 4 meet/);
  assert.ok(await page.getByTestId("save").isDisabled());
  await page.getByTestId("remove").click();
  await drawn(page, [[0.2, 0.3], [0.8, 0.3], [0.8, 0.8], [0.2, 0.8]]);
  await said(page, "whatif", /\d+ entered, \d+ left, \d+ inside/);
  await page.getByTestId("remove").click();

  for (const layer of ["flow", "heat"]) await page.getByTestId(`layer-${layer}`).check();
  const until = Date.now() + LONG_MS;
  do {
    await page.getByTestId("suggest").click();
    await said(page, "suggestions", /Line 1|Too few/);
    assert.ok(Date.now() < until, "nothing is suggested");
  } while ((await page.getByTestId("suggestion-0").count()) === 0);
  await page.keyboard.press("Enter"); // the first has the focus
  const line = await page.getByTestId("which").inputValue();
  await said(page, "whatif", new RegExp(`^${line}, on the trails seen since .*[1-9]\\d* (in|out)`));
  await savedAndCounted(page, line);
});
