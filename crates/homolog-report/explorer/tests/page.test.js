// The explorer in a browser without a window, opened from disk.
"use strict";

const { before, after } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { write, bundles, index, SIZES } = require("./make-fixture.js");
const { base64, dataFile } = require("./bundle-writer.js");
const { HOSTILE } = require("./hostile.js");
const { load } = require("./load.js");
const { noBrowser, inPage, until, countOf, fragmentOf } = require("./browser.js");

const OUT = fs.mkdtempSync(path.join(os.tmpdir(), "homolog-explorer-"));
before(async () => {
  if (noBrowser) return;
  write(path.join(OUT, "small"), { isSmall: true });
  write(path.join(OUT, "report"), { isSmall: true, isReport: true });
  write(path.join(OUT, "full"), { only: /^(index|vocabulary|table-0-2|course-0|detail-0-2-0|text-\d+)$/ });
});
after(() => {
  fs.rmSync(OUT, { recursive: true, force: true });
});

const urlOf = (/** @type {string} */ file, fragment = "") => pathToFileURL(path.join(OUT, file)).href + fragment;

/** @param {import("playwright-core").Page} page @param {string} file @param {string} [fragment] */
async function open(page, file, fragment) {
  await page.goto(urlOf(file, fragment));
  await page.waitForSelector(".grid-row, .neuron");
}

const firstLabels = (/** @type {import("playwright-core").Page} */ page) =>
  page.$$eval(".grid-row:not([hidden])", (rows) =>
    rows
      .sort((a, b) => Number(a.getAttribute("aria-rowindex")) - Number(b.getAttribute("aria-rowindex")))
      .slice(0, 5)
      .map((row) => row.querySelector("a")?.textContent),
  );
/** The small study's first table, read in Node: what the page must agree with. */
async function expected() {
  const { bundle } = load();
  const { arrays } = await bundle.decode(/** @type {() => string} */ (bundles(SIZES.small).get("table-0-2"))());
  const values = (/** @type {string} */ name) => arrays.get(name).data;
  const rows = [...values("layer").keys()];
  return { rows, values, label: (/** @type {number} */ row) => `L${values("layer")[row]}.${values("neuron")[row]}` };
}

inPage("filters, says faults and keeps the last good filter", async (page) => {
  await open(page, "small/index.html");
  const { rows, values } = await expected();
  assert.equal(await countOf(page), rows.length);
  await page.fill(".field input", "excess_corr > 0.3 && layer <= 1");
  assert.equal(
    await countOf(page),
    rows.filter((row) => values("excess_corr")[row] > Math.fround(0.3) && values("layer")[row] <= 1).length,
  );
  const before = await countOf(page);
  await page.fill(".field input", "excess_cor > 0.3");
  assert.match(await page.innerText(".fault"), /no column “excess_cor”; did you mean excess_corr\?[\s\S]*Position 1\./);
  assert.equal(await countOf(page), before);
  await page.click("button.plain");
  assert.equal(await countOf(page), rows.length);
  await page.fill(".field input", "layer > 99");
  assert.equal(await countOf(page), 0);
});

inPage("sorts by click, missing values last", async (page) => {
  await open(page, "small/index.html");
  const { rows, values, label } = await expected();
  const byExcess = [...rows]
    .filter((row) => !Number.isNaN(values("excess_corr")[row]))
    .sort((a, b) => values("excess_corr")[b] - values("excess_corr")[a] || a - b);
  assert.deepEqual(await firstLabels(page), byExcess.slice(0, 5).map(label));
  const title = page.locator("[role=columnheader]", { hasText: /excess$/ });
  await title.click();
  assert.equal(await title.getAttribute("aria-sort"), "ascending");
  const rising = [...byExcess].sort((a, b) => values("excess_corr")[a] - values("excess_corr")[b] || a - b);
  assert.deepEqual(await firstLabels(page), rising.slice(0, 5).map(label));
  await page.locator(".grid").focus();
  await page.keyboard.press("Control+End");
  const last = rows.filter((row) => Number.isNaN(values("excess_corr")[row])).at(-1);
  assert.equal(await page.textContent(".grid-row[aria-selected=true] a"), label(/** @type {number} */ (last)));
});

