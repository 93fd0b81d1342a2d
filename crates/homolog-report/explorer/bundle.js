// A bundle: base64 of gzip of a header and arrays (docs/explorer.md). Knows neither where bundles come from nor what
// they mean.

homolog.bundle = (() => {
  /**
   * @type {Record<string, { new (buffer: ArrayBuffer, at: number, length: number): Numbers, BYTES_PER_ELEMENT: number }>}
   */
  const TYPES = {
    i8: Int8Array,
    u8: Uint8Array,
    u16: Uint16Array,
    u32: Uint32Array,
    f32: Float32Array,
    f64: Float64Array,
  };

  /** @param {string} base64 @returns {Uint8Array} */
  function bytesOfBase64(base64) {
    // @ts-ignore Newer than the types; several times as fast.
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  /** @param {Uint8Array} bytes @returns {Promise<ArrayBuffer>} */
  function gunzip(bytes) {
    if (typeof DecompressionStream === "undefined") {
      throw new Error(
        "this browser cannot open compressed data (it has no DecompressionStream); use one of 2023 or later",
      );
    }
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  /** The arrays are views of `buffer`. @param {ArrayBuffer} buffer @returns {Bundle} */
  function parse(buffer) {
    if (buffer.byteLength < 4) throw new Error("a bundle has at least 4 bytes");
    const headerLength = new DataView(buffer).getUint32(0, true);
    const start = 4 + headerLength;
    if (start > buffer.byteLength) throw new Error(`the header ends at ${start}, the bundle at ${buffer.byteLength}`);
    const header = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(buffer, 4, headerLength)),
    );
    /** @type {Map<string, NumberArray>} */
    const arrays = new Map();
    for (const [name, { type, shape, at }] of Object.entries(header.arrays ?? {})) {
      const view = TYPES[type];
      if (!view) throw new Error(`array ${name} has the unknown type ${type}`);
      const length = shape.reduce((/** @type {number} */ product, /** @type {number} */ n) => product * n, 1);
      const from = start + at;
      if (from % view.BYTES_PER_ELEMENT !== 0)
        throw new Error(`array ${name} starts at ${from}, which is not aligned for ${type}`);
      if (from + length * view.BYTES_PER_ELEMENT > buffer.byteLength)
        throw new Error(`array ${name} is longer than the bundle`);
      arrays.set(name, { data: new view(buffer, from, length), shape });
    }
    return { meta: header.meta ?? {}, arrays };
  }

  /** @param {string} base64 @returns {Promise<Bundle>} */
  async function decode(base64) {
    return parse(await gunzip(bytesOfBase64(base64)));
  }

  /** @param {Bundle} bundle @param {string} name @returns {NumberArray} */
  function array(bundle, name) {
    const found = bundle.arrays.get(name);
    if (!found) throw new Error(`the bundle has no array ${name}`);
    return found;
  }

  /**
   * A row of an array: the slice at index `i` of its first dimension.
   * @param {Bundle} bundle
   * @param {string} name
   * @param {number} i
   */
  function row(bundle, name, i) {
    const { data, shape } = array(bundle, name);
    const width = shape.slice(1).reduce((product, n) => product * n, 1);
    return data.subarray(i * width, (i + 1) * width);
  }

  return { decode, parse, array, row };
})();
