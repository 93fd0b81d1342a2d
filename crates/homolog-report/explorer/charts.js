// A small chart's frame: axes, ticks and titles in SVG. What is drawn inside is the business of curves.js.

homolog.charts = (() => {
  const { svg } = homolog.dom;
  const { short, ticks } = homolog.format;

  /** @typedef {{ at: number, text: string }} Tick */
  /**
   * @typedef {{ low: number, high: number, ticks: Tick[], title: string }} Axis in the units that are drawn, such as logarithms
   */

  const [WIDTH, HEIGHT] = [400, 210];
  const MARGIN = { left: 48, right: 12, top: 10, bottom: 38 };

  /** @param {number} low @param {number} high @param {string} title @returns {Axis} */
  function linear(low, high, title) {
    const isEmpty = !(high > low);
    const [from, to] = isEmpty ? [low - 0.5, low + 0.5] : [low, high];
    return { low: from, high: to, ticks: ticks(from, to, 5).map((at) => ({ at, text: short(at) })), title };
  }

  /** Powers of ten as they are spoken: 1k rather than 1,000. @param {number} power */
  const powerText = (power) =>
    power < 3
      ? String(10 ** power)
      : power < 6
        ? `${10 ** (power - 3)}k`
        : power < 9
          ? `${10 ** (power - 6)}M`
          : `1e${power}`;

  /** log10(1 + value): linear about 0, logarithmic from 10 or so on. @param {number} value */
  const symlog = (value) => Math.log10(1 + value);

  /** @param {number} low @param {number} high of the values, not below 0 @param {string} title @returns {Axis} */
  function symmetricLog(low, high, title) {
    /** @type {Tick[]} */
    const marks = low <= 0 ? [{ at: 0, text: "0" }] : [];
    const last = Math.ceil(Math.log10(Math.max(high, 1)) + 1e-9);
    for (let power = 0; power <= last; power++) {
      const value = 10 ** power;
      if (value >= low && value <= high) marks.push({ at: symlog(value), text: powerText(power) });
    }
    const [from, to] = [symlog(low), symlog(high)];
    return { low: from, high: to > from ? to : from + 1, ticks: marks, title };
  }

  /**
   * @param {string} name read by readers of screens @param {Axis} xAxis @param {Axis} yAxis
   * @returns {{ node: SVGElement, x: (value: number) => number, y: (value: number) => number, right: number, bottom: number, add: (...nodes: Node[]) => void }}
   */
  function frame(name, xAxis, yAxis) {
    const [right, bottom] = [WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];
    const x = (/** @type {number} */ value) =>
      MARGIN.left + ((value - xAxis.low) / (xAxis.high - xAxis.low)) * (right - MARGIN.left);
    const y = (/** @type {number} */ value) =>
      bottom - ((value - yAxis.low) / (yAxis.high - yAxis.low)) * (bottom - MARGIN.top);
    const node = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name });
    let above = Infinity;
    for (const { at, text } of yAxis.ticks) {
      if (above - y(at) < 13) continue;
      above = y(at);
      node.append(svg("line", { class: "grid-line", x1: MARGIN.left, x2: right, y1: y(at), y2: y(at) }));
      node.append(svg("text", { class: "tick", x: MARGIN.left - 5, y: y(at) + 3.5, "text-anchor": "end" }, text));
    }
    node.append(svg("line", { class: "axis", x1: MARGIN.left, x2: right, y1: bottom, y2: bottom }));
    let free = -Infinity;
    for (const { at, text } of xAxis.ticks) {
      const middle = x(at);
      node.append(svg("line", { class: "axis", x1: middle, x2: middle, y1: bottom, y2: bottom + 4 }));
      const width = 6.2 * text.length;
      if (middle - width / 2 < free) continue;
      free = middle + width / 2 + 4;
      node.append(svg("text", { class: "tick", x: middle, y: bottom + 15, "text-anchor": "middle" }, text));
    }
    node.append(
      svg(
        "text",
        { class: "axis-title", x: (MARGIN.left + right) / 2, y: HEIGHT - 5, "text-anchor": "middle" },
        xAxis.title,
      ),
    );
    const middle = (MARGIN.top + bottom) / 2;
    node.append(
      svg(
        "text",
        { class: "axis-title", x: 10, y: middle, "text-anchor": "middle", transform: `rotate(-90 10 ${middle})` },
        yAxis.title,
      ),
    );
    return { node, x, y, right, bottom, add: (...nodes) => node.append(...nodes) };
  }

  /**
   * Points joined by lines, with a gap where a value is missing.
   * @param {{ x: number, y: number }[]} points
   * @param {Record<string, any>} attributes
   */
  function line(points, attributes) {
    let path = "";
    let isDown = false;
    for (const { x, y } of points) {
      const isThere = Number.isFinite(x) && Number.isFinite(y);
      if (isThere) path += `${isDown ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      isDown = isThere;
    }
    return svg("path", { d: path || "M0 0", fill: "none", ...attributes });
  }

  return { linear, symmetricLog, symlog, frame, line };
})();