inPage(
  "a link restores the view; back and forward walk through it",
  async (page) => {
    await open(page, "small/index.html");
    await page.fill(".field input", "layer == 2");
    await page.keyboard.press("Enter");
    await page.locator("[role=columnheader]", { hasText: "kurtosis" }).click();
    const [first] = await firstLabels(page);
    await page.locator(".grid-row:not([hidden]) a", { hasText: new RegExp(`^${first}$`) }).click();
    await page.waitForSelector(".windows");
    assert.equal(fragmentOf(page), `#seed-1/1200/${first}?filter=layer == 2&sort=-act_kurt`);
    const link = page.url();
    await page.goBack();
    await page.waitForSelector(".grid-row");
    assert.equal(await countOf(page), 256);
    await page.goBack();
    await until(page, () => document.querySelector(".count b")?.textContent !== "256");
    assert.equal(await page.inputValue(".field input"), "");
    await page.goForward();
    await until(page, () => document.querySelector(".count b")?.textContent === "256");
    await page.goForward();
    await page.waitForSelector(".neuron h2");
    await page.goto("about:blank");
    await page.goto(link);
    await page.waitForSelector(".windows");
    assert.equal(await page.textContent("h2 b"), first);
    assert.match(await page.innerText(".neuron nav"), /1 of 256 in the table/);
    await page.click("text=↩ table");
    assert.deepEqual([await page.inputValue(".field input"), (await firstLabels(page))[0]], ["layer == 2", first]);
  },
  { allowed: /about:blank/ },
);

inPage("models and checkpoints are chosen, and their names are only text", async (page) => {
  await open(page, "small/index.html");
  await page.selectOption("select >> nth=0", "seed/3 <b>&é");
  await until(page, () => location.hash.includes("seed%2F3"));
  assert.equal(fragmentOf(page), "#seed/3 <b>&é/1200");
  await page.waitForSelector("[role=columnheader] >> text=corr seed-1");
  await page.selectOption("select >> nth=1", "1");
  await until(page, () => location.hash.endsWith("/38"));
  await until(page, () => !document.querySelector("[aria-busy]"));
  await page.locator(".grid-row a").first().click();
  await page.waitForSelector(".neuron");
  assert.match(await page.innerText(".neuron"), /Activations and windows were kept for step 1.200\./);
  await open(page, "small/index.html", "#nobody/7");
  assert.match(await page.innerText(".message"), /no model “nobody”/);
});

inPage("the keyboard alone does everything", async (page) => {
  await open(page, "small/index.html");
  await page.keyboard.press("/");
  await page.keyboard.type("exc");
  await page.waitForSelector(".words:not([hidden])");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.keyboard.type(" > 0.1");
  await page.keyboard.press("Enter");
  assert.equal(await page.inputValue(".field input"), "excess_corr > 0.1");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("role")), "grid");
  // The first column after the labels is the one that the table is sorted by already.
  for (let i = 0; i < 2; i++) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  assert.equal(await page.getAttribute("[role=columnheader] >> nth=2", "aria-sort"), "descending");
  for (let i = 0; i < 40; i++) await page.keyboard.press("ArrowDown");
  const active = await page.evaluate(() =>
    document
      .getElementById(document.activeElement?.getAttribute("aria-activedescendant") ?? "")
      ?.closest("[role=row]")
      ?.getAttribute("aria-rowindex"),
  );
  assert.equal(active, "41");
  const label = await page.textContent(".grid-row[aria-selected=true] a");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".windows");
  assert.equal(await page.textContent("h2 b"), label);
  await page.keyboard.press("]");
  await until(page, (old) => document.querySelector("h2 b")?.textContent !== old, label);
  await page.waitForSelector(".tokens");
  await page.focus(".tokens");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.innerText(".windows .tip"), /at \d+/);
  await page.keyboard.press("Escape");
  await page.waitForSelector(".grid");
  await page.keyboard.press("Tab");
  for (let i = 0; i < 3; i++) await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.className), "over");
  const before = await page.textContent(".grid-row[aria-selected=true] a");
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await page.textContent(".grid-row[aria-selected=true] a"), before);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".neuron");
});

