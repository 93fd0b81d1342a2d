// The neuron's match in every other model, and the runners-up.

homolog.partners = (() => {
  const { element } = homolog.dom;
  const { fixed } = homolog.format;
  const { labelOf, matchOf } = homolog.dataset;

  /** @typedef {(model: number, id: NeuronId) => string} LinkTo */

  /** @param {LinkTo} linkTo @param {number} model @param {NeuronId | null} id */
  const link = (linkTo, model, id) => (id ? element("a", { href: linkTo(model, id) }, labelOf(id)) : "none");

  /** @type {[string, string][]} */
  const HEADS = [
    ["model", ""],
    ["partner", "The neuron of that model with the greatest correlation."],
    ["correlation", "Correlation with the partner."],
    ["runner-up", "Correlation with the second best neuron of that model."],
    ["margin", "Correlation less runner-up: how far the partner stands alone."],
    ["baseline", "Best match after a random rotation of that model's layers."],
    ["excess", "Correlation less baseline."],
    ["lowest", "Least correlation with any neuron of that model."],
    ["mutual", "Whether the neuron is the best match of its partner too."],
  ];

  const SCREENING = [
    "sure by",
    "Standard errors by which screening was sure of the partner; exact where the correlation was computed in full.",
  ];

  /** @param {{ isExact: boolean, margin: number }} screening */
  const sureness = ({ isExact, margin }) => (isExact ? "exact" : fixed(margin, 1));

  /** @param {Table} table @param {Bundle} bundle @param {number} row @param {Index} index @param {LinkTo} linkTo */
  function list(table, bundle, row, index, linkTo) {
    const rows = index.models.flatMap(({ name }, other) => {
      if (other === table.model) return [];
      const { id, corr, second, baseline, lowest, isMutual, screening } = matchOf(bundle, other, row);
      const numbers = [corr, second, corr - second, baseline, corr - baseline, lowest];
      return [
        element(
          "tr",
          {},
          element("th", { scope: "row" }, element("bdi", {}, name)),
          element("td", {}, link(linkTo, other, id)),
          ...numbers.map((value) => element("td", { class: "number" }, fixed(value, 3))),
          element("td", {}, isMutual ? "yes" : "no"),
          screening && element("td", { class: "number" }, sureness(screening)),
        ),
      ];
    });
    return element(
      "table",
      { class: "partners" },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ...(index.is_screened ? [...HEADS, SCREENING] : HEADS).map(([text, help], i) =>
            element("th", { scope: "col", class: i > 1 && text !== "mutual" ? "number" : "", title: help || null }, text),
          ),
        ),
      ),
      element("tbody", {}, ...rows),
    );
  }

  /** @param {Bundle} detail @param {number} i @param {Index} index @param {number} model @param {LinkTo} linkTo */
  function topK(detail, i, index, model, linkTo) {
    const others = index.models.map((_, other) => other).filter((other) => other !== model);
    const ranks = Array.from({ length: index.top_k }, (_, rank) => rank);
    const rows = ranks.map((rank) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, String(rank + 1)),
        ...others.flatMap((other) => {
          const corr = homolog.bundle.row(detail, `topk.${other}.corr`, i)[rank];
          const neuron = homolog.bundle.row(detail, `topk.${other}.neuron`, i)[rank];
          const { d_mlp } = index.models[other];
          const id = Number.isNaN(corr) ? null : { layer: Math.floor(neuron / d_mlp), neuron: neuron % d_mlp };
          return [
            element("td", {}, id ? link(linkTo, other, id) : "–"),
            element("td", { class: "number" }, fixed(corr, 3)),
          ];
        }),
      ),
    );
    return element(
      "details",
      {},
      element("summary", {}, `The ${index.top_k} greatest correlations in each model`),
      element(
        "div",
        { class: "wide" },
        element(
          "table",
          { class: "partners" },
          element(
            "thead",
            {},
            element(
              "tr",
              {},
              element("th", { scope: "col" }, "rank"),
              ...others.map((other) =>
                element("th", { scope: "colgroup", colspan: 2 }, element("bdi", {}, index.models[other].name)),
              ),
            ),
          ),
          element("tbody", {}, ...rows),
        ),
      ),
    );
  }

  return { list, topK };
})();
