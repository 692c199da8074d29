// The same with a finger, on a phone.
import assert from "node:assert/strict";
import { PHONE, corner, newLine, opened, pixel, said, savedAndCounted } from "./page.mjs";

async function swipe(page, n, to) {
  const finger = await page.context().newCDPSession(page); // playwright's own can but tap
  await page.getByTestId(`handle-${n}`).scrollIntoViewIfNeeded();
  const { x, y, width, height } = await page.getByTestId(`handle-${n}`).boundingBox();
  const scrolled = await page.evaluate(() => scrollY);
  const [fromX, fromY] = [x + width / 2, y + height / 2];
  const [toX, toY] = await pixel(page, to);
  const touch = (type, ...touchPoints) => finger.send("Input.dispatchTouchEvent", { type, touchPoints });
  await touch("touchStart", { x: fromX, y: fromY });
  for (let step = 1; step <= 8; step += 1) {
    await touch("touchMove", { x: fromX + ((toX - fromX) * step) / 8, y: fromY + ((toY - fromY) * step) / 8 });
  }
  await touch("touchEnd");
  assert.equal(await page.evaluate(() => scrollY), scrolled, "the finger scrolled the page");
}

await opened(process.argv[2], { viewport: PHONE, hasTouch: true, isMobile: true }, async (page) => {
  const line = await newLine(page);
  await swipe(page, 0, [0.55, 0.95]);
  await swipe(page, 1, [0.55, 0.05]);
  assert.match(await corner(page, 0), /55 % from the left, 95 % from the top/);
  assert.match(await corner(page, 1), /55 % from the left, 5 % from the top/);
  await said(page, "whatif", /[1-9]\d* in|[1-9]\d* out/);
  await savedAndCounted(page, line);
});
