// Writes an explorer of an invented study, in exactly the format of docs/explorer.md and with hostile tokens:
//
//     node make-fixture.js OUT [--small] [--report]
//
// OUT/index.html and OUT/data/*.js; with --report OUT/report.html, a selection with all data inline. Equal arguments
// give equal bytes.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { base64, dataFile } = require("./bundle-writer.js");
const { page, report } = require("./join.js");
const { HOSTILE, vocabulary } = require("./hostile.js");

const CHECKPOINTS = [0, 38, 1200];
const LAST = CHECKPOINTS.length - 1;
const [N_BINS, TOP_K, N_WINDOWS, N_PARTNER_WINDOWS, WINDOW, CONTEXT, ROWS_PER_TEXT] = [64, 16, 10, 3, 32, 512, 64];
const N_ROWS = 128;
const NO_ROW = 0xffffffff;

/** Uniform in [0, 1), from a seed. @param {number} seed */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Those that Rust writes, `columns` of src/explorer/table.rs: tests/written.test.js holds the two together. */
const COLUMNS = [
  ["excess_corr", "excess", "Mean over the other models of the best match's correlation minus the baseline's."],
  ["is_universal", "universal", "Whether it is so by the study's rule and threshold.", "flag"],
  ["mean_corr", "mean corr", "Mean over the other models of the best match's correlation."],
  ["max_corr", "max corr", "Greatest correlation of a best match over the other models."],
  ["min_corr", "min corr", "Least correlation of a best match over the other models."],
  ["mean_baseline", "baseline", "Mean over the other models of the best match against the study's null."],
  [
    "n_models_above",
    "models above",
    "Other models in which the best match's correlation is greater than the count threshold.",
    "integer",
  ],
  ["is_universal_count", "universal by count", "Whether enough models are above the count threshold.", "flag"],
  ["act_mean", "mean", "Mean activation over counted tokens."],
  ["act_var", "variance", "Variance of the activation over counted tokens, over N."],
  ["act_skew", "skew", "Skewness of the activation."],
  ["act_kurt", "kurtosis", "Kurtosis of the activation; 3 for a Gaussian."],
  ["act_max", "max", "Greatest activation over counted tokens."],
  ["frac_positive", "positive", "Share of counted tokens with an activation greater than 0."],
  [
    "excess_low",
    "excess from",
    "Lower end of the interval of the excess, over blocks of text; match and baseline held fixed.",
  ],
  ["excess_high", "excess to", "Upper end of the interval of the excess."],
  [
    "cross_fitted_excess",
    "excess, cross-fitted",
    "The excess where matches are chosen on one half of the tokens and measured on the other.",
  ],
  ["q_bh", "q", "Least false discovery rate (Benjamini and Hochberg) at which its best matches are beyond chance."],
  [
    "mean_corr_without_both",
    "corr without tokens",
    "Mean over the other models of the match's correlation without frequent tokens and positions.",
  ],
  ["token_share", "token share", "Share of the activation's variance that its means for frequent tokens explain."],
  ["n_mutual", "mutual", "Other models whose best match and it are each other's best match.", "integer"],
  [
    "n_models_clique",
    "models in set",
    "Models in its largest set of neurons that are each other's best match all round, its own among them; 1 of none.",
    "integer",
  ],
].map(([name, title, help, kind = "number"]) => ({ name, title, help, kind }));

const EXACT = "Whether no screening decided anything of this row.";
const CONTROL = "Whether the neuron is here to compare with: matched to a universal one of its layer.";

/** @typedef {{ nModels: number, nLayers: number, dMlp: number, isReport: boolean }} Size */

/** @param {Size} size */
function models({ nModels, nLayers, dMlp }) {
  // Names are data as well: one that would break an address or a page.
  return Array.from({ length: nModels }, (_, i) => ({
    name: i === 2 ? "seed/3 <b>&é" : `seed-${i + 1}`,
    n_layers: nLayers,
    d_mlp: dMlp,
  }));
}

