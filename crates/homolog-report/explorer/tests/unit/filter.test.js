"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("../load.js");

const { filter } = load();
const column = (/** @type {number[]} */ values, kind = "number") => ({ values: Float32Array.from(values), kind });
const COLUMNS = new Map([
  ["excess_corr", column([0.9, 0.4, NaN, 0.3, -2])],
  ["layer", column([0, 1, 2, 3, 4], "integer")],
  ["n", column([3, 2, 1, 0, NaN], "integer")],
  ["is_universal", column([1, 0, 0, NaN, 1], "flag")],
  ["match.1.corr", column([0.1, 0.2, 0.3, 0.4, 0.5])],
]);

/** @param {string} text */
const rows = (text) => [...filter.rows(filter.compile(text, COLUMNS), 5)];

/** @param {string} text @param {RegExp} message @param {number} at @param {number} [end] */
function refused(text, message, at, end) {
  try {
    filter.compile(text, COLUMNS);
  } catch (error) {
    assert.ok(error instanceof filter.FilterError, String(error));
    assert.match(/** @type {any} */ (error).message, message);
    assert.equal(/** @type {any} */ (error).at, at);
    if (end !== undefined) assert.equal(/** @type {any} */ (error).end, end);
    return;
  }
  assert.fail(`${text} was read`);
}

test("comparisons and what joins them", () => {
  assert.deepEqual(rows("excess_corr > 0.35 && layer <= 3"), [0, 1]);
  assert.deepEqual(rows("is_universal || n >= 2"), [0, 1, 4]);
  assert.deepEqual(rows("layer == 2 || layer == 3"), [2, 3]);
  assert.deepEqual(rows("layer != 2"), [0, 1, 3, 4]);
  assert.deepEqual(rows(".5 < excess_corr"), [0]);
  assert.deepEqual(rows("match.1.corr >= 4e-1"), [3, 4]);
});

test("an empty filter holds for every row", () => {
  assert.equal(filter.compile("  ", COLUMNS), null);
  assert.deepEqual(rows(""), [0, 1, 2, 3, 4]);
});

test("&& binds stronger than ||, * than +, and parentheses override", () => {
  assert.deepEqual(rows("layer == 0 || layer == 1 && layer == 2"), [0]);
  assert.deepEqual(rows("(layer == 0 || layer == 1) && layer == 1"), [1]);
  assert.deepEqual(rows("layer + 2 * 3 == 7"), [1]);
  assert.deepEqual(rows("(layer + 2) * 3 == 9"), [1]);
});

test("signs of equal strength are read from the left", () => {
  assert.deepEqual(rows("10 - layer - 3 == 5"), [2]);
  assert.deepEqual(rows("12 / layer / 2 == 2"), [3]);
  assert.deepEqual(rows("layer % 2 == 1"), [1, 3]);
});

test("functions and signs before a term", () => {
  assert.deepEqual(rows("abs(excess_corr) > 1"), [4]);
  assert.deepEqual(rows("-excess_corr > 1"), [4]);
  assert.deepEqual(rows("max(layer, 2, n) == 2"), [1, 2]);
  assert.deepEqual(rows("min(layer, n) == 1"), [1, 2]);
  assert.deepEqual(rows("log10(layer) == 0"), [1]);
  assert.deepEqual(rows("!(layer > 1)"), [0, 1]);
  assert.deepEqual(rows("!is_universal && layer < 2"), [1]);
  assert.deepEqual(rows("--layer == 1"), [1]);
});

test("with a missing value every comparison is false", () => {
  for (const sign of ["<", "<=", ">", ">=", "==", "!="]) assert.ok(!rows(`excess_corr ${sign} 0`).includes(2), sign);
  assert.ok(!rows("excess_corr != excess_corr").includes(2));
  assert.ok(!rows("excess_corr == excess_corr").includes(2));
  assert.ok(!rows("log10(excess_corr) < 100").includes(4));
  assert.deepEqual(rows("log10(layer) < 0"), []);
  assert.deepEqual(rows("missing(excess_corr)"), [2]);
  assert.deepEqual(rows("is_universal"), [0, 4]);
});

test("numbers are compared in single precision, as the tables hold them", () => {
  assert.deepEqual(rows("excess_corr == 0.3"), [3]);
  assert.deepEqual(rows("excess_corr <= 0.3"), [3, 4]);
  assert.deepEqual(rows("excess_corr >= 0.9"), [0]);
  assert.deepEqual(rows("excess_corr > 0.9"), []);
});

test("faults are said with their position", () => {
  refused("exces_corr > 0.5", /no column “exces_corr”; did you mean excess_corr\?/, 0, 10);
  refused("excess_corr >", /ends where a column or a number is missing/, 13);
  refused("excess_corr", /a condition is needed/, 0, 11);
  refused("(layer > 1) + 2 == 3", /a number is needed here, not a condition/, 0, 11);
  refused("layer > 1 &&", /ends where/, 12);
  refused("layer = 1", /“=” has no meaning here; write ==/, 6, 7);
  refused("0 < layer < 3", /do not chain/, 10, 11);
  refused("(layer > 1", /“\)” is missing/, 10);
  refused("layer > 1)", /“\)” was not expected/, 9, 10);
  refused("layer > 1 and n > 1", /“and” was not expected here; write &&/, 10, 13);
  refused("sqrt(layer) > 1", /no function “sqrt”/, 0, 4);
  refused("abs(layer, n) > 1", /abs takes one argument, not 2/, 0, 13);
  refused("abs > 1", /abs is a function/, 0, 3);
  refused("1.2.3 > layer", /is not a number/, 0);
  refused("layer > 1 \u{1f600}", /“\u{1f600}” has no meaning/u, 10, 12);
  refused(`${"(".repeat(200)}layer > 1${")".repeat(200)}`, /nested too deeply/, 64);
});

test("words of the language below are names like others", () => {
  for (const name of ["constructor", "__proto__", "toString", "window", "hasOwnProperty"]) {
    refused(`${name} > 1`, /there is no column/, 0, name.length);
    refused(`${name}(layer) > 1`, /there is no function/, 0, name.length);
  }
});