inPage("the scatter plot selects by click and filters by a rectangle", async (page) => {
  await open(page, "small/index.html");
  const box = /** @type {{ x: number, y: number, width: number, height: number }} */ (
    await page.locator(".over").boundingBox()
  );
  await page.locator(".over").focus();
  await page.keyboard.press("ArrowLeft");
  const tip = await page.innerText(".plot .tip");
  assert.match(tip, /^L\d+\.\d+: baseline 0\.\d+, mean corr 0\.\d+$/);
  await page.mouse.move(box.x + 60, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 20, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  const filter = await page.inputValue(".field input");
  assert.match(
    filter,
    /^mean_baseline >= 0\.\d+ && mean_baseline <= 0\.\d+ && mean_corr >= 0\.\d+ && mean_corr <= \d\.\d+$/,
  );
  const count = await countOf(page);
  assert.ok(count > 0 && count < 1024, String(count));
  assert.ok(fragmentOf(page).includes(filter));
  await page.goBack();
  await until(page, () => document.querySelector(".count b")?.textContent === "1\u2009024");
});

inPage("hostile tokens are shown and do nothing", async (page) => {
  await open(page, "small/index.html", "#seed-1/1200/L0.0");
  await page.waitForSelector(".windows");
  const { arrays } = await load().bundle.decode(
    /** @type {() => string} */ (bundles(SIZES.small).get("detail-0-2-0"))(),
  );
  const peak = arrays.get("peak_activation").data[0];
  assert.equal(await page.locator(".window-head b").first().innerText(), String(Number(peak.toPrecision(3))));
  const scripts = await page.evaluate(
    () => document.querySelectorAll(".explorer script, .explorer img, .windows b:not(.window-head b)").length,
  );
  assert.equal(scripts, 0);
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).hacked), undefined);
  const shown = await page.$$eval(".window:nth-child(1) .own .token, .window:nth-child(2) .own .token", (tokens) =>
    tokens.map((token) => token.textContent),
  );
  const { tokenText } = load();
  HOSTILE.forEach((token, i) => {
    if (token.length < 60) assert.equal(shown[i], tokenText.plain(token), `token ${i}`);
  });
  const long = page.locator(".window:nth-child(2) .own .token").first();
  assert.equal(await long.textContent(), `${"x".repeat(40)}…[10\u2009000 characters]`);
  await long.click();
  assert.equal((await long.textContent())?.length, 10000);
  const isolated = await page.$eval(".token", (token) => getComputedStyle(token).unicodeBidi);
  assert.equal(isolated, "isolate");
  // The right-to-left override does not turn the token's own letters around.
  const [x0, x1] = await page.evaluate(() => {
    const token = [...document.querySelectorAll(".token")].find((one) => one.textContent?.endsWith("gnp.exe"));
    const text = /** @type {Text} */ (token?.lastChild);
    return [0, 6].map((at) => {
      const range = document.createRange();
      range.setStart(text, at);
      range.setEnd(text, at + 1);
      return range.getBoundingClientRect().left;
    });
  });
  assert.ok(x0 < x1);
});

inPage(
  "a missing or broken file is said, the rest of the page stands",
  async (page) => {
    fs.cpSync(path.join(OUT, "small"), path.join(OUT, "broken"), { recursive: true });
    const data = path.join(OUT, "broken", "data");
    fs.rmSync(path.join(data, "course-0.js"));
    const detail = fs.readFileSync(path.join(data, "detail-0-2-1.js"), "utf8");
    fs.writeFileSync(path.join(data, "detail-0-2-1.js"), `${detail.slice(0, 4000)}");\n`);
    fs.writeFileSync(path.join(data, "table-1-2.js"), "// empty\n");
    await open(page, "broken/index.html", "#seed-1/1200/L1.5");
    await page.waitForSelector(".failed >> text=course-0");
    assert.match(
      await page.innerText(".charts"),
      /file data\/course-0\.js is missing or cannot be read; keep the folder data\/ beside this page/,
    );
    await page.waitForSelector(".failed >> text=detail-0-2-1");
    assert.match(await page.innerText(".facts"), /max corr/);
    await page.goto(urlOf("broken/index.html", "#seed-2/1200"));
    await page.waitForSelector(".failed >> text=table-1-2");
    await page.selectOption("select >> nth=0", "seed-1");
    await page.waitForSelector(".grid-row");
    fs.rmSync(path.join(data, "index.js"));
    await page.reload();
    await page.waitForSelector(".failed >> text=data/index.js");
  },
  { allowed: /ERR_FILE_NOT_FOUND/ },
);

