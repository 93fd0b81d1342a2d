// The table and the scatter plot of one model at one checkpoint, under one filter and one sort.

homolog.overview = (() => {
  const { element } = homolog.dom;
  const { integer } = homolog.format;
  const DEFAULT_SORT = { column: "excess_corr", descending: true };

  /** @param {Table} table @param {string[]} names @returns {string} */
  const firstOf = (table, names) => names.find((name) => table.byName.has(name)) ?? table.columns[0].name;

  /** The axes that are asked for, where the table has them; else means over the other models on both. @param {Table} table @param {View} view @returns {Axes} */
  function axesOf(table, { x, y, color }) {
    return {
      x: firstOf(table, [x ?? "", "mean_baseline"]),
      y: firstOf(table, [y ?? "", "mean_corr"]),
      color: firstOf(table, [color ?? "", "layer"]),
    };
  }

  /** @param {Table} table @returns {Word[]} */
  function wordsOf(table) {
    const columns = table.columns.map(({ name, title, help }) => ({ name, title, help, insert: name }));
    const functions = homolog.filter.functions.map(({ name, signature, help }) => ({
      name,
      title: signature,
      help,
      insert: `${name}(`,
    }));
    return [...columns, ...functions];
  }

  /** Enough digits to tell a span's ends apart. @param {Span} span */
  function spanText({ column, low, high }) {
    const digits = Math.max(0, Math.min(9, 2 - Math.floor(Math.log10(high - low || 1))));
    return `${column} >= ${low.toFixed(digits)} && ${column} <= ${high.toFixed(digits)}`;
  }

  /**
   * A filter with a brush put in place of the brush before it.
   * @param {string} text
   * @param {string} previous
   * @param {string} next
   */
  function withBrush(text, previous, next) {
    const rest = previous && text.endsWith(previous) ? text.slice(0, -previous.length).replace(/\s*&&\s*$/, "") : text;
    const kept = rest.trim();
    return kept === "" ? next : `${kept.includes("||") && !isWrapped(kept) ? `(${kept})` : kept} && ${next}`;
  }

  /** Whether one pair of parentheses holds the whole of a text. @param {string} text */
  function isWrapped(text) {
    let depth = 0;
    for (let i = 0; i < text.length; i++) {
      if (text[i] === "(") depth++;
      else if (text[i] === ")") depth--;
      if (depth === 0 && i < text.length - 1) return false;
    }
    return true;
  }

  /**
   * @param {object} listeners
   * @param {(change: Partial<View>, isStep: boolean) => void} listeners.onChange `isStep`: worth a step of the browser's history
   * @param {(id: NeuronId) => void} listeners.onOpen
   * @param {(id: NeuronId) => string} listeners.linkTo
   */
  function create({ onChange, onOpen, linkTo }) {
    /** @type {Table | null} */
    let table = null;
    /** The last filter that could be read. @type {((row: number) => boolean) | null} */
    let test = null;
    /** @type {Sort} */
    let sort = DEFAULT_SORT;
    let inFilter = new Uint32Array(0);
    let order = new Uint32Array(0);
    let selected = -1;
    let brush = "";
    let isQuiet = false;

    const idOf = (/** @type {number} */ row) => ({ layer: table?.layer[row] ?? 0, neuron: table?.neuron[row] ?? 0 });
    const open = (/** @type {number} */ row) => {
      if (row !== undefined && row >= 0) onOpen(idOf(row));
    };

    const grid = homolog.grid.create({
      onSelect: select,
      onOpen: open,
      onSort: sortBy,
      linkTo: (row) => linkTo(idOf(row)),
    });
    const scatter = homolog.scatter.create({
      onSelect: select,
      onOpen: open,
      onAxes: (axes) => onChange(axes, false),
      onBrush: (spans) => {
        const next = spans.map(spanText).join(" && ");
        const text = withBrush(field.text(), brush, next);
        brush = next;
        field.setText(text);
        onChange({}, true);
      },
    });
    const field = homolog.completion.create({ onInput: setFilter, onCommit: () => onChange({}, true) });
    const count = element("p", { class: "count", role: "status" });
    const node = element(
      "div",
      { class: "overview" },
      element("div", { class: "filter-bar" }, field.node, count),
      element("div", { class: "panes" }, grid.node, scatter.node),
    );

    /** @param {number} row */
    function select(row) {
      selected = row;
      grid.select(row);
      scatter.select(row);
    }

    /** @param {string} text @returns {{ message: string, at: number, end: number } | null} */
    function setFilter(text) {
      if (!table) return null;
      try {
        test = homolog.filter.compile(text, table.byName);
      } catch (error) {
        if (error instanceof homolog.filter.FilterError)
          return { message: error.message, at: error.at, end: error.end };
        throw error;
      }
      // First the view, which the table's links carry.
      if (!isQuiet) onChange({ filter: text }, false);
      refilter();
      return null;
    }

    function refilter() {
      if (!table) return;
      inFilter = homolog.filter.rows(test, table.n);
      count.replaceChildren(element("b", {}, integer(inFilter.length)), ` of ${integer(table.n)} neurons`);
      scatter.setRows(inFilter);
      resort();
    }

    function resort() {
      if (!table) return;
      const column = table.byName.get(sort.column);
      order = column ? homolog.sort.order(inFilter, column.values, sort.descending) : inFilter;
      grid.setSort(sort);
      grid.setOrder(order);
    }

    /** @param {string} column */
    function sortBy(column) {
      const isSame = sort.column === column;
      // What is read from the top: great numbers, but the first layers.
      sort = { column, descending: isSame ? !sort.descending : column !== "layer" && column !== "neuron" };
      onChange({ sort }, false);
      resort();
      grid.top();
    }

    return {
      node,
      columns: () => table?.columns ?? [],
      focusFilter: () => field.input.focus(),
      focusTable: () => grid.node.focus({ preventScroll: true }),
      reveal: () => grid.reveal(),
      /** @param {Table} next @param {number} nLayers @param {View} view */
      show(next, nLayers, view) {
        const isOther = next !== table;
        const id = selected >= 0 && table ? idOf(selected) : null;
        const before = sort;
        table = next;
        sort =
          view.sort && next.byName.has(view.sort.column)
            ? view.sort
            : next.byName.has(DEFAULT_SORT.column)
              ? DEFAULT_SORT
              : { column: "layer", descending: false };
        if (isOther) {
          test = null;
          field.setWords(wordsOf(next));
          grid.setTable(next);
          scatter.setTable(next, nLayers, axesOf(next, view));
          select(view.neuron ? next.find(view.neuron) : id ? next.find(id) : -1);
        } else {
          scatter.setAxes(axesOf(next, view));
          if (view.neuron) select(next.find(view.neuron));
        }
        if (
          !isOther &&
          field.text() === view.filter &&
          sort.column === before.column &&
          sort.descending === before.descending
        )
          return scatter.setRows(inFilter);
        isQuiet = true;
        const wrong = field.setText(view.filter);
        isQuiet = false;
        // A link may hold a filter that cannot be read: then all rows are shown beside what is wrong with it.
        if (wrong) refilter();
      },
      /** The neurons before and after one in the order of the table. @param {NeuronId} id */
      neighbours(id) {
        const place = table ? order.indexOf(table.find(id)) : -1;
        /** @param {number} at */
        const idAt = (at) => (place >= 0 && at >= 0 && at < order.length ? idOf(order[at]) : null);
        return { before: idAt(place - 1), after: idAt(place + 1), place, n: order.length };
      },
    };
  }

  return { create, withBrush, spanText };
})();
