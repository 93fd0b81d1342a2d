"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("../load.js");

const { fragment } = load();
const EMPTY = { model: "m", checkpoint: 0, neuron: null, filter: "", sort: null, x: null, y: null, color: null };
const plain = (/** @type {any} */ value) => JSON.parse(JSON.stringify(value));

test("a neuron has the address that the contract names", () => {
  assert.equal(
    fragment.format({ ...EMPTY, model: "seed-1", checkpoint: 1200, neuron: { layer: 2, neuron: 53 } }),
    "#seed-1/1200/L2.53",
  );
  assert.equal(fragment.format({ ...EMPTY, checkpoint: null }), "#m/-");
});

test("views come back from their addresses", () => {
  const views = [
    EMPTY,
    { ...EMPTY, checkpoint: null, neuron: { layer: 0, neuron: 0 } },
    { ...EMPTY, model: "a/b?c#d%e é</script>" },
    {
      ...EMPTY,
      filter: 'abs(act_skew) > 2 && (a || !b) % 5 == 1+1 & "=" #',
      sort: { column: "excess_corr", descending: true },
    },
    { ...EMPTY, sort: { column: "layer", descending: false }, x: "max_corr", y: "match.1.corr", color: "is_universal" },
  ];
  for (const view of views) assert.deepEqual(plain(fragment.parse(fragment.format(view))), view);
});

test("a plus sign in a link that was written by hand is a space", () => {
  assert.equal(fragment.parse("#m/0?filter=layer+%3C+3%2B1").filter, "layer < 3+1");
});

test("other fragments are not ours", () => {
  for (const other of [
    "",
    "#",
    "#figures",
    "#figures/one",
    "#a/b/c",
    "#m/12/L1",
    "#m/12/L1.2/x",
    "#%E0%A4%A/12",
    "#m/1?filter=%zz",
    "#/12",
  ]) {
    assert.equal(fragment.parse(other), null, other);
  }
});

test("names that objects have anyway ask for nothing", () => {
  assert.deepEqual(plain(fragment.parse("#m/0?constructor=1&__proto__=2&unknown=3&empty")), EMPTY);
});
