// Filter expressions to symbols. Positions count characters of the expression from 0.

/** @typedef {{ kind: "number" | "name" | "sign" | "end", text: string, at: number, end: number }} Symbol_ */

homolog.filterLexer = (() => {
  /** What is wrong with an expression, and where. */
  class FilterError extends Error {
    /** @param {string} message @param {number} at @param {number} end */
    constructor(message, at, end) {
      super(message);
      this.at = at;
      this.end = Math.max(end, at + 1);
    }
  }

  const PATTERN =
    /(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_][A-Za-z0-9_.]*)|(&&|\|\||<=|>=|==|!=|[-+*/%<>!(),])/y;

  /** Signs of other languages, and what is written here. @type {Record<string, string>} */
  const INSTEAD = {
    "=": "==",
    "&": "&&",
    "|": "||",
    "“": "no quotes",
    '"': "no quotes",
    "'": "no quotes",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
  };

  /** @param {string} text @returns {Symbol_[]} */
  function symbols(text) {
    /** @type {Symbol_[]} */
    const found = [];
    let at = 0;
    for (;;) {
      while (at < text.length && /\s/.test(text[at])) at++;
      if (at === text.length) break;
      PATTERN.lastIndex = at;
      const match = PATTERN.exec(text);
      if (!match) {
        const sign = String.fromCodePoint(/** @type {number} */ (text.codePointAt(at)));
        const instead = INSTEAD[sign] ? `; write ${INSTEAD[sign]}` : "";
        throw new FilterError(`“${sign}” has no meaning here${instead}`, at, at + sign.length);
      }
      const end = PATTERN.lastIndex;
      const kind = match[1] !== undefined ? "number" : match[2] !== undefined ? "name" : "sign";
      if (kind === "number" && /[A-Za-z0-9_.]/.test(text[end] ?? "")) {
        throw new FilterError(`“${text.slice(at, end + 1)}” is not a number`, at, end + 1);
      }
      found.push({ kind, text: match[0], at, end });
      at = end;
    }
    found.push({ kind: "end", text: "", at, end: at });
    return found;
  }

  return { FilterError, symbols };
})();
