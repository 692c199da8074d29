// Watches many devices for a while: `node fleet.mjs URL SECONDS`. Each slice of time is told in a line of JSON.
import { opened, said } from "./page.mjs";

const SLICE_S = 5;
const [url, seconds] = process.argv.slice(2);

// How many frames a second a page gets to draw: each `requestAnimationFrame` is one.
async function fps(page, many) {
  return page.evaluate((ms) => new Promise((done) => {
    const began = performance.now();
    let drawn = 0;
    const next = (now) => {
      drawn += 1;
      if (now - began < ms) requestAnimationFrame(next);
      else done((1000 * drawn) / (now - began));
    };
    requestAnimationFrame(next);
  }), many * 1000);
}

await opened("about:blank", {}, async (page) => console.log(JSON.stringify({ limit: await fps(page, 3) })));
await opened(url, {}, async (page) => {
  const inside = await page.context().newCDPSession(page);
  await said(page, "seen", /^[1-9]\d* trails/);
  for (let slice = 0; slice < seconds / SLICE_S; slice += 1) {
    const drawn = await fps(page, SLICE_S);
    await inside.send("HeapProfiler.collectGarbage");
    const { usedSize } = await inside.send("Runtime.getHeapUsage");
    console.log(JSON.stringify({ fps: drawn, heap_mb: usedSize / 1e6 }));
  }
});
