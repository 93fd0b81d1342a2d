// Writes bundles by the letter of docs/explorer.md: the other side of ../bundle.js, for tests.
"use strict";

const zlib = require("node:zlib");

/** @type {Map<any, string>} */
const TYPES = new Map(
  /** @type {[any, string][]} */ ([
    [Int8Array, "i8"],
    [Uint8Array, "u8"],
    [Uint16Array, "u16"],
    [Uint32Array, "u32"],
    [Float32Array, "f32"],
    [Float64Array, "f64"],
  ]),
);
const padding = (/** @type {number} */ length) => (8 - (length % 8)) % 8;

/** @typedef {{ data: any, shape: number[] }} Array_ */

/** @param {any} meta @param {Record<string, Array_>} arrays @returns {Buffer} before compression */
function encode(meta, arrays) {
  /** @type {Record<string, { type: string | undefined, shape: number[], at: number }>} */
  const described = {};
  const parts = [];
  let at = 0;
  for (const [name, { data, shape }] of Object.entries(arrays)) {
    described[name] = { type: TYPES.get(data.constructor), shape, at };
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    parts.push(bytes, Buffer.alloc(padding(bytes.length)));
    at += bytes.length + padding(bytes.length);
  }
  let header = Buffer.from(JSON.stringify({ meta, arrays: described }));
  header = Buffer.concat([header, Buffer.alloc(padding(4 + header.length), " ")]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, ...parts]);
}

/** @param {any} meta @param {Record<string, Array_>} arrays @returns {string} */
function base64(meta, arrays) {
  return zlib.gzipSync(encode(meta, arrays), { level: 1 }).toString("base64");
}

/** @param {string} name @param {string} text base64 */
const dataFile = (name, text) => `homolog.add("${name}","${text}");\n`;

module.exports = { encode, base64, dataFile };