/** Neurons that are listed, by layer. @param {Size} size */
function listed({ nLayers, dMlp, isReport }) {
  const perLayer = isReport ? Math.min(dMlp, 25) : dMlp;
  const stride = Math.floor(dMlp / perLayer);
  return {
    n: nLayers * perLayer,
    perLayer,
    layer: (/** @type {number} */ row) => Math.floor(row / perLayer),
    neuron: (/** @type {number} */ row) => (row % perLayer) * stride,
  };
}

/** @param {Size} size */
function index(size) {
  const { isReport } = size;
  const control = { name: "is_control", title: "control", help: CONTROL, kind: "flag" };
  const exact = { name: "is_exact", title: "exact", help: EXACT, kind: "flag" };
  return {
    study: "fixture </script><b>",
    scope: isReport ? "selected" : "all",
    models: models(size),
    checkpoints: CHECKPOINTS,
    table_checkpoints: isReport ? [LAST] : [0, 1, 2],
    window_checkpoints: [LAST],
    threshold: 0.5,
    count_threshold: 0.5,
    n_tokens_counted: 5000000,
    window_tokens: WINDOW,
    n_windows: N_WINDOWS,
    n_partner_windows: N_PARTNER_WINDOWS,
    n_bins: N_BINS,
    top_k: TOP_K,
    rows_per_text: isReport ? 0 : ROWS_PER_TEXT,
    context: CONTEXT,
    is_screened: isReport,
    has_vocabulary: true,
    columns: isReport ? [...COLUMNS, exact, control] : COLUMNS,
    notes: isReport ? ["The selection was cut to the first 4,000 neurons."] : [],
    tables: "The tables of this run are Parquet files in its folder tables/.",
  };
}

/** @param {Size} size @param {number} model @param {number} checkpoint */
function table(size, model, checkpoint) {
  const { n, layer, neuron } = listed(size);
  const next = random(1000 * model + checkpoint + 1);
  /** @type {Record<string, any>} */
  const arrays = { layer: new Uint16Array(n), neuron: new Uint32Array(n) };
  for (const { name, kind } of index(size).columns)
    arrays[name] = kind === "flag" ? new Uint8Array(n) : kind === "integer" ? new Uint32Array(n) : new Float32Array(n);
  const others = models(size)
    .map((_, other) => other)
    .filter((other) => other !== model);
  for (const other of others) {
    for (const field of ["corr", "second", "baseline", "lowest"])
      arrays[`match.${other}.${field}`] = new Float32Array(n);
    if (size.isReport) {
      arrays[`match.${other}.is_exact`] = new Uint8Array(n);
      arrays[`match.${other}.margin`] = new Float32Array(n);
    }
    arrays[`match.${other}.is_mutual`] = new Uint8Array(n);
    arrays[`match.${other}.layer`] = new Uint16Array(n);
    arrays[`match.${other}.neuron`] = new Uint32Array(n);
  }
  for (let row = 0; row < n; row++) {
    arrays.layer[row] = layer(row);
    arrays.neuron[row] = neuron(row);
    const isDead = row % 211 === 210;
    const shared =
      ((next() < 0.12 ? 0.55 + 0.42 * next() : 0.08 + 0.3 * next() * next()) * (checkpoint + 1)) / CHECKPOINTS.length;
    const corrs = [];
    const bases = [];
    for (const other of others) {
      const corr = isDead ? NaN : Math.min(0.995, shared + 0.12 * (next() - 0.3));
      const baseline = isDead ? NaN : 0.05 + 0.12 * next() + 0.1 * shared;
      corrs.push(corr);
      bases.push(baseline);
      arrays[`match.${other}.corr`][row] = corr;
      arrays[`match.${other}.second`][row] = corr * (0.4 + 0.5 * next());
      arrays[`match.${other}.baseline`][row] = baseline;
      arrays[`match.${other}.lowest`][row] = -0.3 * next();
      arrays[`match.${other}.is_mutual`][row] = row % 3 === 0 ? 1 : 0;
      if (size.isReport) {
        // Every other neuron was computed in full.
        arrays[`match.${other}.is_exact`][row] = (row + 1) % 2;
        arrays[`match.${other}.margin`][row] = row % 2 === 0 ? NaN : 6 + 0.25 * (row % 40);
      }
      const partner = Math.floor(next() * n);
      arrays[`match.${other}.layer`][row] = layer(partner);
      arrays[`match.${other}.neuron`][row] = neuron(partner);
    }
    const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    arrays.max_corr[row] = Math.max(...corrs);
    arrays.mean_corr[row] = mean(corrs);
    arrays.min_corr[row] = Math.min(...corrs);
    arrays.mean_baseline[row] = mean(bases);
    arrays.excess_corr[row] = mean(corrs) - mean(bases);
    arrays.excess_low[row] = arrays.excess_corr[row] - 0.04;
    arrays.excess_high[row] = arrays.excess_corr[row] + 0.04;
    arrays.cross_fitted_excess[row] = arrays.excess_corr[row] - 0.01;
    arrays.q_bh[row] = Math.exp(-20 * arrays.excess_corr[row]);
    arrays.mean_corr_without_both[row] = 0.6 * arrays.mean_corr[row];
    arrays.token_share[row] = isDead ? NaN : 0.5 * shared;
    arrays.n_mutual[row] = row % 3 === 0 ? corrs.length : 0;
    arrays.n_models_clique[row] = row % 3 === 0 ? corrs.length + 1 : 1;
    arrays.is_universal[row] = Number(arrays.excess_corr[row] > 0.5);
    arrays.n_models_above[row] = corrs.filter((corr) => corr > 0.5).length;
    arrays.is_universal_count[row] = Number(arrays.n_models_above[row] >= 2);
    arrays.act_mean[row] = 0.1 * (next() - 0.4);
    arrays.act_var[row] = isDead ? 0 : 0.002 + 0.05 * next() * next();
    arrays.act_skew[row] = isDead ? NaN : 6 * shared * next() - 0.4;
    arrays.act_kurt[row] = isDead ? NaN : 3 + 90 * shared * next() * next();
    arrays.act_max[row] = isDead ? -0.17 : 1 + 6 * next();
    arrays.frac_positive[row] = isDead ? 0 : 0.02 + 0.4 * next();
    if (arrays.is_exact) arrays.is_exact[row] = (row + 1) % 2;
    if (arrays.is_control) arrays.is_control[row] = Number(next() < 0.3);
  }
  return shaped(arrays, n);
}

