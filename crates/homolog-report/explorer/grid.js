// The table of neurons: an ARIA grid of which only the rows in sight exist. Rows are asked for by their place in the
// current order.

homolog.grid = (() => {
  const { element, newId } = homolog.dom;
  const ROW_HEIGHT = 24;
  const SPARE_ROWS = 6;
  const [CELL_PADDING, ARROW] = [14, 11];
  const MAX_TITLE = 132;

  /**
   * @param {object} listeners
   * @param {(row: number) => void} listeners.onSelect @param {(row: number) => void} listeners.onOpen
   * @param {(column: string) => void} listeners.onSort @param {(row: number) => string} listeners.linkTo
   */
  function create({ onSelect, onOpen, onSort, linkTo }) {
    const id = newId("grid");
    const head = element("div", { role: "row", class: "grid-head", "aria-rowindex": 1 });
    const body = element("div", { role: "rowgroup", class: "grid-body" });
    const node = element(
      "div",
      { role: "grid", class: "grid", tabindex: 0, "aria-label": "Neurons", "aria-multiselectable": "false" },
      element("div", { role: "rowgroup", class: "grid-head-group" }, head),
      body,
    );

    /** @type {Table | null} */
    let table = null;
    /** @type {Column[]} */
    let columns = [];
    let order = new Uint32Array(0);
    /** @type {Sort | null} */
    let sort = null;
    let selected = -1;
    /** Place in the order, -1 for the head. */
    let activePlace = -1;
    let activeColumn = 0;
    /** @type {{ node: HTMLDivElement, link: HTMLAnchorElement, cells: HTMLElement[], place: number }[]} */
    let pool = [];
    let widths = /** @type {number[]} */ ([]);
    let [lastTop, lastLeft] = [0, 0];

    const pen = /** @type {CanvasRenderingContext2D} */ (element("canvas").getContext("2d"));
    /** @param {string} text @param {boolean} isBold */
    function widthOf(text, isBold) {
      pen.font = `${isBold ? "600 " : ""}12.5px system-ui, sans-serif`;
      return pen.measureText(text).width;
    }

    /** @param {Column} column */
    function columnWidth(column) {
      let widest = 0;
      const step = Math.max(1, Math.floor(column.values.length / 200));
      for (let i = 0; i < column.values.length; i += step)
        widest = Math.max(widest, homolog.format.cell(column.values[i], column).length);
      const title = Math.min(widthOf(column.title, true), MAX_TITLE) + ARROW;
      return Math.ceil(Math.max(title, widest * 7.4 + ARROW) + CELL_PADDING);
    }

    /** @param {Table} next */
    function setTable(next) {
      const isSameShape =
        columns.length > 0 &&
        table?.columns.map(({ name }) => name).join() === next.columns.map(({ name }) => name).join();
      table = next;
      columns = next.columns.filter(({ isShown }) => isShown);
      widths = [widthOf("L00.00000", false) + CELL_PADDING + 6, ...columns.map(columnWidth)].map(Math.ceil);
      node.style.setProperty("--columns", widths.map((width) => `${width}px`).join(" "));
      node.style.setProperty("--width", `${widths.reduce((sum, width) => sum + width, 0)}px`);
      node.setAttribute("aria-colcount", String(columns.length + 1));
      if (!isSameShape) activeColumn = 0;
      body.replaceChildren();
      pool = [];
      drawHead();
    }

    function drawHead() {
      const titles = [
        { name: "layer", title: "neuron", help: "Layer and index; sorts by them.", kind: "number" },
        ...columns,
      ];
      head.replaceChildren(
        ...titles.map(({ name, title, help }, i) => {
          const isSorted = sort?.column === name;
          const direction = !isSorted ? "none" : sort?.descending ? "descending" : "ascending";
          return element(
            "div",
            {
              role: "columnheader",
              id: `${id}-h${i}`,
              class: i === 0 ? "first" : "",
              "aria-colindex": i + 1,
              "aria-sort": direction,
              title: `${title} (${name})\n${help}`,
              onclick: () => {
                setActive(-1, i);
                onSort(name);
              },
            },
            element("span", { class: "arrow", "aria-hidden": "true" }, !isSorted ? "" : sort?.descending ? "▼" : "▲"),
            element("span", { class: "title" }, title),
          );
        }),
      );
      markActive();
    }

    function newRow() {
      const link = element("a", { tabindex: -1 });
      const cells = [element("div", { role: "gridcell", class: "first", "aria-colindex": 1 }, link)];
      columns.forEach((column, i) =>
        cells.push(element("div", { role: "gridcell", class: column.kind, "aria-colindex": i + 2 })),
      );
      const row = element("div", { role: "row", class: "grid-row" }, ...cells);
      const made = { node: row, link, cells, place: -1 };
      const slot = pool.push(made) - 1;
      cells.forEach((cell, i) => {
        cell.id = `${id}-r${slot}-c${i}`;
      });
      row.addEventListener("click", (event) => {
        const cell = /** @type {Element} */ (event.target).closest("[role=gridcell]");
        setActive(
          made.place,
          cells.findIndex((candidate) => candidate === cell),
        );
        if (!(event.target instanceof HTMLAnchorElement)) onSelect(order[made.place]);
      });
      row.addEventListener("dblclick", () => onOpen(order[made.place]));
      body.append(row);
      return made;
    }

    /**
     * Fills a row of the pool.
     * @param {{ node: HTMLDivElement, link: HTMLAnchorElement, cells: HTMLElement[], place: number }} row
     * @param {number} place
     */
    function fill(row, place) {
      if (!table) return;
      const of = order[place];
      row.place = place;
      row.node.style.transform = `translateY(${place * ROW_HEIGHT}px)`;
      row.node.setAttribute("aria-rowindex", String(place + 2));
      row.node.setAttribute("aria-selected", String(of === selected));
      row.link.textContent = table.label(of);
      row.link.href = linkTo(of);
      for (let i = 0; i < columns.length; i++) {
        const value = columns[i].values[of];
        const cell = row.cells[i + 1];
        const text = homolog.format.cell(value, columns[i]);
        if (cell.textContent !== text) cell.textContent = text;
        if (columns[i].kind === "flag")
          cell.setAttribute("aria-label", value === 1 ? "yes" : value === 0 ? "no" : "missing");
      }
    }

    function draw() {
      const inSight = Math.ceil(node.clientHeight / ROW_HEIGHT) + SPARE_ROWS;
      const first = Math.max(
        0,
        Math.min(Math.floor(node.scrollTop / ROW_HEIGHT) - SPARE_ROWS / 2, order.length - inSight),
      );
      const count = Math.min(inSight, order.length);
      while (pool.length < count) newRow();
      // Place p always lies in slot p mod pool.length, so that scrolling by a row fills one row.
      const taken = new Set();
      for (let place = first; place < first + count; place++) {
        const row = pool[place % pool.length];
        taken.add(row);
        row.node.hidden = false;
        if (row.place !== place) fill(row, place);
      }
      for (const row of pool) if (!taken.has(row)) [row.node.hidden, row.place] = [true, -1];
      markActive();
    }

    function refill() {
      for (const row of pool) row.place = -1;
      draw();
    }

    /** @param {Uint32Array} next */
    function setOrder(next) {
      order = next;
      body.style.height = `${order.length * ROW_HEIGHT}px`;
      node.setAttribute("aria-rowcount", String(order.length + 1));
      const place = selected < 0 ? -1 : order.indexOf(selected);
      activePlace = place >= 0 ? place : Math.min(activePlace, order.length - 1);
      refill();
    }

    function markActive() {
      for (const cell of node.querySelectorAll(".active")) cell.classList.remove("active");
      const cell =
        activePlace < 0
          ? head.children[activeColumn]
          : pool.find(({ place }) => place === activePlace)?.cells[activeColumn];
      if (!cell) return node.removeAttribute("aria-activedescendant");
      cell.classList.add("active");
      node.setAttribute("aria-activedescendant", cell.id);
    }

    /** @param {number} place @param {number} column */
    function setActive(place, column) {
      activePlace = Math.max(-1, Math.min(place, order.length - 1));
      activeColumn = Math.max(0, Math.min(column, columns.length));
      scrollTo(activePlace, activeColumn);
      markActive();
    }

    /** @param {number} place @param {number} column */
    function scrollTo(place, column) {
      const headHeight = head.offsetHeight;
      if (place >= 0) {
        const [top, height] = [place * ROW_HEIGHT, node.clientHeight - headHeight];
        if (top < node.scrollTop) node.scrollTop = top;
        else if (top + ROW_HEIGHT > node.scrollTop + height) node.scrollTop = top + ROW_HEIGHT - height;
      }
      if (column > 0) {
        const left = widths.slice(1, column).reduce((sum, width) => sum + width, 0);
        const width = node.clientWidth - widths[0];
        if (left < node.scrollLeft) node.scrollLeft = left;
        else if (left + widths[column] > node.scrollLeft + width) node.scrollLeft = left + widths[column] - width;
      }
      draw();
    }

    /** @param {number} row -1 for none */
    function select(row) {
      selected = row;
      for (const drawn of pool)
        if (drawn.place >= 0) drawn.node.setAttribute("aria-selected", String(order[drawn.place] === selected));
      const place = row < 0 ? -1 : order.indexOf(row);
      if (place >= 0 && place !== activePlace) setActive(place, activeColumn);
    }

    node.addEventListener("keydown", (event) => {
      if (event.altKey || event.metaKey) return;
      const page = Math.max(1, Math.floor((node.clientHeight - head.offsetHeight) / ROW_HEIGHT) - 1);
      const isFar = event.ctrlKey;
      /** @type {Record<string, [number, number]>} */
      const moves = {
        ArrowDown: [activePlace + 1, activeColumn],
        ArrowUp: [activePlace - 1, activeColumn],
        ArrowLeft: [activePlace, activeColumn - 1],
        ArrowRight: [activePlace, activeColumn + 1],
        PageDown: [activePlace + page, activeColumn],
        PageUp: [Math.max(activePlace - page, Math.min(activePlace, 0)), activeColumn],
        Home: isFar ? [0, 0] : [activePlace, 0],
        End: isFar ? [order.length - 1, columns.length] : [activePlace, columns.length],
      };
      const move = moves[event.key];
      if (move) {
        setActive(...move);
        if (activePlace >= 0) onSelect(order[activePlace]);
      } else if ((event.key === "Enter" || event.key === " ") && activePlace < 0) {
        onSort(activeColumn === 0 ? "layer" : columns[activeColumn - 1].name);
      } else if (event.key === "Enter") {
        onOpen(order[activePlace]);
      } else if (event.key === " ") {
        onSelect(order[activePlace]);
      } else {
        return;
      }
      event.preventDefault();
    });
    node.addEventListener(
      "scroll",
      () => {
        [lastTop, lastLeft] = [node.scrollTop, node.scrollLeft];
        draw();
      },
      { passive: true },
    );
    new ResizeObserver(draw).observe(node);

    return {
      node,
      setTable,
      setOrder,
      select,
      /** @param {Sort | null} next */
      setSort(next) {
        sort = next;
        drawHead();
      },
      top() {
        node.scrollTop = 0;
      },
      /** After the table was taken out of the page and put back, which forgets how far it was scrolled. */
      reveal() {
        [node.scrollTop, node.scrollLeft] = [lastTop, lastLeft];
        scrollTo(activePlace, activeColumn);
      },
    };
  }

  return { create };
})();
