"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("../load.js");
const writer = require("../bundle-writer.js");
const { bundles } = require("../make-fixture.js");

const { bundle, dataset } = load();
const ARRAYS = {
  a: { data: Int8Array.from([-128, 0, 127]), shape: [3] },
  b: { data: Uint8Array.from([0, 255]), shape: [2] },
  c: { data: Uint16Array.from([1, 65535, 3, 4, 5, 6]), shape: [3, 2] },
  d: { data: Uint32Array.from([4294967295]), shape: [1] },
  e: { data: Float32Array.from([0.5, NaN, -Infinity]), shape: [3] },
  f: { data: Float64Array.from([Math.PI]), shape: [1] },
  g: { data: new Float32Array(0), shape: [0, 4] },
};
const bytesOf = (/** @type {Buffer} */ buffer) =>
  buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);

test("every type comes back as it was written", async () => {
  for (const meta of [{}, { name: "é ∆" }, { name: "xx" }, { name: "xxxxx" }]) {
    const read = await bundle.decode(writer.base64(meta, ARRAYS));
    assert.deepEqual(JSON.parse(JSON.stringify(read.meta)), meta);
    for (const [name, { data, shape }] of Object.entries(ARRAYS)) {
      assert.deepEqual([...read.arrays.get(name).data], [...data], name);
      assert.equal(read.arrays.get(name).data.constructor.name, data.constructor.name);
      assert.deepEqual([...read.arrays.get(name).shape], shape);
    }
  }
});

test("a row of an array is a slice of its first dimension", async () => {
  const read = await bundle.decode(writer.base64({}, ARRAYS));
  assert.deepEqual([...bundle.row(read, "c", 1)], [3, 4]);
  assert.throws(() => bundle.row(read, "nothing", 0), /no array nothing/);
});

test("bytes that are not a bundle are refused", async () => {
  const whole = writer.encode({}, ARRAYS);
  assert.throws(() => bundle.parse(bytesOf(whole.subarray(0, whole.length - 8))), /longer than the bundle/);
  assert.throws(() => bundle.parse(bytesOf(whole.subarray(0, 20))), /header ends at/);
  assert.throws(() => bundle.parse(new ArrayBuffer(2)), /at least 4 bytes/);
  const renamed = Buffer.from(whole.toString("latin1").replace('"f64"', '"f16"'), "latin1");
  assert.throws(() => bundle.parse(bytesOf(renamed)), /unknown type f16/);
  const moved = Buffer.from(whole.toString("latin1").replace('"at":8', '"at":9'), "latin1");
  assert.doesNotThrow(() => bundle.parse(bytesOf(moved)), "bytes need no alignment");
  const odd = Buffer.from(whole.toString("latin1").replace('"shape":[3,2],"at":16', '"shape":[3,2],"at":17'), "latin1");
  assert.throws(() => bundle.parse(bytesOf(odd)), /array c starts at \d+, which is not aligned for u16/);
  await assert.rejects(bundle.decode("bm90IGd6aXA="));
  await assert.rejects(bundle.decode("***"));
});

test("a table finds neurons, turns greatest integers into missing values and names matches", async () => {
  const size = { nModels: 2, nLayers: 2, dMlp: 8, isReport: false };
  const made = bundles(size);
  const all = { get: (/** @type {string} */ name) => /** @type {() => string} */ (made.get(name))() };
  const open = await dataset.open({ load: (/** @type {string} */ name) => bundle.decode(all.get(name)) });
  const { table, bundle: raw } = await open.table(1, 2);
  assert.equal(table.n, 16);
  for (let row = 0; row < table.n; row++)
    assert.equal(table.find({ layer: table.layer[row], neuron: table.neuron[row] }), row);
  assert.equal(table.find({ layer: 2, neuron: 0 }), -1);
  assert.equal(table.find({ layer: 0, neuron: 8 }), -1);
  assert.equal(table.label(11), "L1.3");
  assert.ok(table.byName.has("match.0.corr") && !table.byName.has("match.1.corr"));
  const { id, corr } = dataset.matchOf(raw, 0, 5);
  assert.equal(corr, raw.arrays.get("match.0.corr").data[5]);
  assert.equal(id.layer, raw.arrays.get("match.0.layer").data[5]);
  raw.arrays.get("n_models_above").data[4] = 0xffffffff;
  raw.arrays.get("is_universal").data[4] = 255;
  const again = await dataset.open({
    load: async (/** @type {string} */ name) => (name === "index" ? bundle.decode(all.get(name)) : raw),
  });
  const read = (await again.table(1, 2)).table;
  assert.ok(Number.isNaN(read.byName.get("n_models_above").values[4]));
  assert.ok(Number.isNaN(read.byName.get("is_universal").values[4]));
});
