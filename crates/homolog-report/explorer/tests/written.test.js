// Pages that Rust wrote, opened from disk: the explorer's folder and the report of a small run with a hostile model name and hostile text.
// `HOMOLOG_PAGES` is the run's folder; `cargo xtask ci` sets it. Skipped, and said so, without it or without a browser.
"use strict";

const { test } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { load } = require("./load.js");
const { index, SIZES } = require("./make-fixture.js");
const { inPage, countOf, fragmentOf } = require("./browser.js");

const folder = process.env.HOMOLOG_PAGES;
const skipped = folder ? null : "HOMOLOG_PAGES names no run with pages";
if (skipped) console.log(`SKIPPED: ${skipped}`);

const urlOf = (/** @type {string} */ file, fragment = "") => pathToFileURL(path.join(folder ?? "", file)).href + fragment;
/** Models, layers, neurons a layer, and checkpoints of the run that Rust's tests write. */
const RUN = { models: 3, layers: 2, d_mlp: 8 };
const HOSTILE_MODEL = "</script><b>&\"'";

const { columns } = index(SIZES.small);
/** Columns on y and x, and the colour's. */
const axesOf = (/** @type {import("playwright-core").Page} */ page) =>
  page.locator(".scatter-axes select").evaluateAll((all) => all.map((one) => /** @type {any} */ (one).value));

/** @param {import("playwright-core").Page} page @param {string} file @param {string} [fragment] */
async function open(page, file, fragment) {
  await page.goto(urlOf(file, fragment));
  await page.waitForSelector(".grid-row, .neuron");
}

inPage(
  "the folder has every neuron, their text and their partners",
  async (page) => {
    await open(page, "explorer/index.html");
    assert.equal(await countOf(page), RUN.layers * RUN.d_mlp);
    assert.deepEqual(await axesOf(page), ["mean_corr", "mean_baseline", "layer"], "a mean beside a mean");
    await page.fill(".field input", "layer == 1 && neuron < 3");
    assert.equal(await countOf(page), 3);
    await page.keyboard.press("Tab");
    await page.locator(".grid-row a").first().click();
    await page.waitForSelector(".neuron .token");
    assert.match(await fragmentOf(page), /L1\.\d/);
    const facts = await page.locator(".facts dt").allTextContents();
    const titles = columns.map(({ title }) => title);
    assert.deepEqual(facts, titles, "a fact for each column, by its title");
    await page.waitForSelector(".neuron .legend >> text=mean baseline");
    const text = await page.innerText(".neuron");
    assert.match(text, /seed-a/);
    assert.ok(text.includes(HOSTILE_MODEL), "a model's name is shown as it is");
    assert.doesNotMatch(text, /ablat/i, "no explorer has ablations of single neurons");
    await page.goBack();
    await page.waitForSelector(".grid-row");
    assert.equal(await countOf(page), 3, "the way back keeps the filter");
  },
  { skipped },
);

test("the invented study has the columns that Rust writes", { skip: skipped ?? false }, async () => {
  const line = fs.readFileSync(path.join(folder ?? "", "explorer/data/index.js"), "utf8");
  const [, data] = /^homolog\.add\("index","(.*)"\);$/m.exec(line) ?? [];
  const { meta } = await load().bundle.decode(data);
  assert.equal(JSON.stringify(meta.columns), JSON.stringify(columns));
  assert.deepEqual(Object.keys(meta).sort(), Object.keys(index(SIZES.small)).sort());
});

inPage(
  "every neuron's own link opens its page",
  async (page) => {
    for (const label of ["L0.0", "L1.3", "L1.7"]) {
      await open(page, "explorer/index.html", `#seed-a/200/${label}`);
      await page.waitForSelector(".neuron");
      assert.match(await page.innerText(".neuron"), new RegExp(label.replace(".", "\\.")));
    }
  },
  { skipped },
);

inPage(
  "the report has findings, figures and the explorer of its neurons",
  async (page) => {
    await open(page, "report.html");
    assert.ok((await page.locator("figure svg").count()) >= 4);
    assert.match(await page.innerText("#findings"), /universal/);
    assert.ok((await countOf(page)) > 0);
    await page.locator("#explorer .grid-row a").first().click();
    await page.waitForSelector("#explorer .neuron .token");
    await page.goto(urlOf("report.html", "#seed-a/200/L1.3"));
    await page.waitForSelector("#explorer .notice");
    assert.match(
      await page.innerText("#explorer .notice >> nth=0"),
      /^L1\.3 of seed-a is not in this selection\. The explorer of all neurons has it\. The tables of this run are Parquet files in its folder tables\/, .*\.$/,
    );
    // What the text or a model's name says is shown, never run: an alert would be a dialog, an image a request.
    assert.equal(await page.locator("#explorer img, #explorer b:has-text('&\"')").count(), 0);
    const size = fs.statSync(path.join(folder ?? "", "report.html")).size;
    assert.ok(size < 25e6, `${size}`);
  },
  { skipped },
);
