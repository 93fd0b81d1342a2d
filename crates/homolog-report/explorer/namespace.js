"use strict";
// The one global name of the explorer, and the types that cross its files.
// Each file adds one property to it; order.txt says in which order they are joined.

/** @typedef {Int8Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array} Numbers */
/** @typedef {{ data: Numbers, shape: number[] }} NumberArray */
/** @typedef {{ meta: any, arrays: Map<string, NumberArray> }} Bundle */

/** @typedef {{ name: string, n_layers: number, d_mlp: number }} Model */
/** @typedef {"number" | "flag" | "integer"} Kind */
/** @typedef {{ name: string, title: string, help: string, kind: Kind }} ColumnInfo */

/**
 * `meta` of the bundle `index`; docs/explorer.md says what each is.
 * @typedef {object} Index
 * @property {string} study
 * @property {"all" | "selected"} scope
 * @property {Model[]} models
 * @property {(number | null)[]} checkpoints
 * @property {number[]} table_checkpoints
 * @property {number[]} window_checkpoints
 * @property {number} threshold
 * @property {number} count_threshold
 * @property {number} n_tokens_counted
 * @property {number} window_tokens
 * @property {number} n_windows
 * @property {number} n_partner_windows
 * @property {number} n_bins
 * @property {number} top_k
 * @property {number} rows_per_text
 * @property {number} context
 * @property {boolean} is_screened
 * @property {boolean} has_vocabulary
 * @property {ColumnInfo[]} columns
 * @property {string[]} notes
 * @property {string} tables
 */

/**
 * Missing values are NaN, whatever the type of the file.
 * @typedef {ColumnInfo & { values: Float32Array | Float64Array, isShown: boolean, decimals: number }} Column
 */
/** @typedef {{ layer: number, neuron: number }} NeuronId */
/** @typedef {{ column: string, descending: boolean }} Sort */

/**
 * What a link restores. Names rather than indices, as they stand in the fragment; null where it says nothing.
 * @typedef {object} View
 * @property {string} model
 * @property {number | null} checkpoint step; null for a study that names none
 * @property {NeuronId | null} neuron
 * @property {string} filter
 * @property {Sort | null} sort
 * @property {string | null} x
 * @property {string | null} y
 * @property {string | null} color
 */

/**
 * One row a neuron that is listed, in the order (layer, neuron).
 * @typedef {object} Table
 * @property {number} model
 * @property {number} checkpoint index
 * @property {number} n
 * @property {Numbers} layer
 * @property {Numbers} neuron
 * @property {Column[]} columns
 * @property {Map<string, Column>} byName
 * @property {(id: NeuronId) => number} find row of a neuron, -1 where it is not listed
 * @property {(row: number) => string} label such as L2.53
 */

/**
 * @typedef {object} Dataset
 * @property {Index} index
 * @property {(model: number, checkpoint: number) => Promise<{ table: Table, bundle: Bundle }>} table
 * @property {(model: number) => Promise<Bundle>} course
 * @property {(model: number, checkpoint: number, layer: number) => Promise<Bundle>} detail
 * @property {(row: number) => Promise<Numbers>} text token ids of a row of the corpus
 * @property {() => Promise<string[] | null>} vocabulary
 */

/** Names of the columns that a scatter plot shows. @typedef {{ x: string, y: string, color: string }} Axes */
/** A part of an axis. @typedef {{ column: string, low: number, high: number }} Span */
/** A name that completes. @typedef {{ name: string, title: string, help: string, insert: string }} Word */

const homolog = {};
