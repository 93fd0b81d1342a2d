// A browser without a window for the tests of pages: set CHROMIUM, or have `chromium` in the path; without one tests are skipped, and said so.
"use strict";

const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");

/** @returns {string | null} */
function findBrowser() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  try {
    return execFileSync("which", ["chromium"], { encoding: "utf8" }).trim() || null;
  } catch {
    return null;
  }
}

const executablePath = findBrowser();
const noBrowser = executablePath ? null : "no browser: set CHROMIUM or install chromium";
if (noBrowser) console.log(`SKIPPED: ${noBrowser}`);

/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  if (noBrowser) return;
  const { chromium } = require("playwright-core");
  browser = await chromium.launch({
    executablePath: executablePath ?? undefined,
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
});
after(async () => {
  await browser?.close();
});

/**
 * A test with a page of its own, which must ask for nothing but files and leave no error.
 * @param {string} name @param {(page: import("playwright-core").Page) => Promise<void>} body
 * @param {{ colorScheme?: "light" | "dark", allowed?: RegExp, skipped?: string | null }} [options] `allowed`: console errors that the
 * test provokes; `skipped`: why it cannot be run
 */
function inPage(name, body, { colorScheme = "light", allowed, skipped = null } = {}) {
  test(name, { skip: noBrowser ?? skipped ?? false, timeout: 120000 }, async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme });
    const page = await context.newPage();
    /** @type {string[]} */
    const faults = [];
    page.on("request", (request) => {
      if (!request.url().startsWith("file://")) faults.push(`request of ${request.url()}`);
    });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !allowed?.test(message.text()))
        faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`page: ${error.stack}`));
    try {
      await body(page);
      assert.deepEqual(faults, []);
    } finally {
      await context.close();
    }
  });
}

const countOf = async (/** @type {import("playwright-core").Page} */ page) =>
  Number((await page.textContent(".count b"))?.replace(/\D/g, ""));

const fragmentOf = (/** @type {import("playwright-core").Page} */ page) => decodeURIComponent(new URL(page.url()).hash);

/**
 * Waits until `is` holds in the page. Playwright's own `waitForFunction` evaluates text, which the pages' policy forbids, as soon as its
 * first look fails.
 * @template T @param {import("playwright-core").Page} page @param {(argument: T) => boolean} is @param {T} [argument]
 */
async function until(page, is, argument) {
  const end = Date.now() + 15000;
  while (!(await page.evaluate(is, /** @type {any} */ (argument)))) {
    assert.ok(Date.now() < end, `never: ${is}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

module.exports = { noBrowser, inPage, until, countOf, fragmentOf };
