// The page of one neuron. Each part loads, and fails, by itself.

homolog.neuronPage = (() => {
  const { element } = homolog.dom;
  const { whenLoaded } = homolog.notice;
  const { labelOf, matchOf } = homolog.dataset;

  /**
   * @typedef {object} Subject
   * @property {Dataset} dataset @property {Table} table @property {Bundle} bundle of the table
   * @property {number} row @property {NeuronId} id
   * @property {(model: number, id: NeuronId | null) => string} linkTo null: the table
   * @property {{ before: NeuronId | null, after: NeuronId | null, place: number, n: number }} neighbours
   */

  /** @param {Subject} subject */
  function head({ dataset, table, id, linkTo, neighbours: { before, after, place, n } }) {
    const { name } = dataset.index.models[table.model];
    /** @param {NeuronId | null} to @param {string} text @param {string} key */
    const step = (to, text, key) =>
      to
        ? element("a", { href: linkTo(table.model, to), title: `${labelOf(to)} (key ${key})`, class: "step" }, text)
        : element("span", { class: "step off" }, text);
    return element(
      "div",
      { class: "neuron-head" },
      element(
        "h2",
        { tabindex: -1 },
        element("bdi", {}, name),
        " ",
        element("b", {}, labelOf(id)),
        " ",
        element("small", {}, homolog.format.checkpoint(dataset.index.checkpoints[table.checkpoint])),
      ),
      element(
        "nav",
        { "aria-label": "Neurons of the table" },
        element("a", { href: linkTo(table.model, null), title: "Back to the table (Esc)" }, "↩ table"),
        step(before, "◂ before", "["),
        step(after, "after ▸", "]"),
        element(
          "span",
          { class: "muted" },
          place >= 0
            ? `${homolog.format.integer(place + 1)} of ${homolog.format.integer(n)} in the table`
            : "outside the filter",
        ),
      ),
    );
  }

  /** A neuron that the table does not list. @param {Subject} subject */
  function unlisted(subject) {
    const { dataset, table, id, linkTo } = subject;
    const { n_layers, d_mlp, name } = dataset.index.models[table.model];
    const exists = id.layer < n_layers && id.neuron < d_mlp;
    const why = exists
      ? `${labelOf(id)} of ${name} is not in this selection. The explorer of all neurons has it. ${dataset.index.tables}`
      : `${name} has ${n_layers} layers of ${d_mlp} neurons: there is no ${labelOf(id)}.`;
    return element(
      "div",
      { class: "neuron" },
      element("div", { class: "neuron-head" }, element("h2", { tabindex: -1 }, labelOf(id))),
      element("div", { class: "notice", role: "status" }, why),
      element("p", {}, element("a", { href: linkTo(table.model, null) }, "To the table")),
    );
  }

  /** @param {Subject} subject @returns {HTMLElement} */
  function render(subject) {
    const { dataset, table, bundle, row, id, linkTo } = subject;
    if (row < 0) return unlisted(subject);
    const { index } = dataset;
    const { model, checkpoint } = table;
    const hasWindows = index.window_checkpoints.includes(checkpoint);
    const detail = dataset.detail(model, checkpoint, id.layer).then((found) => {
      const i = homolog.bundle.array(found, "neuron").data.indexOf(id.neuron);
      if (i < 0)
        throw new Error(
          `the data detail-${model}-${checkpoint}-${id.layer} do not list ${labelOf(id)}; write the explorer anew`,
        );
      return { found, i };
    });
    const partners = index.models.flatMap((_, other) =>
      other === model ? [] : [{ other, id: matchOf(bundle, other, row).id }],
    );
    const absent = (/** @type {string} */ text) => element("p", { class: "muted" }, text);

    const place = () => element("div", { class: "place" });
    const [histogram, course, tails, more, windows] = [place(), place(), place(), place(), place()];
    const noWindows = `Activations and windows were kept for ${index.window_checkpoints.map((c) => homolog.format.checkpoint(index.checkpoints[c])).join(", ") || "no checkpoint"}.`;

    whenLoaded(histogram, "the histogram", async () => {
      if (!hasWindows) return homolog.curves.panel("Activations", "", absent(noWindows));
      const { found, i } = await detail;
      return homolog.curves.histogram(found, i, index);
    });
    whenLoaded(course, "the course over training", async () =>
      homolog.curves.emergence(await dataset.course(model), row, id, index, checkpoint),
    );
    whenLoaded(tails, "the greatest correlations", async () => {
      const { found, i } = await detail;
      return homolog.curves.tails(found, i, index, model);
    });
    whenLoaded(more, "the list of greatest correlations", async () => {
      const { found, i } = await detail;
      return homolog.partners.topK(found, i, index, model, linkTo);
    });
    whenLoaded(windows, "the text", async () => {
      if (!hasWindows) return absent(noWindows);
      const { found, i } = await detail;
      return homolog.windows.section(dataset, found, i, model, partners, linkTo);
    });

    return element(
      "div",
      { class: "neuron" },
      head(subject),
      homolog.facts.list(table, row),
      element("div", { class: "charts" }, histogram, course, tails),
      element(
        "section",
        {},
        element("h3", {}, "Partners"),
        element("div", { class: "wide" }, homolog.partners.list(table, bundle, row, index, linkTo)),
        more,
      ),
      element("section", {}, element("h3", {}, "Where it is most active"), windows),
    );
  }

  return { render };
})();
