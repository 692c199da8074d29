// Draws a line over the trails with the mouse, saves it, and waits for the next crossing.
import assert from "node:assert/strict";
import { corner, newLine, opened, pixel, said, savedAndCounted } from "./page.mjs";

async function drag(page, n, to) {
  const { x, y, width, height } = await page.getByTestId(`handle-${n}`).boundingBox();
  const [toX, toY] = await pixel(page, to);
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(toX, toY, { steps: 8 });
  await page.mouse.up();
}

await opened(process.argv[2], {}, async (page) => {
  const line = await newLine(page);
  await drag(page, 0, [0.4, 0.95]);
  await drag(page, 1, [0.4, 0.05]);
  assert.match(await corner(page, 0), /40 % from the left, 95 % from the top/);
  await said(page, "whatif", /[1-9]\d* in|[1-9]\d* out/); // it lies on trails
  await savedAndCounted(page, line);
});
