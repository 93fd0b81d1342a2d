// The three charts of a neuron: how it is distributed, how it came about, how its correlations fall off.

homolog.curves = (() => {
  const { element, svg } = homolog.dom;
  const { linear, symmetricLog, symlog, frame, line } = homolog.charts;
  const { short, integer } = homolog.format;

  /** @param {string} title @param {string} help @param {...Node} children */
  const panel = (title, help, ...children) =>
    element("figure", { class: "panel" }, element("figcaption", { title: help }, title), ...children);

  /** @param {{ name: string, color: string, dash: string, width?: number }[]} lines */
  function legend(lines) {
    return element(
      "div",
      { class: "legend" },
      ...lines.map(({ name, color, dash, width = 2 }) => {
        const sample = svg(
          "svg",
          { width: 26, height: 10, "aria-hidden": "true" },
          svg("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke: color, "stroke-dasharray": dash, "stroke-width": width }),
        );
        return element("span", { class: "key" }, sample, element("bdi", {}, name));
      }),
    );
  }

  /** @param {Bundle} detail @param {number} i @param {Index} index */
  function histogram(detail, i, index) {
    const counts = homolog.bundle.row(detail, "histogram", i);
    const [low, high] = homolog.bundle.row(detail, "range", i);
    const most = Math.max(...counts);
    const chart = frame(
      `Histogram of activations from ${short(low)} to ${short(high)}; the fullest of ${counts.length} bins holds ${integer(most)} tokens`,
      linear(low, high, "activation"),
      symmetricLog(0, Math.max(most, 10), "tokens"),
    );
    const width = (high - low) / counts.length;
    counts.forEach((count, bin) => {
      const [from, to] = [low + bin * width, low + (bin + 1) * width];
      if (count === 0 || !(width > 0)) return;
      const top = chart.y(symlog(count));
      chart.add(
        svg(
          "rect",
          {
            class: "bar",
            x: chart.x(from),
            width: Math.max(chart.x(to) - chart.x(from) - 0.5, 0.5),
            y: top,
            height: chart.bottom - top,
          },
          svg("title", {}, `${short(from)} to ${short(to)}: ${integer(count)} tokens`),
        ),
      );
    });
    if (low < 0 && high > 0)
      chart.add(svg("line", { class: "zero", x1: chart.x(0), x2: chart.x(0), y1: chart.y(symlog(0)), y2: 10 }));
    return panel(
      "Activations",
      `Counts of ${integer(index.n_tokens_counted)} tokens, on a logarithmic scale.`,
      chart.node,
    );
  }

  /** @param {Bundle} course @param {number} row @param {NeuronId} id @param {Index} index @param {number} checkpoint */
  function emergence(course, row, id, index, checkpoint) {
    const steps = index.checkpoints;
    if (
      homolog.bundle.array(course, "neuron").data[row] !== id.neuron ||
      homolog.bundle.array(course, "layer").data[row] !== id.layer
    ) {
      throw new Error("the courses list other neurons than the table; write the explorer anew");
    }
    if (steps.length < 2 || steps.some((step) => step === null)) {
      return panel(
        "Over training",
        "",
        element("p", { class: "muted" }, "The study has one checkpoint: there is no course to show."),
      );
    }
    const at = /** @type {number[]} */ (steps);
    const lines = [
      { field: "mean_corr", name: "mean corr", ...homolog.palette.model(0), dash: "", width: 2 },
      { field: "mean_baseline", name: "mean baseline", ...homolog.palette.model(7), dash: "6 3", width: 2 },
      { field: "excess_corr", name: "excess", ...homolog.palette.model(1), dash: "", width: 2.5 },
    ].map((one) => ({ ...one, values: homolog.bundle.row(course, one.field, row) }));
    const finite = lines.flatMap(({ values }) => [...values]).filter(Number.isFinite);
    const chart = frame(
      `Course over training: ${lines.map(({ name, values }) => `${name} ${short(values[checkpoint])}`).join(", ")} at ${homolog.format.checkpoint(steps[checkpoint])}`,
      symmetricLog(Math.min(...at), Math.max(...at), "training step"),
      linear(Math.min(0, ...finite), Math.max(0.1, ...finite), "correlation"),
    );
    chart.add(
      svg("line", {
        class: "zero",
        x1: chart.x(symlog(at[checkpoint])),
        x2: chart.x(symlog(at[checkpoint])),
        y1: 10,
        y2: chart.bottom,
      }),
    );
    for (const { name, color, dash, width, values } of lines) {
      chart.add(
        line(
          at.map((step, c) => ({ x: chart.x(symlog(step)), y: chart.y(values[c]) })),
          { stroke: color, "stroke-dasharray": dash, "stroke-width": width },
        ),
      );
      at.forEach((step, c) => {
        if (Number.isNaN(values[c])) return;
        chart.add(
          svg(
            "circle",
            { cx: chart.x(symlog(step)), cy: chart.y(values[c]), r: 3, fill: color },
            svg("title", {}, `step ${integer(step)}: ${name} ${short(values[c])}`),
          ),
        );
      });
    }
    return panel(
      "Over training",
      "Means over the other models; steps on a logarithmic scale that holds 0.",
      chart.node,
      legend(lines),
    );
  }

  /** @param {Bundle} detail @param {number} i @param {Index} index @param {number} model */
  function tails(detail, i, index, model) {
    const lines = index.models
      .map(({ name }, other) => ({ name, other, ...homolog.palette.model(other) }))
      .filter(({ other }) => other !== model)
      .map((one) => ({ ...one, values: homolog.bundle.row(detail, `topk.${one.other}.corr`, i) }));
    const finite = lines.flatMap(({ values }) => [...values]).filter(Number.isFinite);
    const chart = frame(
      `The ${index.top_k} greatest correlations in each model; ${lines.map(({ name, values }) => `${name} from ${short(values[0])} to ${short(values[index.top_k - 1])}`).join(", ")}`,
      { ...linear(1, index.top_k, "rank"), low: 0.5, high: index.top_k + 0.5, ticks: rankTicks(index.top_k) },
      linear(Math.min(0, ...finite), Math.max(0.1, ...finite), "correlation"),
    );
    for (const { name, color, dash, values } of lines) {
      chart.add(
        line(
          [...values].map((value, rank) => ({ x: chart.x(rank + 1), y: chart.y(value) })),
          { stroke: color, "stroke-dasharray": dash, "stroke-width": 1.5 },
        ),
      );
      values.forEach((value, rank) => {
        if (!Number.isNaN(value))
          chart.add(
            svg(
              "circle",
              { cx: chart.x(rank + 1), cy: chart.y(value), r: 2.5, fill: color },
              svg("title", {}, `${name}, rank ${rank + 1}: ${short(value)}`),
            ),
          );
      });
    }
    return panel(
      "Greatest correlations",
      "A partner that stands alone falls off at once; many alike make a flat line.",
      chart.node,
      legend(lines),
    );
  }

  /** @param {number} n */
  function rankTicks(n) {
    const step = Math.max(1, Math.round(n / 4));
    return Array.from({ length: n }, (_, i) => i + 1)
      .filter((rank) => rank === 1 || rank % step === 0)
      .map((rank) => ({ at: rank, text: String(rank) }));
  }

  return { histogram, emergence, tails, panel };
})();
