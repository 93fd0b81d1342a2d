// Elements. Text only ever becomes a text node: nothing here or elsewhere parses markup.

homolog.dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  /** @typedef {Node | string | null | undefined | false} Child */

  /** @param {Element} node @param {Record<string, any>} attributes */
  function set(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
  }

  /** @param {Element} node @param {Child[]} children */
  function append(node, children) {
    for (const child of children) if (child !== null && child !== undefined && child !== false) node.append(child);
  }

  /**
   * @template {keyof HTMLElementTagNameMap} K
   * @param {K} tag
   * @param {Record<string, any>} [attributes] `onclick` and the like take functions
   * @param {...Child} children
   * @returns {HTMLElementTagNameMap[K]}
   */
  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    set(node, attributes);
    append(node, children);
    return node;
  }

  /** @param {string} tag @param {Record<string, any>} [attributes] @param {...Child} children @returns {SVGElement} */
  function svg(tag, attributes = {}, ...children) {
    const node = document.createElementNS(SVG, tag);
    set(node, attributes);
    append(node, children);
    return node;
  }

  let nIds = 0;
  /** @param {string} word */
  const newId = (word) => `explorer-${word}-${++nIds}`;

  /**
   * A select box with a label.
   * @param {string} label
   * @param {{ value: string, text: string }[]} options
   * @param {(value: string) => void} onChange
   */
  function choice(label, options, onChange) {
    const select = element("select", { onchange: () => onChange(select.value) });
    /** @param {{ value: string, text: string }[]} all */
    const setOptions = (all) =>
      select.replaceChildren(...all.map(({ value, text }) => element("option", { value }, text)));
    setOptions(options);
    return { node: element("label", { class: "choice" }, element("span", {}, label), select), select, setOptions };
  }

  return { element, svg, newId, choice };
})();
