// Where points lie on a canvas, and which lies nearest: arithmetic without a canvas.

homolog.scatterPoints = (() => {
  /** @typedef {{ low: number, high: number }} Range */
  /** @typedef {{ left: number, right: number, top: number, bottom: number }} Box */
  /**
   * Pixels of every row; NaN where a value is missing.
   * @typedef {{ x: Float32Array, y: Float32Array, nMissing: number }} Points
   */

  /** Least and greatest finite value, a little widened. @param {ArrayLike<number>} values @returns {Range} */
  function range(values) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value < low && value !== -Infinity) low = value;
      if (value > high && value !== Infinity) high = value;
    }
    if (!(low <= high)) return { low: 0, high: 1 };
    const margin = high > low ? 0.02 * (high - low) : 0.5;
    return { low: low - margin, high: high + margin };
  }

  /**
   * @param {ArrayLike<number>} xs
   * @param {ArrayLike<number>} ys
   * @param {Range} xRange
   * @param {Range} yRange
   * @param {Box} box
   * @returns {Points}
   */
  function place(xs, ys, xRange, yRange, box) {
    const points = { x: new Float32Array(xs.length), y: new Float32Array(xs.length), nMissing: 0 };
    const xScale = (box.right - box.left) / (xRange.high - xRange.low);
    const yScale = (box.bottom - box.top) / (yRange.high - yRange.low);
    for (let i = 0; i < xs.length; i++) {
      points.x[i] = box.left + (xs[i] - xRange.low) * xScale;
      points.y[i] = box.bottom - (ys[i] - yRange.low) * yScale;
      if (!Number.isFinite(points.x[i]) || !Number.isFinite(points.y[i])) {
        points.x[i] = points.y[i] = NaN;
        points.nMissing++;
      }
    }
    return points;
  }

  /**
   * The row among `rows` nearest to a place and within `reach` pixels, or -1.
   * @param {Points} points
   * @param {Iterable<number>} rows
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  function nearest(points, rows, x, y, reach) {
    let [best, least] = [-1, reach * reach];
    for (const row of rows) {
      const [dx, dy] = [points.x[row] - x, points.y[row] - y];
      const squared = dx * dx + dy * dy;
      if (squared <= least) [best, least] = [row, squared];
    }
    return best;
  }

  /**
   * The row to which an arrow key leads: the nearest that lies that way, where being off the line counts double; -1 where none does.
   * @param {Points} points
   * @param {Iterable<number>} rows
   * @param {number} from
   * @param {number} dx
   * @param {number} dy a unit step, y downward
   */
  function towards(points, rows, from, dx, dy) {
    const [x, y] = [points.x[from], points.y[from]];
    let [best, least] = [-1, Infinity];
    for (const row of rows) {
      const along = (points.x[row] - x) * dx + (points.y[row] - y) * dy;
      if (!(along > 0)) continue;
      const off = Math.abs((points.x[row] - x) * dy) + Math.abs((points.y[row] - y) * dx);
      const cost = along + 2 * off;
      if (cost < least) [best, least] = [row, cost];
    }
    return best;
  }

  return { range, place, nearest, towards };
})();