/** @param {Record<string, any>} arrays @param {number} n first dimension; the second follows */
function shaped(arrays, n) {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, data]) => [
      name,
      { data, shape: data.length === n ? [n] : [n, data.length / n] },
    ]),
  );
}

/** @param {Size} size @param {number} model */
function course(size, model) {
  const { n, layer, neuron } = listed(size);
  const [width, next] = [CHECKPOINTS.length, random(50 + model)];
  /** @type {Record<string, any>} */
  const arrays = {
    layer: new Uint16Array(n),
    neuron: new Uint32Array(n),
    excess_corr: new Float32Array(n * width),
    mean_corr: new Float32Array(n * width),
    mean_baseline: new Float32Array(n * width),
  };
  for (let row = 0; row < n; row++) {
    arrays.layer[row] = layer(row);
    arrays.neuron[row] = neuron(row);
    for (let c = 0; c < width; c++) {
      const at = row * width + c;
      arrays.mean_baseline[at] = 0.08 + 0.05 * next();
      arrays.mean_corr[at] = arrays.mean_baseline[at] + (0.6 * next() * (c + 0.2)) / width;
      arrays.excess_corr[at] = row % 211 === 210 ? NaN : arrays.mean_corr[at] - arrays.mean_baseline[at];
    }
  }
  return shaped(arrays, n);
}

