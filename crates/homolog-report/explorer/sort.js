// Order of rows by a column: ties keep the order of the rows, missing values come last whichever the direction.

homolog.sort = (() => {
  /** @param {Uint32Array} rows ascending @param {ArrayLike<number>} values by row @param {boolean} descending @returns {Uint32Array} */
  function order(rows, values, descending) {
    const sorted = new Uint32Array(rows.length);
    let [nPresent, nMissing] = [0, 0];
    for (const row of rows) {
      if (Number.isNaN(values[row])) sorted[rows.length - ++nMissing] = row;
      else sorted[nPresent++] = row;
    }
    // They were written from the end.
    sorted.subarray(nPresent).reverse();
    const sign = descending ? -1 : 1;
    sorted.subarray(0, nPresent).sort((a, b) => sign * (values[a] - values[b]) || a - b);
    return sorted;
  }

  return { order };
})();
