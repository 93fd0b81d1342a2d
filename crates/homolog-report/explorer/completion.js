// The field for filter expressions: completes names, says what is wrong and where.

homolog.completion = (() => {
  const { element, newId } = homolog.dom;
  const MOST = 12;
  /** In the place of faults, so that the page does not jump when one comes. */
  const HINT = "Names complete as you type; Ctrl Space lists them all. Help says what can be written.";

  /** The name being written before the caret. @param {string} text @param {number} caret */
  function partBefore(text, caret) {
    return /[A-Za-z_][A-Za-z0-9_.]*$/.exec(text.slice(0, caret))?.[0] ?? "";
  }

  /** Words that begin with a part come before those that hold it. @param {Word[]} words @param {string} part */
  function matching(words, part) {
    const wanted = part.toLowerCase();
    const rank = (/** @type {Word} */ { name, title }) =>
      name.toLowerCase().startsWith(wanted) ? 0 : `${name} ${title}`.toLowerCase().includes(wanted) ? 1 : 2;
    return words
      .map((word) => ({ word, rank: rank(word) }))
      .filter((one) => one.rank < 2)
      .sort((a, b) => a.rank - b.rank)
      .map(({ word }) => word);
  }

  /**
   * @param {object} listeners
   * @param {(text: string) => { message: string, at: number, end: number } | null} listeners.onInput what is wrong, if anything
   * @param {() => void} listeners.onCommit the expression is to be remembered
   */
  function create({ onInput, onCommit }) {
    const [listId, faultId] = [newId("words"), newId("fault")];
    const input = element("input", {
      type: "text",
      role: "combobox",
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
      "aria-label": "Filter",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": listId,
      "aria-describedby": faultId,
      placeholder: "Filter, such as  excess_corr > 0.5 && layer <= 3",
    });
    const list = element("ul", { class: "words", role: "listbox", id: listId, "aria-label": "Names", hidden: true });
    const fault = element("div", { class: "fault", id: faultId, role: "status" });
    const clear = element(
      "button",
      {
        type: "button",
        class: "plain",
        title: "Clear the filter",
        "aria-label": "Clear the filter",
        hidden: true,
        onclick: () => {
          setText("");
          input.focus();
          onCommit();
        },
      },
      "✕",
    );
    const node = element("div", { class: "filter" }, element("div", { class: "field" }, input, clear, list), fault);

    /** @type {Word[]} */
    let words = [];
    /** @type {Word[]} */
    let shown = [];
    let marked = -1;

    function apply() {
      clear.hidden = input.value === "";
      const wrong = onInput(input.value);
      input.setAttribute("aria-invalid", String(wrong !== null));
      fault.classList.toggle("hint", !wrong);
      fault.replaceChildren(wrong ? "" : HINT);
      if (!wrong) return null;
      const text = input.value;
      fault.replaceChildren(
        element("span", {}, homolog.notice.sentence(wrong.message)),
        element(
          "code",
          { "aria-hidden": "true" },
          text.slice(Math.max(0, wrong.at - 16), wrong.at),
          element("mark", {}, text.slice(wrong.at, wrong.end) || "\u2007"),
          text.slice(wrong.end, wrong.end + 12),
        ),
        element("span", {}, `Position ${wrong.at + 1}. The table keeps its last good filter.`),
      );
      return wrong;
    }

    /** @param {string} text */
    function setText(text) {
      input.value = text;
      close();
      return apply();
    }

    function close() {
      [list.hidden, marked, shown] = [true, -1, []];
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    /** @param {boolean} isAsked whether to show names though none was begun */
    function suggest(isAsked) {
      const part = partBefore(input.value, input.selectionStart ?? 0);
      shown = part || isAsked ? matching(words, part) : [];
      if (!isAsked) shown = shown.slice(0, MOST);
      if (shown.length === 0 || (shown.length === 1 && shown[0].name === part)) return close();
      marked = -1;
      list.replaceChildren(
        ...shown.map((word, i) =>
          element(
            "li",
            {
              role: "option",
              id: `${listId}-${i}`,
              "aria-selected": "false",
              onpointerdown: (/** @type {Event} */ event) => {
                event.preventDefault();
                accept(i);
              },
            },
            element("b", {}, word.name),
            element("span", {}, word.title === word.name ? "" : word.title),
            element("small", {}, word.help),
          ),
        ),
      );
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
    }

    /** @param {number} next */
    function mark(next) {
      marked = (next + shown.length) % shown.length;
      [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === marked)));
      list.children[marked].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", `${listId}-${marked}`);
    }

    /** @param {number} i */
    function accept(i) {
      const caret = input.selectionStart ?? input.value.length;
      const before = input.value.slice(0, caret - partBefore(input.value, caret).length) + shown[i].insert;
      const after = input.value.slice(caret).replace(/^[A-Za-z0-9_.]*/, "");
      setText(before + after);
      input.focus();
      input.setSelectionRange(before.length, before.length);
    }

    input.addEventListener("input", () => {
      apply();
      suggest(false);
    });
    input.addEventListener("blur", () => {
      close();
      onCommit();
    });
    input.addEventListener("keydown", (event) => {
      const isOpen = !list.hidden;
      if (event.key === " " && event.ctrlKey) suggest(true);
      else if (event.key === "ArrowDown") isOpen ? mark(marked + 1) : suggest(true);
      else if (event.key === "ArrowUp" && isOpen) mark(marked < 0 ? shown.length - 1 : marked - 1);
      else if ((event.key === "Enter" || event.key === "Tab") && isOpen && marked >= 0) accept(marked);
      else if (event.key === "Enter") {
        close();
        onCommit();
      } else if (event.key === "Escape" && isOpen) close();
      else return;
      event.preventDefault();
    });

    return {
      node,
      input,
      setText,
      text: () => input.value,
      /** @param {Word[]} next */
      setWords(next) {
        words = next;
      },
    };
  }

  return { create, partBefore, matching };
})();
