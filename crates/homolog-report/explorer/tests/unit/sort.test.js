"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("../load.js");

const { sort } = load();
const order = (/** @type {number[]} */ values, /** @type {boolean} */ descending, rows = values.map((_, i) => i)) => [
  ...sort.order(Uint32Array.from(rows), Float32Array.from(values), descending),
];

test("ties keep the order of the rows in both directions", () => {
  const values = [2, 1, 2, 1, 2];
  assert.deepEqual(order(values, false), [1, 3, 0, 2, 4]);
  assert.deepEqual(order(values, true), [0, 2, 4, 1, 3]);
});

test("missing values come last in both directions, in the order of the rows", () => {
  const values = [NaN, 3, NaN, -1, NaN, 7];
  assert.deepEqual(order(values, false), [3, 1, 5, 0, 2, 4]);
  assert.deepEqual(order(values, true), [5, 1, 3, 0, 2, 4]);
});

test("only the rows that are given are sorted, and infinities are values", () => {
  assert.deepEqual(order([5, Infinity, 1, -Infinity, NaN], false, [1, 2, 3, 4]), [3, 2, 1, 4]);
  assert.deepEqual(order([], false), []);
});

test("numbers of both signs and all sizes, and the two zeros tie", () => {
  const values = [1e-30, -1e30, 0, -0, 1e30, -1e-30, 4294967294, -1, 1, Infinity, -Infinity, 65536, 65535];
  assert.deepEqual(order(values, false), [10, 1, 7, 5, 2, 3, 0, 8, 12, 11, 6, 4, 9]);
  assert.deepEqual(order(values, true), [9, 4, 6, 11, 12, 8, 0, 2, 3, 5, 7, 1, 10]);
});

test("agrees with a sort of pairs on many values", () => {
  const values = Array.from({ length: 3000 }, (_, i) => (i % 17 === 0 ? NaN : (i * 7919) % 101));
  const wanted = values
    .map((value, row) => ({ value, row }))
    .sort((a, b) => {
      if (Number.isNaN(a.value) || Number.isNaN(b.value))
        return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) || a.row - b.row;
      return b.value - a.value || a.row - b.row;
    });
  assert.deepEqual(
    order(values, true),
    wanted.map(({ row }) => row),
  );
});