/** @param {Size} size @param {number} model @param {number} checkpoint @param {number} layer */
function detail(size, model, checkpoint, layer) {
  const { perLayer: n, neuron } = listed(size);
  const next = random(7919 * model + 31 * layer + checkpoint);
  const others = models(size)
    .map((_, other) => other)
    .filter((other) => other !== model);
  /** @type {Record<string, any>} */
  const flat = {
    neuron: Uint32Array.from({ length: n }, (_, i) => neuron(i)),
  };
  /** @type {Record<string, { data: any, shape: number[] }>} */
  const arrays = {};
  for (const other of others) {
    const corr = new Float32Array(n * TOP_K);
    for (let i = 0; i < n; i++) {
      const top = 0.2 + 0.75 * next();
      for (let rank = 0; rank < TOP_K; rank++)
        corr[i * TOP_K + rank] = top * (0.3 + 0.7 / (1 + rank * (0.3 + 0.4 * next()) * 0.5));
      corr
        .subarray(i * TOP_K, (i + 1) * TOP_K)
        .sort()
        .reverse();
    }
    arrays[`topk.${other}.corr`] = { data: corr, shape: [n, TOP_K] };
    arrays[`topk.${other}.neuron`] = {
      data: Uint32Array.from({ length: n * TOP_K }, () => Math.floor(next() * size.nLayers * size.dMlp)),
      shape: [n, TOP_K],
    };
  }
  if (checkpoint === LAST) windows(size, n, others, next, layer, arrays);
  return { ...shaped(flat, n), ...arrays };
}

/**
 * @param {Size} size
 * @param {number} n
 * @param {number[]} others
 * @param {() => number} next
 * @param {number} layer
 * @param {Record<string, any>} arrays
 */
function windows(size, n, others, next, layer, arrays) {
  const [histogram, range] = [new Uint32Array(n * N_BINS), new Float32Array(n * 2)];
  for (let i = 0; i < n; i++) {
    range.set([-0.17, 1 + 6 * next()], i * 2);
    for (let bin = 0; bin < N_BINS; bin++)
      histogram[i * N_BINS + bin] = Math.floor(2e6 * Math.exp(-0.22 * bin) * (0.6 + 0.8 * next()));
  }
  Object.assign(arrays, { histogram: { data: histogram, shape: [n, N_BINS] }, range: { data: range, shape: [n, 2] } });
  const [row, start, peak, again] = [0, 1, 2, 3].map(() => new Uint32Array(n * N_WINDOWS));
  const top = new Float32Array(n * N_WINDOWS);
  const activation = () =>
    Int8Array.from({ length: n * WINDOW * N_WINDOWS }, () => Math.round(60 * next() * next() * next() - 8));
  const own = activation();
  const tokens = new Uint32Array(n * N_WINDOWS * WINDOW);
  for (let i = 0; i < n; i++) {
    for (let w = 0; w < N_WINDOWS; w++) {
      const at = i * N_WINDOWS + w;
      // The first neuron of the first layer meets the hostile tokens, which fill the first row; the second has few
      // windows.
      const isHostile = layer === 0 && i === 0 && w < 2;
      row[at] = i === 1 && w > 3 ? NO_ROW : isHostile ? 0 : 1 + Math.floor(next() * (N_ROWS - 1));
      start[at] = isHostile ? w * WINDOW : Math.floor(next() * (CONTEXT - WINDOW));
      const k = Math.floor(next() * WINDOW);
      peak[at] = start[at] + k;
      own[at * WINDOW + k] = 127 - 6 * w;
      // Not a multiple of what `activation` can say.
      top[at] = 1 - (6 * w + 3) / 127;
      again[at] = w === 1 ? 3 : 0;
      if (row[at] !== NO_ROW) for (let t = 0; t < WINDOW; t++) tokens[at * WINDOW + t] = token(row[at], start[at] + t);
    }
  }
  const scale = Float32Array.from({ length: n }, () => 1 + 5 * next());
  Object.assign(arrays, {
    ...Object.fromEntries(
      Object.entries({ row, start, peak, n_duplicates: again }).map(([name, data]) => [
        name,
        { data, shape: [n, N_WINDOWS] },
      ]),
    ),
    activation: { data: own, shape: [n, N_WINDOWS, WINDOW] },
    scale: { data: scale, shape: [n] },
    peak_activation: { data: top.map((share, at) => share * scale[Math.floor(at / N_WINDOWS)]), shape: [n, N_WINDOWS] },
  });
  for (const other of others) {
    const theirs = activation().subarray(0, n * N_PARTNER_WINDOWS * WINDOW);
    for (let i = 0; i < n; i++)
      for (let w = 0; w < N_PARTNER_WINDOWS; w++)
        theirs[(i * N_PARTNER_WINDOWS + w) * WINDOW + (peak[i * N_WINDOWS + w] - start[i * N_WINDOWS + w])] =
          Math.round(60 + 60 * next());
    arrays[`partner.${other}.activation`] = { data: theirs, shape: [n, N_PARTNER_WINDOWS, WINDOW] };
    arrays[`partner.${other}.scale`] = { data: scale.map((value) => value * 0.9), shape: [n] };
  }
  if (size.isReport) arrays.tokens = { data: tokens, shape: [n, N_WINDOWS, WINDOW] };
}

