// The text on which a neuron is most active: every token in the colour of its activation, and the partners on the same
// text.

homolog.windows = (() => {
  const { element } = homolog.dom;
  const { short, integer } = homolog.format;
  const { row: rowOf } = homolog.bundle;
  const { pieces, plain, shortened } = homolog.tokenText;

  /**
   * @typedef {{ ids: ArrayLike<number>, values: ArrayLike<number>, scale: number, start: number, peak: number }} Line i8 values; `start` and `peak` count from the row's first token
   */

  /** @param {string} token @param {boolean} isWhole */
  function tokenNodes(token, isWhole) {
    const { text, length, isCut } = isWhole ? { text: token, length: 0, isCut: false } : shortened(token);
    const nodes = pieces(text).map((piece) =>
      piece.isSymbol ? element("span", { class: "symbol" }, piece.text) : piece.text,
    );
    return isCut ? [...nodes, element("span", { class: "symbol" }, `[${integer(length)} characters]`)] : nodes;
  }

  /** @param {number} id @param {string[] | null} vocabulary */
  const tokenOf = (id, vocabulary) => vocabulary?.[id] ?? (vocabulary ? `⟨no token ${id}⟩` : ` ${id}`);

  /** @param {Line} line @param {string[] | null} vocabulary @param {string} name */
  function lineNode(line, vocabulary, name) {
    const { ids, values, scale, start, peak } = line;
    const tokens = Array.from(ids, (id, k) => {
      const token = tokenOf(id, vocabulary);
      const share = values[k] / 127;
      const said = `${plain(token)} ${short(share * scale)}`;
      const node = element(
        "bdi",
        {
          class: `token${share < 0 ? " cold" : ""}${start + k === peak ? " peak" : ""}`,
          role: "listitem",
          "aria-label": start + k === peak ? `${said}, peak` : said,
          "data-k": k,
          "data-cut": shortened(token).isCut,
        },
        ...tokenNodes(token, false),
      );
      if (Math.abs(share) > 0.02) node.style.setProperty("--heat", (0.85 * Math.min(Math.abs(share), 1)).toFixed(3));
      return node;
    });
    const node = element(
      "div",
      { class: "tokens", role: "list", tabindex: 0, "aria-label": `${name}; arrow keys read token by token` },
      ...tokens,
    );
    lines.set(node, { line, vocabulary });
    return node;
  }

  /**
   * What the lines on the page show; forgotten with them.
   * @type {WeakMap<Element, { line: Line, vocabulary: string[] | null }>}
   */
  const lines = new WeakMap();

  /** Tooltips, reading by arrow keys, and whole tokens on demand. @param {HTMLElement} node */
  function listen(node) {
    const tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    node.append(tip);

    /** @param {Element | null} token */
    function show(token) {
      const of = token?.parentElement ? lines.get(token.parentElement) : null;
      tip.hidden = !of;
      for (const other of node.querySelectorAll(".token.current"))
        if (other !== token) other.classList.remove("current");
      if (!of || !(token instanceof HTMLElement)) return;
      token.classList.add("current");
      const { line, vocabulary } = of;
      const k = Number(token.dataset.k);
      const hint = token.dataset.cut === "" ? " · click or Enter shows all of it" : "";
      tip.replaceChildren(
        element("b", {}, short((line.values[k] / 127) * line.scale)),
        ` at ${line.start + k} · `,
        element("bdi", {}, `“${plain(tokenOf(line.ids[k], vocabulary))}”`),
        ` id ${line.ids[k]}${hint}`,
      );
      const [place, at] = [node.getBoundingClientRect(), token.getClientRects()[0] ?? token.getBoundingClientRect()];
      tip.style.left = `${Math.max(0, Math.min(at.left - place.left, place.width - tip.offsetWidth - 4))}px`;
      tip.style.top = `${at.top - place.top - tip.offsetHeight - 4}px`;
    }

    /** @param {Element | null} token */
    function expand(token) {
      const of = token?.parentElement ? lines.get(token.parentElement) : null;
      if (!of || !(token instanceof HTMLElement) || token.dataset.cut !== "") return;
      const isWhole = token.classList.toggle("whole");
      token.replaceChildren(...tokenNodes(tokenOf(of.line.ids[Number(token.dataset.k)], of.vocabulary), isWhole));
    }

    /** @param {Event} event */
    const tokenAt = (event) => (event.target instanceof Element ? event.target.closest(".token") : null);
    node.addEventListener("pointerover", (event) => show(tokenAt(event)));
    node.addEventListener("pointerleave", () => show(null));
    node.addEventListener("focusout", () => show(null));
    node.addEventListener("click", (event) => expand(tokenAt(event)));
    node.addEventListener("keydown", (event) => {
      if (!(event.target instanceof Element) || !event.target.matches(".tokens")) return;
      const current = event.target.querySelector(".current");
      const all = [...event.target.children];
      const at = current ? all.indexOf(current) : -1;
      if (event.key === "ArrowRight") show(all[Math.min(at + 1, all.length - 1)]);
      else if (event.key === "ArrowLeft") show(all[Math.max(at - 1, 0)]);
      else if (event.key === "Home") show(all[0]);
      else if (event.key === "End") show(all[all.length - 1]);
      else if (event.key === "Enter") expand(current);
      else return;
      event.preventDefault();
    });
  }

  /**
   * The ids of a window: inline in a report, else from the rows of the corpus.
   * @param {Dataset} dataset
   * @param {Bundle} detail
   * @param {number} i
   * @param {number} w
   * @param {number} row
   * @param {number} start
   */
  async function idsOf(dataset, detail, i, w, row, start) {
    const length = dataset.index.window_tokens;
    const ids = detail.arrays.has("tokens")
      ? rowOf(detail, "tokens", i).subarray(w * length, (w + 1) * length)
      : (await dataset.text(row)).subarray(start, start + length);
    const end = ids.indexOf(homolog.dataset.NO_ROW);
    if (ids.length === 0 || end === 0)
      throw new Error(`the text has no tokens from ${start} on in row ${row}; write the explorer anew`);
    return end < 0 ? ids : ids.subarray(0, end);
  }

  /**
   * @param {Dataset} dataset @param {Bundle} detail @param {number} i place in the detail @param {number} model
   * @param {{ other: number, id: NeuronId | null }[]} partners @param {(model: number, id: NeuronId) => string} linkTo
   */
  async function section(dataset, detail, i, model, partners, linkTo) {
    const { index } = dataset;
    const vocabulary = await dataset.vocabulary();
    const length = index.window_tokens;
    const [rows, starts, peaks, duplicates] = ["row", "start", "peak", "n_duplicates"].map((name) =>
      rowOf(detail, name, i),
    );
    const peakActivations = rowOf(detail, "peak_activation", i);
    const own = rowOf(detail, "activation", i);
    const scale = homolog.bundle.array(detail, "scale").data[i];
    const there = [...rows.keys()].filter((w) => rows[w] !== homolog.dataset.NO_ROW);
    if (there.length === 0) return element("p", { class: "muted" }, "No window of the text was kept for this neuron.");

    /** @param {number} other @param {Node | string} who @param {Node} tokens */
    const lined = (other, who, tokens) =>
      element(
        "div",
        { class: other === model ? "line own" : "line" },
        element(
          "span",
          { class: "who" },
          element("bdi", { title: index.models[other].name }, index.models[other].name),
          who,
        ),
        tokens,
      );

    const items = await Promise.all(
      there.map(async (w) => {
        const [row, start, peak] = [rows[w], starts[w], peaks[w]];
        const ids = await idsOf(dataset, detail, i, w, row, start);
        /** @param {number} by @param {ArrayLike<number>} values @param {number} scale */
        const line = (by, values, scale) =>
          lineNode(
            { ids, values, scale, start, peak },
            vocabulary,
            `Window ${w + 1}, activations of ${index.models[by].name}`,
          );
        const values = own.subarray(w * length, (w + 1) * length);
        const beside =
          w >= index.n_partner_windows
            ? []
            : partners.flatMap(({ other, id }) => {
                const at = detail.arrays.get(`partner.${other}.activation`);
                if (!id || !at) return [];
                const theirs = rowOf(detail, `partner.${other}.activation`, i).subarray(w * length, (w + 1) * length);
                return [
                  lined(
                    other,
                    element("a", { href: linkTo(other, id) }, homolog.dataset.labelOf(id)),
                    line(other, theirs, homolog.bundle.array(detail, `partner.${other}.scale`).data[i]),
                  ),
                ];
              });
        const again =
          duplicates[w] > 0
            ? ` · the same text ${integer(duplicates[w])} more ${duplicates[w] === 1 ? "time" : "times"}`
            : "";
        const top = peakActivations[w];
        return element(
          "li",
          { class: "window" },
          element(
            "p",
            { class: "window-head" },
            element("b", {}, short(top)),
            ` · row ${integer(row)}, tokens ${start}–${start + ids.length - 1}, peak at ${peak}${again}`,
          ),
          lined(model, "", line(model, values, scale)),
          ...beside,
        );
      }),
    );

    const node = element("div", { class: "windows" }, element("ol", {}, ...items));
    listen(node);
    const isBeside = partners.some(({ id }) => id !== null) && index.n_partner_windows > 0;
    const box = element("input", {
      type: "checkbox",
      checked: true,
      onchange: () => node.classList.toggle("alone", !box.checked),
    });
    const key = element(
      "span",
      { class: "heat-key" },
      element("i", { class: "cold" }),
      "negative",
      element("i", {}),
      element(
        "span",
        { title: "Tokens that the study does not count may be more active: they are shown as the greatest that counts." },
        "positive, up to the greatest that counts",
      ),
      element("i", { class: "peak-key" }),
      "peak",
    );
    return element(
      "div",
      {},
      element(
        "div",
        { class: "windows-bar" },
        key,
        isBeside && element("label", {}, box, " partners on the same text"),
      ),
      node,
    );
  }

  return { section };
})();
