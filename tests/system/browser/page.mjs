// What all tests of the page share: a browser that takes note of what must not happen. It comes by environment variables.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const from = createRequire(`${process.env.EYESPOT_PLAYWRIGHT}/`);
const { chromium } = from("playwright-core");
export const AXE = from.resolve("axe-core/axe.min.js");
export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
const PATIENCE_MS = 45_000; // somebody has to walk by meanwhile

// Opens a page, has `play` play on it, and fails where it asked another host for something, or complained.
export async function opened(url, options, play) {
  const browser = await chromium.launch({
    executablePath: process.env.EYESPOT_CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu"], // root has no sandbox; it opens our own page alone
  });
  try {
    const page = await browser.newPage({ viewport: DESKTOP, ...options });
    page.setDefaultTimeout(PATIENCE_MS);
    const amiss = [];
    page.on("console", (said) => { if (["error", "warning"].includes(said.type())) amiss.push(said.text()); });
    page.on("pageerror", (error) => amiss.push(`uncaught: ${error.message}`));
    page.on("dialog", (dialog) => { amiss.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (asked) => { if (new URL(asked.url()).origin !== new URL(url).origin) amiss.push(`asked: ${asked.url()}`); });
    await page.goto(url);
    await play(page);
    assert.deepEqual(amiss, [], "the browser complained, or the page asked elsewhere");
  } finally {
    await browser.close();
  }
}

// Waits until what is said somewhere is as it should be; returns it.
export async function said(page, testid, pattern, patienceMs = PATIENCE_MS) {
  const place = page.getByTestId(testid);
  const until = Date.now() + patienceMs;
  for (;;) {
    const words = (await place.count()) > 0 ? await place.textContent() : "";
    if (pattern.test(words)) return words;
    assert.ok(Date.now() < until, `${testid} says ${JSON.stringify(words)}, not ${pattern}`);
    await page.waitForTimeout(200);
  }
}

// Makes a line; returns its id.
export async function newLine(page) {
  await said(page, "seen", /^[1-9]\d* trails/);
  await page.getByTestId("add").click();
  return page.getByTestId("which").inputValue();
}

// Where a point of the scene is, in pixels of the window.
export async function pixel(page, [x, y]) {
  const { x: left, y: top, width, height } = await page.getByTestId("scene").boundingBox();
  return [left + x * width, top + y * height];
}

// Drags the corner `n` of the line that is chosen, with the mouse.
export async function drag(page, n, to) {
  const { x, y, width, height } = await page.getByTestId(`handle-${n}`).boundingBox();
  const [toX, toY] = await pixel(page, to);
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(toX, toY, { steps: 8 });
  await page.mouse.up();
}

// Saves what is drawn, and sees the device take it and count on it.
export async function savedAndCounted(page, line) {
  await page.getByTestId("save").click();
  await said(page, "changes", new RegExp(`line ${line} is new`));
  await page.getByTestId("yes").click();
  await said(page, "verdict", /^The device says: ok: in force, on trial/);
  await said(page, `says-${line}`, /[1-9]\d* (in|out)/);
}

// How the corner `n` of the line that is chosen is told to who does not see it.
export const corner = (page, n) => page.getByTestId(`handle-${n}`).getAttribute("aria-label");
