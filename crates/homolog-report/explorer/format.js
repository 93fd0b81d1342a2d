// Numbers as they are written: a true minus, thousands set apart, one count of decimals a column so that points align.

homolog.format = (() => {
  const MISSING = "–";
  const minus = (/** @type {string} */ text) => text.replace("-", "−");

  /**
   * Decimals that give a column's greater values (a tenth lies above) three significant digits.
   * @param {ArrayLike<number>} values
   */
  function decimalsFor(values) {
    const sizes = [];
    const step = Math.max(1, Math.floor(values.length / 512));
    for (let i = 0; i < values.length; i += step) {
      const size = Math.abs(values[i]);
      if (size > 0 && size < Infinity) sizes.push(size);
    }
    if (sizes.length === 0) return 3;
    sizes.sort((a, b) => a - b);
    const magnitude = Math.floor(Math.log10(sizes[Math.floor(0.9 * (sizes.length - 1))]));
    return Math.min(6, Math.max(1, 2 - magnitude));
  }

  /** @param {number} value @param {number} decimals */
  function fixed(value, decimals) {
    if (Number.isNaN(value)) return MISSING;
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    const size = Math.abs(value);
    if (size >= 1e6 || (size > 0 && size < 0.5 * 10 ** -decimals)) return minus(value.toExponential(1));
    return minus(value.toFixed(decimals));
  }

  /** @param {number} value */
  function integer(value) {
    if (Number.isNaN(value)) return MISSING;
    return minus(Math.round(value).toString()).replace(/\B(?=(\d{3})+$)/g, "\u2009");
  }

  /** Three significant digits. @param {number} value */
  function short(value) {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? MISSING : value > 0 ? "∞" : "−∞";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e6 || size < 1e-4)) return minus(value.toExponential(1));
    return minus(String(Number(value.toPrecision(3))));
  }

  /** @param {number} value @param {Column} column */
  function cell(value, column) {
    if (Number.isNaN(value)) return MISSING;
    if (column.kind === "flag") return value === 1 ? "✓" : "·";
    return column.kind === "integer" ? integer(value) : fixed(value, column.decimals);
  }

  /**
   * Round numbers from low to high, about `count` of them.
   * @param {number} low
   * @param {number} high
   * @param {number} count
   * @returns {number[]}
   */
  function ticks(low, high, count) {
    if (!(high > low)) return [low];
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * (rough / power > 5 ? 10 : rough / power > 2 ? 5 : rough / power > 1 ? 2 : 1);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++)
      found.push(Number((k * step).toPrecision(12)));
    return found;
  }

  /** @param {number | null} step */
  const checkpoint = (step) => (step === null ? "final" : `step ${integer(step)}`);

  return { decimalsFor, fixed, integer, short, cell, ticks, checkpoint };
})();
