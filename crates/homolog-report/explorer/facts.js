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

  return { list };
})();
