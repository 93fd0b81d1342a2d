// The whole: header, table or neuron, and the address that says which.

homolog.mount = (() => {
  const { element, choice } = homolog.dom;
  const { failed, loading } = homolog.notice;

  /**
   * @param {HTMLElement} root
   * @param {{ inline?: boolean }} [options] `inline`: the data are in the page, which is not the explorer's alone
   */
  async function mount(root, { inline: isInline = false } = {}) {
    root.classList.add("explorer");
    root.classList.toggle("inline", isInline);
    root.replaceChildren(loading("the study"));
    try {
      start(root, isInline, await homolog.dataset.open(homolog.source.create(isInline)));
    } catch (error) {
      root.replaceChildren(failed("The explorer", error));
    }
  }

  /** What a link that says nothing shows: the first model, the last checkpoint. @param {Index} index @returns {View} */
  function firstView(index) {
    const checkpoint = index.checkpoints[/** @type {number} */ (index.table_checkpoints.at(-1))];
    return {
      model: index.models[0].name,
      checkpoint,
      neuron: null,
      filter: "",
      sort: null,
      x: null,
      y: null,
      color: null,
    };
  }

  /** @param {HTMLElement} root @param {boolean} isInline @param {Dataset} dataset */
  function start(root, isInline, dataset) {
    const { index } = dataset;
    let view = firstView(index);
    /** Renderings that were overtaken must not show. */
    let nRenders = 0;
    let isFirst = true;

    const modelChoice = choice(
      "Model",
      index.models.map(({ name }) => ({ value: name, text: name })),
      (model) => go({ model, neuron: null }, true),
    );
    const steps = index.table_checkpoints.map((c) => ({
      value: String(c),
      text: homolog.format.checkpoint(index.checkpoints[c]),
    }));
    const stepChoice = choice("Checkpoint", steps, (c) => go({ checkpoint: index.checkpoints[Number(c)] }, true));
    const help = element("div", { class: "help", hidden: true });
    const helpButton = element("button", { type: "button", "aria-expanded": "false", onclick: toggleHelp }, "Help");
    const message = element("div", { class: "message" });
    const main = element("div", { class: "main" });

    const overview = homolog.overview.create({
      onChange: (change, isStep) => {
        view = { ...view, ...change };
        if (isStep || !("filter" in change)) remember(isStep);
      },
      onOpen: (neuron) => go({ neuron }, true),
      linkTo: (neuron) => homolog.fragment.format({ ...view, neuron }),
    });
    root.replaceChildren(
      element(
        "header",
        {},
        element("h1", {}, isInline ? "Neurons" : "homolog", element("span", {}, element("bdi", {}, index.study))),
        modelChoice.node,
        stepChoice.node,
        helpButton,
      ),
      notes(),
      help,
      message,
      main,
    );
    main.append(loading("the table"));

    function notes() {
      const scope = index.scope === "selected" ? ["This table holds a selection of neurons, not all."] : [];
      const all = [...scope, ...index.notes];
      return all.length ? element("ul", { class: "notes" }, ...all.map((note) => element("li", {}, note))) : "";
    }

    function toggleHelp() {
      help.hidden = !help.hidden;
      helpButton.setAttribute("aria-expanded", String(!help.hidden));
      if (!help.hidden) help.replaceChildren(homolog.help.panel(overview.columns()));
    }

    /** Writes the view into the address. @param {boolean} isStep */
    function remember(isStep) {
      const fragment = homolog.fragment.format(view);
      if (fragment === location.hash) return;
      if (isStep) history.pushState(null, "", fragment);
      else history.replaceState(null, "", fragment);
    }

    /** @param {Partial<View>} change @param {boolean} isStep */
    function go(change, isStep) {
      view = { ...view, ...change };
      remember(isStep);
      render();
    }

    /** The address changed: by a link, by hand, or by going back and forward. */
    function follow() {
      const asked = homolog.fragment.parse(location.hash);
      if (!asked && isInline) return; // An anchor of the report.
      const next = asked ?? firstView(index);
      if (homolog.fragment.format(next) === homolog.fragment.format(view)) return;
      view = next;
      render();
    }

    /** Indices of what the view names; what the study lacks is said and replaced. */
    function located() {
      const first = firstView(index);
      const lacking = [];
      let model = index.models.findIndex(({ name }) => name === view.model);
      if (model < 0) {
        lacking.push(`The study has no model “${view.model}”; this is ${first.model}.`);
        view = { ...view, model: first.model, neuron: null };
        model = 0;
      }
      let checkpoint = index.table_checkpoints.find((c) => index.checkpoints[c] === view.checkpoint) ?? -1;
      if (checkpoint < 0) {
        lacking.push(
          `There is no table of ${homolog.format.checkpoint(view.checkpoint)}; this is ${homolog.format.checkpoint(first.checkpoint)}.`,
        );
        view = { ...view, checkpoint: first.checkpoint };
        checkpoint = /** @type {number} */ (index.table_checkpoints.at(-1));
      }
      return { model, checkpoint, lacking };
    }

    async function render() {
      const number = ++nRenders;
      const { model, checkpoint, lacking } = located();
      message.replaceChildren(...lacking.map((text) => element("p", { class: "notice", role: "status" }, text)));
      modelChoice.select.value = view.model;
      stepChoice.select.value = String(checkpoint);
      if (!isInline)
        document.title = `${view.neuron ? `${homolog.dataset.labelOf(view.neuron)} · ` : ""}${view.model} · ${index.study}`;
      root.setAttribute("aria-busy", "true");
      try {
        const { table, bundle } = await dataset.table(model, checkpoint);
        if (number !== nRenders) return;
        show(table, bundle);
      } catch (error) {
        if (number === nRenders) main.replaceChildren(failed("The table", error));
      } finally {
        if (number === nRenders) root.removeAttribute("aria-busy");
      }
    }

    /** @param {Table} table @param {Bundle} bundle */
    function show(table, bundle) {
      const { neuron } = view;
      overview.show(table, index.models[table.model].n_layers, view);
      /** @type {HTMLElement} */
      let shown = overview.node;
      if (neuron) {
        const linkTo = (/** @type {number} */ other, /** @type {NeuronId | null} */ id) =>
          homolog.fragment.format({ ...view, model: index.models[other].name, neuron: id });
        shown = homolog.neuronPage.render({
          dataset,
          table,
          bundle,
          row: table.find(neuron),
          id: neuron,
          linkTo,
          neighbours: overview.neighbours(neuron),
        });
      }
      const isChange = main.firstChild !== shown;
      // Put back in its place an element would lose focus and scroll.
      if (isChange) main.replaceChildren(shown);
      if (isChange && !neuron) overview.reveal();
      root.classList.toggle("on-neuron", neuron !== null);
      if (isChange && !isFirst) focusOn(neuron !== null);
      isFirst = false;
    }

    /** @param {boolean} isNeuron */
    function focusOn(isNeuron) {
      if (isNeuron) {
        const { top } = root.getBoundingClientRect();
        if (isInline ? top < 0 || top > innerHeight / 2 : true) root.scrollIntoView();
        /** @type {HTMLElement | null} */ (main.querySelector("h2"))?.focus({ preventScroll: true });
      } else {
        overview.focusTable();
      }
    }

    /** @param {KeyboardEvent} event */
    function onKey(event) {
      const { target, key } = event;
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      if (
        target instanceof HTMLInputElement ||
        target instanceof HTMLSelectElement ||
        target instanceof HTMLTextAreaElement
      )
        return;
      if (key === "?") toggleHelp();
      else if (key === "/" && !view.neuron) overview.focusFilter();
      else if (key === "Escape" && view.neuron) go({ neuron: null }, true);
      else if ((key === "[" || key === "]") && view.neuron) {
        const { before, after } = overview.neighbours(view.neuron);
        const neuron = key === "[" ? before : after;
        if (neuron) go({ neuron }, true);
      } else return;
      event.preventDefault();
    }

    (isInline ? root : document).addEventListener("keydown", /** @type {EventListener} */ (onKey));
    addEventListener("hashchange", follow);
    addEventListener("popstate", follow);
    homolog.palette.onChange(() => {
      if (view.neuron) render();
    });
    const asked = homolog.fragment.parse(location.hash);
    if (asked) {
      view = asked;
      if (isInline) root.scrollIntoView();
    }
    render();
  }

  return mount;
})();
