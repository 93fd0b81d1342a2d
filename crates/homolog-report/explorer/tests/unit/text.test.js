"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("../load.js");
const { HOSTILE } = require("../hostile.js");
const { script, order, style, FOLDER } = require("../join.js");
const fs = require("node:fs");

const { tokenText, format, overview, completion, scatterPoints } = load();

test("nothing invisible and nothing that turns text around is left of a token", () => {
  for (const token of HOSTILE) {
    assert.doesNotMatch(tokenText.plain(token), /[\p{Cc}\p{Cf}\u2028\u2029\u00a0]/u, JSON.stringify(token));
  }
  assert.equal(tokenText.plain("\n"), "↵");
  assert.equal(tokenText.plain("\u202egnp.exe"), "⟨RLO⟩gnp.exe");
  assert.equal(tokenText.plain("\u001b[31m"), "⟨ESC⟩[31m");
  assert.equal(tokenText.plain("\\xE2"), "\\xE2");
  assert.equal(tokenText.plain("\u0301"), "◌\u0301");
});

test("symbols are told from the token's own characters", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(tokenText.pieces("a\n\tb"))), [
    { text: "a", isSymbol: false },
    { text: "↵⇥", isSymbol: true },
    { text: "b", isSymbol: false },
  ]);
});

test("long tokens are cut by characters, not by halves of them", () => {
  const cut = tokenText.shortened("𝒳".repeat(10000));
  assert.deepEqual([cut.length, cut.isCut, cut.text], [10000, true, `${"𝒳".repeat(40)}…`]);
  assert.equal(tokenText.shortened("𝒳".repeat(50)).isCut, false);
});

test("numbers are written for columns", () => {
  assert.equal(format.fixed(-0.12345, 3), "−0.123");
  assert.equal(format.fixed(NaN, 3), "–");
  assert.equal(format.fixed(0.00001, 3), "1.0e−5");
  assert.equal(format.integer(36864), "36\u2009864");
  assert.equal(format.decimalsFor([0.5, 0.25, NaN, 0.125]), 3);
  assert.equal(format.decimalsFor([]), 3);
  assert.deepEqual([...format.ticks(0, 1, 5)], [0, 0.2, 0.4, 0.6, 0.8, 1]);
});

test("a brush joins a filter and takes the place of the brush before it", () => {
  const [first, second] = ["x >= 1 && x <= 2", "x >= 3 && x <= 4"];
  assert.equal(overview.withBrush("", "", first), first);
  assert.equal(overview.withBrush("layer > 1", "", first), `layer > 1 && ${first}`);
  assert.equal(overview.withBrush(`layer > 1 && ${first}`, first, second), `layer > 1 && ${second}`);
  assert.equal(overview.withBrush(first, first, second), second);
  assert.equal(overview.withBrush("a || b", "", first), `(a || b) && ${first}`);
  assert.equal(overview.withBrush("(a) || (b)", "", first), `((a) || (b)) && ${first}`);
  assert.equal(overview.withBrush(`(a || b) && ${first}`, first, second), `(a || b) && ${second}`);
  assert.equal(overview.spanText({ column: "x", low: 0.123456, high: 0.223456 }), "x >= 0.123 && x <= 0.223");
});

test("names complete at the caret, beginnings first", () => {
  assert.equal(completion.partBefore("layer > 1 && exc", 16), "exc");
  assert.equal(completion.partBefore("layer > ", 8), "");
  const words = ["max_corr", "corr_x", "layer"].map((name) => ({ name, title: name, help: "", insert: name }));
  assert.deepEqual(
    completion
      .matching(words, "corr")
      .map((/** @type {any} */ { name }) => name)
      .join(),
    "corr_x,max_corr",
  );
});

test("an arrow leads to the nearest point that way", () => {
  const points = { x: Float32Array.from([0, 10, 5, -5, NaN]), y: Float32Array.from([0, 0, 20, 0, 0]), nMissing: 1 };
  assert.equal(scatterPoints.towards(points, [0, 1, 2, 3, 4], 0, 1, 0), 1);
  assert.equal(scatterPoints.towards(points, [0, 1, 2, 3, 4], 0, 0, 1), 2);
  assert.equal(scatterPoints.towards(points, [0, 1, 2, 3, 4], 0, -1, 0), 3);
  assert.equal(scatterPoints.towards(points, [0, 1, 2, 3, 4], 0, 0, -1), -1);
  assert.equal(scatterPoints.nearest(points, [0, 1, 2, 3, 4], 9, 1, 10), 1);
  assert.equal(scatterPoints.nearest(points, [0, 1, 2, 3, 4], 100, 100, 10), -1);
});

test("the joined script can stand inline, parses no markup and evaluates no text", () => {
  assert.doesNotMatch(script(), /<\/script|<!--/i);
  assert.doesNotMatch(
    script(),
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\bfetch\(/,
  );
  assert.doesNotMatch(style(), /<\/style|url\(|@import/i);
});

test("order.txt names every script, and every rule of the style sheet lies below .explorer", () => {
  const files = fs.readdirSync(FOLDER).filter((file) => file.endsWith(".js"));
  assert.deepEqual([...order()].sort(), files.sort());
  const selectors =
    style()
      .replace(/\/\*.*?\*\//gs, "")
      .match(/[^{};]+(?=\{)/g) ?? [];
  const loose = selectors
    .map((text) => text.trim())
    .filter(
      (text) =>
        !text.startsWith("@") &&
        text !== "from" &&
        text.split(/,(?![^(]*\))/).some((one) => !one.trim().startsWith(".explorer")),
    );
  assert.deepEqual(loose, []);
});
