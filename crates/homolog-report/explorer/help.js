// What can be typed and pressed, in the page itself.

homolog.help = (() => {
  const { element } = homolog.dom;

  /** @type {[string, string][]} */
  const EXAMPLES = [
    ["excess_corr > 0.5 && layer <= 3", "shared neurons of the first four layers"],
    ["is_universal || n_models_above >= 2", "either rule"],
    ["abs(act_skew) > 2", "size, whichever the sign"],
    ["mean_corr - mean_baseline > 0.2", "arithmetic: + − * / % and parentheses"],
    ["!is_universal && max_corr > 0.5", "! denies a condition"],
    ["missing(excess_corr)", "neurons without a value"],
  ];

  /** @type {[string, string][]} */
  const KEYS = [
    ["/", "to the filter"],
    ["Ctrl Space, ↓", "in the filter: names that fit; Tab or Enter takes one"],
    ["↑ ↓ ← →, Page, Home, End", "in the table: move; Ctrl Home and Ctrl End to its corners"],
    ["Enter", "opens the neuron; on a title sorts by it"],
    ["↑ ↓ ← →", "in the scatter plot: to the nearest neuron that way"],
    ["drag", "in the scatter plot: adds the rectangle to the filter"],
    ["Alt ← / Alt →", "back and forward, as in every page"],
    ["[ and ]", "on a neuron's page: the one before and after it in the table"],
    ["Esc", "from a neuron's page to the table"],
  ];

  /** @param {[string, string][]} rows @param {"code" | "kbd"} tag */
  const list = (rows, tag) =>
    element(
      "dl",
      {},
      ...rows.flatMap(([name, text]) => [element("dt", {}, element(tag, {}, name)), element("dd", {}, text)]),
    );

  /** @param {Column[]} columns */
  function panel(columns) {
    return element(
      "div",
      { class: "help-columns" },
      element(
        "section",
        {},
        element("h3", {}, "Filters"),
        list(EXAMPLES, "code"),
        element(
          "p",
          {},
          "Comparisons: < <= > >= == !=. They are made in single precision; with a missing value each of them is false.",
        ),
        list(
          homolog.filter.functions.map(({ signature, help }) => [signature, help]),
          "code",
        ),
      ),
      element(
        "section",
        {},
        element("h3", {}, "Keys"),
        list(KEYS, "kbd"),
        element(
          "p",
          {},
          "The address holds model, checkpoint, neuron, filter, sort and axes: copy it to share what you see.",
        ),
      ),
      element(
        "section",
        {},
        element("h3", {}, "Columns"),
        list(
          columns.map(({ name, title, help }) => [name, `${title}: ${help}`]),
          "code",
        ),
      ),
    );
  }

  return { panel };
})();
