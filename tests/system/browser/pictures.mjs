// Takes the pictures of README.md: `node pictures.mjs URL FOLDER`. A line is drawn over trails; later it counts.
import { writeFile } from "node:fs/promises";
import { PHONE, drag, newLine, opened, said, savedAndCounted } from "./page.mjs";

const [url, folder] = process.argv.slice(2);
const TRAILS = /^[3-9]\d trails/;
const MANY_MS = 120_000;

async function take(page, name) {
  const inside = await page.context().newCDPSession(page);
  const { data } = await inside.send("Page.captureScreenshot", { format: "webp", quality: 80 });
  await writeFile(`${folder}/${name}.webp`, Buffer.from(data, "base64"));
}

await opened(url, { viewport: { width: 1000, height: 860 } }, async (page) => {
  await said(page, "seen", TRAILS, MANY_MS);
  const line = await newLine(page);
  await drag(page, 0, [0.36, 0.92]);
  await drag(page, 1, [0.3, 0.12]);
  await page.evaluate(() => scrollTo(0, 0));
  await take(page, "drawing");
  await savedAndCounted(page, line);
});
await opened(url, { viewport: PHONE, colorScheme: "dark" }, async (page) => {
  await said(page, "seen", TRAILS, MANY_MS);
  await page.getByTestId("which").selectOption("line-1");
  await said(page, "whatif", /[1-9]\d* in|[1-9]\d* out/);
  await take(page, "phone");
});