/** Token at a place of the invented corpus. @param {number} row @param {number} position */
function token(row, position) {
  if (row === 0 && position < HOSTILE.length) return position;
  const mixed = random(row * CONTEXT + position)();
  return HOSTILE.length + Math.floor(mixed * mixed * 500);
}

/** @param {number} i */
function text(i) {
  const data = Uint16Array.from({ length: ROWS_PER_TEXT * CONTEXT }, (_, at) =>
    token(i * ROWS_PER_TEXT + Math.floor(at / CONTEXT), at % CONTEXT),
  );
  return { rows: { data, shape: [ROWS_PER_TEXT, CONTEXT] } };
}

/**
 * Every bundle of a study by name, each made when asked for.
 * @param {Size} size
 * @returns {Map<string, () => string>}
 */
function bundles(size) {
  /** @type {Map<string, () => string>} */
  const all = new Map([
    ["index", () => base64(index(size), {})],
    ["vocabulary", () => base64({ tokens: vocabulary(500) }, {})],
  ]);
  const isSmall = size.dMlp <= 256 || size.isReport;
  // Of a large study three layers have details, and of earlier checkpoints one model: the rest is missing, as if files
  // were lost.
  const layers = isSmall ? Array.from({ length: size.nLayers }, (_, layer) => layer) : [0, 5, size.nLayers - 1];
  for (let model = 0; model < size.nModels; model++) {
    for (const checkpoint of index(size).table_checkpoints) {
      all.set(`table-${model}-${checkpoint}`, () => base64({}, table(size, model, checkpoint)));
      for (const layer of layers)
        if (isSmall || checkpoint === LAST || model === 0)
          all.set(`detail-${model}-${checkpoint}-${layer}`, () => base64({}, detail(size, model, checkpoint, layer)));
    }
    all.set(`course-${model}`, () => base64({}, course(size, model)));
  }
  if (!size.isReport) for (let i = 0; i < N_ROWS / ROWS_PER_TEXT; i++) all.set(`text-${i}`, () => base64({}, text(i)));
  return all;
}

/** @type {Record<string, Size>} */
const SIZES = {
  small: { nModels: 3, nLayers: 4, dMlp: 256, isReport: false },
  full: { nModels: 5, nLayers: 12, dMlp: 3072, isReport: false },
};

/**
 * @param {string} out
 * @param {{ isSmall?: boolean, isReport?: boolean, only?: RegExp }} [options] `only`: names of the bundles to write
 */
function write(out, { isSmall = false, isReport = false, only = /./ } = {}) {
  const made = [...bundles({ ...SIZES[isSmall ? "small" : "full"], isReport })].filter(([name]) => only.test(name));
  fs.mkdirSync(path.join(out, "data"), { recursive: true });
  if (isReport)
    return fs.writeFileSync(path.join(out, "report.html"), report(new Map(made.map(([name, make]) => [name, make()]))));
  fs.writeFileSync(path.join(out, "index.html"), page());
  for (const [name, make] of made) fs.writeFileSync(path.join(out, "data", `${name}.js`), dataFile(name, make()));
}

module.exports = { write, bundles, index, SIZES };

if (require.main === module) {
  const [out] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
  if (!out) {
    console.error("usage: node make-fixture.js OUT [--small] [--report]");
    process.exit(2);
  }
  write(out, { isSmall: process.argv.includes("--small"), isReport: process.argv.includes("--report") });
}
