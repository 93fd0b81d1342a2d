// Text of a corpus made visible: what would not show, or would change how its neighbours show, becomes a symbol.

homolog.tokenText = (() => {
  /** @typedef {{ text: string, isSymbol: boolean }} Piece */

  /** Characters from which on a token is cut, and how many are left. */
  const [LONG, KEPT] = [60, 40];

  /** @type {Record<number, string>} */
  const NAMES = {
    0x0a: "↵",
    0x0d: "⟨CR⟩",
    0x09: "⇥",
    0x7f: "⟨DEL⟩",
    0xa0: "⍽",
    0xad: "⟨SHY⟩",
    0x034f: "⟨CGJ⟩",
    0x061c: "⟨ALM⟩",
    0x180e: "⟨MVS⟩",
    0x200b: "⟨ZWSP⟩",
    0x200c: "⟨ZWNJ⟩",
    0x200d: "⟨ZWJ⟩",
    0x200e: "⟨LRM⟩",
    0x200f: "⟨RLM⟩",
    0x2028: "⟨LS⟩",
    0x2029: "⟨PS⟩",
    0x202a: "⟨LRE⟩",
    0x202b: "⟨RLE⟩",
    0x202c: "⟨PDF⟩",
    0x202d: "⟨LRO⟩",
    0x202e: "⟨RLO⟩",
    0x2060: "⟨WJ⟩",
    0x2066: "⟨LRI⟩",
    0x2067: "⟨RLI⟩",
    0x2068: "⟨FSI⟩",
    0x2069: "⟨PDI⟩",
    0xfeff: "⟨BOM⟩",
  };

  /** Of U+0000 to U+001F. Names in brackets rather than the pictures of Unicode, which few fonts have. */
  const CONTROLS =
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(
      " ",
    );

  /** @param {number} code @returns {string | null} */
  function symbolOf(code) {
    if (NAMES[code]) return NAMES[code];
    if (code < 0x20) return `⟨${CONTROLS[code]}⟩`;
    if (code >= 0x80 && code < 0xa0) return `⟨${code.toString(16).toUpperCase()}⟩`;
    const isHidden =
      (code >= 0xd800 && code < 0xe000) ||
      (code >= 0x2061 && code < 0x2070) ||
      (code >= 0xfff9 && code < 0xfffc) ||
      (code >= 0xe0000 && code < 0xe1000);
    return isHidden ? `⟨U+${code.toString(16).toUpperCase()}⟩` : null;
  }

  /** @param {string} token @returns {Piece[]} */
  function pieces(token) {
    /** @type {Piece[]} */
    const found = [];
    /** @param {string} text @param {boolean} isSymbol */
    const add = (text, isSymbol) => {
      const last = found.at(-1);
      if (last && last.isSymbol === isSymbol) last.text += text;
      else found.push({ text, isSymbol });
    };
    // A mark that combines would sit on the token before.
    if (/^\p{M}/u.test(token)) add("◌", true);
    for (const character of token) {
      const symbol = symbolOf(/** @type {number} */ (character.codePointAt(0)));
      add(symbol ?? character, symbol !== null);
    }
    return found;
  }

  /** The token in one line, for tooltips and readers of screens. @param {string} token */
  function plain(token) {
    const { text } = shortened(token);
    return pieces(text)
      .map((piece) => piece.text)
      .join("");
  }

  /** @param {string} token @returns {{ text: string, length: number, isCut: boolean }} length in characters */
  function shortened(token) {
    if (token.length <= LONG) return { text: token, length: token.length, isCut: false };
    const characters = [...token];
    if (characters.length <= LONG) return { text: token, length: characters.length, isCut: false };
    return { text: `${characters.slice(0, KEPT).join("")}…`, length: characters.length, isCut: true };
  }

  return { pieces, plain, shortened };
})();
