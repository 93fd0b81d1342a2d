// The scatter plot of two columns, linked with the table: all neurons in grey, those of the filter in colour, the
// selected one ringed.

homolog.scatter = (() => {
  const { element, choice } = homolog.dom;
  const { short, ticks } = homolog.format;
  const { range, place, nearest, towards } = homolog.scatterPoints;
  const { dot } = homolog.scatterDots;
  const REACH = 10;
  const DRAG = 4;
  /** Steps through the rows in a fixed but mixed order, so that no layer hides another. */
  const STRIDE = 7919;

  /**
   * @param {object} listeners
   * @param {(row: number) => void} listeners.onSelect @param {(row: number) => void} listeners.onOpen
   * @param {(spans: Span[]) => void} listeners.onBrush @param {(axes: Axes) => void} listeners.onAxes
   */
  function create({ onSelect, onOpen, onBrush, onAxes }) {
    /** Set before anything is drawn. @type {Table} */
    let table = /** @type {any} */ (null);
    let rows = new Uint32Array(0);
    let selected = -1;
    let hovered = -1;
    /** @type {{ x0: number, y0: number, x1: number, y1: number } | null} */
    let drag = null;
    /** @type {Axes} */
    let axes = { x: "", y: "", color: "layer" };
    let nLayers = 1;
    let isAsked = false;
    let points = place([], [], range([]), range([]), { left: 0, right: 1, top: 0, bottom: 1 });
    let [xRange, yRange] = [range([]), range([])];
    let box = { left: 0, right: 1, top: 0, bottom: 1 };

    const base = element("canvas", { "aria-hidden": "true" });
    const dots = element("canvas", { "aria-hidden": "true" });
    const over = element("canvas", {
      class: "over",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "scatter plot",
    });
    const tip = element("div", { class: "tip", hidden: true });
    const said = element("p", { class: "sr-only", role: "status" });
    const legend = element("div", { class: "legend" });
    const xChoice = choice("x", [], () => chosen());
    const yChoice = choice("y", [], () => chosen());
    const colorChoice = choice("colour", [], () => chosen());
    const plot = element("div", { class: "plot" }, base, dots, over, tip);
    const node = element(
      "section",
      { class: "scatter", "aria-label": "Scatter plot" },
      element("div", { class: "scatter-axes" }, yChoice.node, xChoice.node, colorChoice.node),
      plot,
      legend,
      said,
    );

    function chosen() {
      axes = { x: xChoice.select.value, y: yChoice.select.value, color: colorChoice.select.value };
      draw();
      onAxes(axes);
    }

    /** @param {string} name @returns {Column} */
    const column = (name) => /** @type {Column} */ (table.byName.get(name));

    /** @param {HTMLCanvasElement} canvas */
    const penOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

    /** Sizes the canvases to the pixels of the screen. @returns {number} pixels of the screen a pixel of the page */
    function fit() {
      const [width, height, ratio] = [plot.clientWidth, plot.clientHeight, devicePixelRatio || 1];
      box = { left: 52, right: Math.max(width - 10, 60), top: 8, bottom: Math.max(height - 38, 20) };
      for (const canvas of [base, dots, over]) {
        const [w, h] = [Math.max(Math.round(width * ratio), 1), Math.max(Math.round(height * ratio), 1)];
        if (canvas.width !== w) canvas.width = w;
        if (canvas.height !== h) canvas.height = h;
        penOf(canvas).setTransform(ratio, 0, 0, ratio, 0, 0);
      }
      return ratio;
    }

    /** @param {string} name of a colour of the style sheet */
    const style = (name) => getComputedStyle(node).getPropertyValue(name).trim();

    /** Once a frame, however often it is asked for. */
    function drawSoon() {
      if (isAsked) return;
      isAsked = true;
      requestAnimationFrame(() => {
        isAsked = false;
        draw();
      });
    }

    function draw() {
      if (!table || plot.clientWidth === 0) return;
      const ratio = fit();
      const [xs, ys] = [column(axes.x), column(axes.y)];
      [xRange, yRange] = [range(xs.values), range(ys.values)];
      points = place(xs.values, ys.values, xRange, yRange, box);
      const pen = penOf(base);
      pen.clearRect(0, 0, plot.clientWidth, plot.clientHeight);
      drawAxes(pen, xs, ys);
      drawDots(ratio);
      drawLegend();
      drawOver();
    }

    /** @param {number} ratio */
    function drawDots(ratio) {
      const image = new ImageData(dots.width, dots.height);
      const isIn = new Uint8Array(table.n);
      for (const row of rows) isIn[row] = 1;
      const outside = { size: Math.round(2 * ratio), alpha: 1 };
      const grey = homolog.palette.outside();
      for (let row = 0; row < table.n; row++)
        if (!isIn[row] && points.x[row] >= 0) dot(image, points.x[row] * ratio, points.y[row] * ratio, grey, outside);

      const { values } = column(axes.color);
      const colors =
        axes.color === "layer"
          ? Array.from({ length: nLayers }, (_, i) => homolog.palette.layer(i, nLayers))
          : [homolog.palette.flag(false), homolog.palette.flag(true)];
      const look = {
        size: Math.round((rows.length > 4000 ? 2 : rows.length > 600 ? 3 : 4) * ratio),
        alpha: rows.length > 4000 ? 0.6 : 0.8,
      };
      const step = rows.length % STRIDE === 0 ? 1 : STRIDE;
      for (let k = 0, at = 0; k < rows.length; k++, at = (at + step) % rows.length) {
        const row = rows[at];
        // A flag that is missing is drawn as one that is not set.
        if (points.x[row] >= 0)
          dot(image, points.x[row] * ratio, points.y[row] * ratio, colors[values[row]] ?? colors[0], look);
      }
      penOf(dots).putImageData(image, 0, 0);
    }

    /** @param {CanvasRenderingContext2D} pen @param {Column} xs @param {Column} ys */
    function drawAxes(pen, xs, ys) {
      pen.font = "11px system-ui, sans-serif";
      pen.strokeStyle = style("--line");
      pen.fillStyle = style("--muted");
      pen.lineWidth = 1;
      pen.beginPath();
      pen.textAlign = "center";
      for (const value of ticks(xRange.low, xRange.high, Math.max(2, (box.right - box.left) / 70))) {
        const x =
          Math.round(box.left + ((value - xRange.low) / (xRange.high - xRange.low)) * (box.right - box.left)) + 0.5;
        pen.moveTo(x, box.top);
        pen.lineTo(x, box.bottom);
        pen.fillText(short(value), x, box.bottom + 15);
      }
      pen.textAlign = "right";
      for (const value of ticks(yRange.low, yRange.high, Math.max(2, (box.bottom - box.top) / 50))) {
        const y =
          Math.round(box.bottom - ((value - yRange.low) / (yRange.high - yRange.low)) * (box.bottom - box.top)) + 0.5;
        pen.moveTo(box.left, y);
        pen.lineTo(box.right, y);
        pen.fillText(short(value), box.left - 6, y + 4);
      }
      pen.stroke();
      pen.fillStyle = style("--text");
      pen.textAlign = "center";
      pen.fillText(xs.title, (box.left + box.right) / 2, box.bottom + 32);
      pen.save();
      pen.translate(11, (box.top + box.bottom) / 2);
      pen.rotate(-Math.PI / 2);
      pen.fillText(ys.title, 0, 0);
      pen.restore();
    }

    function drawLegend() {
      const { title } = column(axes.color);
      /** @param {[number, number, number]} color @param {string} text */
      const key = (color, text) => {
        const swatch = element("i", {});
        swatch.style.background = homolog.palette.css(color);
        return element("span", { class: "key" }, swatch, text);
      };
      const keys =
        axes.color === "layer"
          ? Array.from({ length: nLayers }, (_, i) => i)
              .filter((i) => i % Math.ceil(nLayers / 16) === 0)
              .map((i) => key(homolog.palette.layer(i, nLayers), String(i)))
          : [key(homolog.palette.flag(true), "yes"), key(homolog.palette.flag(false), "no")];
      const shown = rows.length < table.n ? key(homolog.palette.outside(), "outside the filter") : null;
      const missing =
        points.nMissing > 0
          ? element("span", {}, `${homolog.format.integer(points.nMissing)} without a value here`)
          : null;
      legend.replaceChildren(
        element("span", {}, title),
        ...keys,
        ...(shown ? [shown] : []),
        ...(missing ? [missing] : []),
      );
    }

    function drawOver() {
      const pen = penOf(over);
      pen.clearRect(0, 0, plot.clientWidth, plot.clientHeight);
      for (const [row, color] of /** @type {[number, string][]} */ ([
        [hovered, "--muted"],
        [selected, "--text"],
      ])) {
        if (row < 0 || Number.isNaN(points.x[row])) continue;
        pen.lineWidth = 2;
        pen.strokeStyle = style(color);
        pen.beginPath();
        pen.arc(points.x[row], points.y[row], 6, 0, 2 * Math.PI);
        pen.stroke();
      }
      if (drag) {
        pen.fillStyle = style("--brush");
        pen.strokeStyle = style("--accent");
        pen.lineWidth = 1;
        pen.fillRect(drag.x0, drag.y0, drag.x1 - drag.x0, drag.y1 - drag.y0);
        pen.strokeRect(drag.x0, drag.y0, drag.x1 - drag.x0, drag.y1 - drag.y0);
      }
    }

    /** @param {number} row */
    function words(row) {
      const [xs, ys] = [column(axes.x), column(axes.y)];
      return `${table.label(row)}: ${xs.title} ${homolog.format.cell(xs.values[row], xs)}, ${ys.title} ${homolog.format.cell(ys.values[row], ys)}`;
    }

    /** @param {number} row */
    function hover(row) {
      hovered = row;
      tip.hidden = row < 0;
      if (row >= 0) {
        tip.textContent = words(row);
        const isRight = points.x[row] > plot.clientWidth / 2;
        tip.style.left = isRight ? "" : `${points.x[row] + 10}px`;
        tip.style.right = isRight ? `${plot.clientWidth - points.x[row] + 10}px` : "";
        tip.style.top = `${Math.max(points.y[row] - 26, 2)}px`;
      }
      drawOver();
    }

    /** @param {PointerEvent | MouseEvent} event */
    function at(event) {
      const { left, top } = over.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    }

    /** @param {number} x @param {number} y */
    const under = (x, y) => nearest(points, rows, x, y, REACH);

    over.addEventListener("pointerdown", (event) => {
      if (!table || event.button !== 0) return;
      const { x, y } = at(event);
      drag = { x0: x, y0: y, x1: x, y1: y };
      over.setPointerCapture(event.pointerId);
    });
    over.addEventListener("pointermove", (event) => {
      if (!table) return;
      const { x, y } = at(event);
      if (!drag) return hover(under(x, y));
      [drag.x1, drag.y1] = [x, y];
      hover(-1);
    });
    over.addEventListener("pointerup", (event) => {
      if (!drag) return;
      const { x0, y0, x1, y1 } = drag;
      drag = null;
      if (Math.hypot(x1 - x0, y1 - y0) >= DRAG) {
        brush(x0, y0, x1, y1);
      } else {
        const { x, y } = at(event);
        const row = under(x, y);
        if (row >= 0) onSelect(row);
      }
      drawOver();
    });
    over.addEventListener("pointercancel", () => {
      drag = null;
      drawOver();
    });
    over.addEventListener("pointerleave", () => {
      if (!drag) hover(-1);
    });
    over.addEventListener("dblclick", () => {
      if (selected >= 0) onOpen(selected);
    });

    /** @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
    function brush(x0, y0, x1, y1) {
      const xOf = (/** @type {number} */ x) =>
        xRange.low + ((x - box.left) / (box.right - box.left)) * (xRange.high - xRange.low);
      const yOf = (/** @type {number} */ y) =>
        yRange.low + ((box.bottom - y) / (box.bottom - box.top)) * (yRange.high - yRange.low);
      onBrush([
        { column: axes.x, low: xOf(Math.min(x0, x1)), high: xOf(Math.max(x0, x1)) },
        { column: axes.y, low: yOf(Math.max(y0, y1)), high: yOf(Math.min(y0, y1)) },
      ]);
    }

    over.addEventListener("keydown", (event) => {
      if (!table || event.ctrlKey || event.altKey || event.metaKey) return;
      /** @type {Record<string, [number, number]>} */
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const way = ways[event.key];
      if (way) {
        const isOn = selected >= 0 && !Number.isNaN(points.x[selected]);
        const middle = () => nearest(points, rows, (box.left + box.right) / 2, (box.top + box.bottom) / 2, Infinity);
        const row = isOn ? towards(points, rows, selected, ...way) : middle();
        if (row >= 0) {
          onSelect(row);
          hover(row);
          said.textContent = words(row);
        }
      } else if (event.key === "Enter" && selected >= 0) {
        onOpen(selected);
      } else {
        return;
      }
      event.preventDefault();
    });
    over.addEventListener("blur", () => hover(-1));
    new ResizeObserver(drawSoon).observe(plot);
    homolog.palette.onChange(drawSoon);

    return {
      node,
      /** @param {Table} next @param {number} layers @param {Axes} asked */
      setTable(next, layers, asked) {
        [table, nLayers, hovered] = [next, layers, -1];
        const numeric = next.columns.filter(({ kind }) => kind !== "flag");
        const flags = next.columns.filter(({ kind }) => kind === "flag");
        const options = (/** @type {Column[]} */ columns) =>
          columns.map(({ name, title }) => ({ value: name, text: title }));
        xChoice.setOptions(options(numeric));
        yChoice.setOptions(options(numeric));
        colorChoice.setOptions([{ value: "layer", text: "layer" }, ...options(flags)]);
        this.setAxes(asked);
      },
      /** Names that the table lacks leave an axis as it is. @param {Axes} asked */
      setAxes(asked) {
        for (const [key, { select }] of /** @type {["x" | "y" | "color", { select: HTMLSelectElement }][]} */ ([
          ["x", xChoice],
          ["y", yChoice],
          ["color", colorChoice],
        ])) {
          select.value = asked[key];
          if (select.selectedIndex < 0) select.selectedIndex = 0;
        }
        axes = { x: xChoice.select.value, y: yChoice.select.value, color: colorChoice.select.value };
      },
      /** @param {Uint32Array} next in ascending order */
      setRows(next) {
        rows = next;
        over.setAttribute(
          "aria-label",
          `Scatter plot of ${column(axes.y).title} against ${column(axes.x).title}; ${next.length} neurons of the filter. Arrow keys move to the nearest neuron, Enter opens it.`,
        );
        drawSoon();
      },
      /** @param {number} row -1 for none */
      select(row) {
        selected = row;
        drawOver();
      },
    };
  }

  return { create };
})();
