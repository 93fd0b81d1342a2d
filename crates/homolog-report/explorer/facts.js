// The numbers of one neuron: its row of the table, with titles and help.

homolog.facts = (() => {
  const { element } = homolog.dom;
  const { short, integer } = homolog.format;

  /** @param {number} value @param {Column} column */
  function valueText(value, column) {
    if (Number.isNaN(value)) return "missing";
    if (column.kind === "flag") return value === 1 ? "yes" : "no";
    return column.kind === "integer" ? integer(value) : short(value);
  }

  /** @param {string} title @param {string} name @param {string} help @param {string} text */
  const fact = (title, name, help, text) =>
    element(
      "div",
      { class: "fact", title: `${name}\n${help}` },
      element("dt", {}, title),
      element("dd", { class: text === "missing" ? "missing" : "" }, text),
    );

  /** @param {Table} table @param {number} row */
  function list(table, row) {
    const shown = table.columns.filter(({ isShown, name }) => isShown && !name.startsWith("match."));
    return element(
      "dl",
      { class: "facts" },
      ...shown.map((column) => fact(column.title, column.name, column.help, valueText(column.values[row], column))),
    );
  }

  /** What ablating the neuron alone costs. @param {Bundle | null} detail @param {number} i */
  function ablation(detail, i) {
    const cost = detail?.arrays.get("delta_loss_nats")?.data[i] ?? NaN;
    if (Number.isNaN(cost))
      return element(
        "p",
        { class: "muted" },
        "Ablation: not measured. Single neurons are ablated only where a study asks for it.",
      );
    return element(
      "p",
      {},
      "Ablated alone it changes the loss by ",
      element("b", {}, `${cost > 0 ? "+" : ""}${short(cost)} nats`),
      " per predicted token (more is worse).",
    );
  }

  return { list, ablation };
})();