inPage("a study without checkpoints, vocabulary and windows has pages too", async (page) => {
  const data = path.join(OUT, "bare", "data");
  fs.mkdirSync(data, { recursive: true });
  fs.copyFileSync(path.join(OUT, "small", "index.html"), path.join(OUT, "bare", "index.html"));
  const meta = {
    ...index(SIZES.small),
    checkpoints: [null],
    table_checkpoints: [0],
    window_checkpoints: [],
    has_vocabulary: false,
  };
  /** @param {string} name */
  const made = (name) => /** @type {() => string} */ (bundles(SIZES.small).get(name))();
  const write = (/** @type {string} */ name, /** @type {string} */ text) =>
    fs.writeFileSync(path.join(data, `${name}.js`), dataFile(name, text));
  write("index", base64(meta, {}));
  write("table-0-0", made("table-0-2"));
  write("course-0", made("course-0"));
  write("detail-0-0-1", made("detail-0-2-1"));
  await open(page, "bare/index.html", "#seed-1/-/L1.7");
  await until(page, () => !document.querySelector(".loading"));
  assert.match(await page.innerText(".neuron"), /seed-1 L1\.7 final/);
  assert.match(await page.innerText(".neuron"), /kept for no checkpoint/);
  assert.match(await page.innerText(".neuron"), /one checkpoint: there is no course/);
  fs.copyFileSync(path.join(OUT, "small", "data", "text-0.js"), path.join(data, "text-0.js"));
  fs.copyFileSync(path.join(OUT, "small", "data", "text-1.js"), path.join(data, "text-1.js"));
  write("index", base64({ ...meta, window_checkpoints: [0] }, {}));
  await page.reload();
  await page.waitForSelector(".windows");
  assert.match(/** @type {string} */ (await page.textContent(".token >> nth=0")), /^ \d+$/);
});

inPage("a browser that cannot open compressed data is told so", async (page) => {
  await page.addInitScript("delete globalThis.DecompressionStream");
  await page.goto(urlOf("small/index.html"));
  await page.waitForSelector(".failed");
  assert.match(await page.innerText(".failed"), /no DecompressionStream/);
});

inPage("stands inside a report: a selection, with the report's own anchors and styles left alone", async (page) => {
  await open(page, "report/report.html");
  assert.match(await page.innerText(".notes"), /holds a selection of neurons, not all[\s\S]*cut to the first 4,000/);
  assert.equal(await countOf(page), 100);
  await page.click("a[href='#figures']");
  assert.equal(await countOf(page), 100);
  assert.equal(new URL(page.url()).hash, "#figures");
  await page.fill(".field input", "!is_control");
  assert.ok((await countOf(page)) < 100);
  await page.goto(urlOf("report/report.html", "#seed-1/1200/L0.0"));
  await page.waitForSelector(".windows");
  assert.match(await page.innerText(".windows"), /<img src=x onerror=/);
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).hacked), undefined);
  assert.equal(await page.$eval(".partners td", (cell) => getComputedStyle(cell).fontSize), "13px");
  assert.equal(await page.$eval("body > h1", (title) => getComputedStyle(title).fontSize), "32px");
  assert.match(await page.innerText(".partners >> nth=0"), /sure by\n[\s\S]*\texact$/m);
  // The second of each layer's twenty-five, ten apart.
  await page.goto(urlOf("report/report.html", "#seed-1/1200/L0.10"));
  await page.waitForSelector(".windows");
  assert.match(await page.innerText(".partners >> nth=0"), /\t6\.3$/m);
  await page.goto(urlOf("report/report.html", "#seed-1/1200/L0.1"));
  await page.waitForSelector(".neuron .notice");
  assert.match(
    await page.innerText(".neuron"),
    /L0\.1 of seed-1 is not in this selection\. The explorer of all neurons has it\. The tables of this run are Parquet files in its folder tables\/\.$/m,
  );
});

