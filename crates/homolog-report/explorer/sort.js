// Order of rows by a column: ties keep the order of the rows, missing values come last whichever the direction.
//
// A radix sort, least digit first, of the bits of f64: on 36,864 rows tens of times as fast as a sort by comparisons.

homolog.sort = (() => {
  const DIGIT_BITS = 16;
  const N_DIGITS = 64 / DIGIT_BITS;

  /**
   * Keys whose bits, read as an unsigned integer, are in the order asked for.
   * @param {Float64Array} keys changed in place
   * @param {boolean} descending
   */
  function orderBits(keys, descending) {
    const words = new Uint32Array(keys.buffer);
    const flip = descending ? 0xffffffff : 0;
    for (let i = 0; i < words.length; i += 2) {
      // Negative numbers grow backward: all their bits are turned; of others the sign only.
      const isNegative = words[i + 1] >>> 31 === 1;
      words[i] ^= (isNegative ? 0xffffffff : 0) ^ flip;
      words[i + 1] ^= (isNegative ? 0xffffffff : 0x80000000) ^ flip;
    }
  }

  /**
   * Places of the keys in ascending order of their bits, ties in their own order.
   * @param {Float64Array} keys
   * @returns {Uint32Array}
   */
  function radix(keys) {
    const n = keys.length;
    const digits = new Uint16Array(keys.buffer);
    let [from, to] = [Uint32Array.from({ length: n }, (_, i) => i), new Uint32Array(n)];
    const starts = new Uint32Array(1 << DIGIT_BITS);
    for (let digit = 0; digit < N_DIGITS; digit++) {
      starts.fill(0);
      for (let i = digit; i < digits.length; i += N_DIGITS) starts[digits[i]]++;
      if (n > 0 && starts[digits[digit]] === n) continue; // All alike, as the last digits of integers are.
      for (let value = 0, sum = 0; value < starts.length; value++) {
        const count = starts[value];
        starts[value] = sum;
        sum += count;
      }
      for (let i = 0; i < n; i++) to[starts[digits[N_DIGITS * from[i] + digit]]++] = from[i];
      [from, to] = [to, from];
    }
    return from;
  }

  /**
   * @param {Uint32Array} rows ascending
   * @param {ArrayLike<number>} values by row
   * @param {boolean} descending
   * @returns {Uint32Array}
   */
  function order(rows, values, descending) {
    const present = rows.filter((row) => !Number.isNaN(values[row]));
    const missing = rows.filter((row) => Number.isNaN(values[row]));
    const keys = new Float64Array(present.length);
    for (let i = 0; i < keys.length; i++) keys[i] = values[present[i]] + 0; // -0 + 0 is 0: the two tie.
    orderBits(keys, descending);
    const sorted = new Uint32Array(rows.length);
    sorted.set(radix(keys).map((place) => present[place]));
    sorted.set(missing, present.length);
    return sorted;
  }

  return { order };
})();
