// The explorer's scripts run in Node, for what needs no page. Each call gives a fresh namespace.
"use strict";

const vm = require("node:vm");
const { script } = require("./join.js");

/** @returns {any} the namespace `homolog` */
function load() {
  const context = vm.createContext({
    TextDecoder,
    DecompressionStream,
    Blob,
    Response,
    atob,
    console,
    URL,
    ArrayBuffer,
    DataView,
    Uint8Array,
    Int8Array,
    Uint16Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  });
  vm.runInContext(`${script()}\nglobalThis.homolog = homolog;`, context, { filename: "explorer" });
  return context.homolog;
}

module.exports = { load };