for (const colorScheme of /** @type {("light" | "dark")[]} */ (["light", "dark"])) {
  inPage(
    `text stands out from its ground, ${colorScheme}`,
    async (page) => {
      for (const fragment of ["#seed-1/1200?filter=layer+%3C", "#seed-1/1200/L0.3"]) {
        await open(page, "small/index.html", fragment);
        await page.waitForTimeout(400);
        await page.keyboard.press("?");
        const { least, of } = await page.evaluate(leastContrast);
        assert.ok(least >= 4.5, `${least.toFixed(2)} at ${of}`);
        await page.goto("about:blank");
      }
    },
    { colorScheme },
  );
}

/** Runs in the page: the least contrast of text with what lies behind it, and where. */
function leastContrast() {
  const parse = (/** @type {string} */ text) => {
    const [r, g, b, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  };
  const over = (/** @type {number[]} */ [r, g, b, a], /** @type {number[]} */ below) =>
    [r, g, b].map((value, i) => value * a + below[i] * (1 - a));
  /** @param {Element | null} node @returns {number[]} */
  const ground = (node) => {
    if (!node) return [255, 255, 255];
    const color = parse(getComputedStyle(node).backgroundColor);
    return color[3] === 1 ? color.slice(0, 3) : over(color, ground(node.parentElement));
  };
  const light = (/** @type {number[]} */ color) =>
    color
      .map((value) => value / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let [least, of] = [Infinity, ""];
  const texts = document.createTreeWalker(
    /** @type {Element} */ (document.querySelector(".explorer")),
    NodeFilter.SHOW_TEXT,
  );
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const node = text.parentElement;
    if (!node || !text.textContent?.trim() || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const behind = ground(node.closest("svg") ? /** @type {Element} */ (node.closest("figure")) : node);
    const color = parse(node instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(over([...color.slice(0, 3), color[3] * Number(style.opacity)], behind)), light(behind)].sort(
      (x, y) => y - x,
    );
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < least)
      [least, of] = [ratio, `<${node.tagName} class="${node.getAttribute("class")}"> ${text.textContent.slice(0, 40)}`];
  }
  return { least, of };
}

inPage("36,864 neurons: opens, filters and sorts at once", async (page) => {
  const start = performance.now();
  await open(page, "full/index.html");
  const opened = performance.now() - start;
  assert.equal(await countOf(page), 36864);
  const times = await page.evaluate(async () => {
    const input = /** @type {HTMLInputElement} */ (document.querySelector(".field input"));
    /** Milliseconds from a keystroke to the next frame. @param {string} text */
    const typed = (text) =>
      new Promise((resolve) => {
        const from = performance.now();
        input.value = text;
        input.dispatchEvent(new Event("input", { bubbles: true }));
        const handled = performance.now() - from;
        requestAnimationFrame(() => setTimeout(() => resolve({ handled, painted: performance.now() - from })));
      });
    // @ts-ignore The page's namespace.
    const { filter, sort, source, dataset } = homolog;
    const { table } = await (await dataset.open(source.create(false))).table(0, 2);
    const computed = [];
    for (const text of ["", "excess_corr > 0.1 || abs(act_skew) > 0.2", "excess_corr > 0.5 && layer <= 3"]) {
      // The least of five: what else the machine does is not ours.
      let least = Infinity;
      for (let i = 0; i < 5; i++) {
        const from = performance.now();
        const rows = filter.rows(filter.compile(text, table.byName), table.n);
        sort.order(rows, table.byName.get("excess_corr").values, true);
        least = Math.min(least, performance.now() - from);
      }
      computed.push(least);
    }
    return {
      computed,
      typed: [await typed("excess_corr > 0.1 || abs(act_skew) > 0.2"), await typed("layer <= 3"), await typed("")],
    };
  });
  console.log(
    `open ${opened.toFixed(0)} ms; filter and sort ${times.computed.map((t) => t.toFixed(1)).join(", ")} ms; typed, drawn and painted ${JSON.stringify(times.typed)}`,
  );
  for (const time of times.computed) assert.ok(time < 100, `filter and sort took ${time} ms`);
  await page.locator(".grid").focus();
  await page.keyboard.press("Control+End");
  assert.equal(await page.getAttribute(".grid-row[aria-selected=true]", "aria-rowindex"), "36865");
  assert.ok((await page.$$(".grid-row")).length < 100, "only rows in sight exist");
});
