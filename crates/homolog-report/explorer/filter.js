// The filter language: a recursive-descent parser that compiles an expression into closures over the columns of a
// table.
//
// A term is a number or a condition. Comparisons are made in single precision, that of the tables, so that `max_corr ==
// 0.3` finds what is written as 0.3; with a missing value (NaN) every comparison is false, != included.

homolog.filter = (() => {
  const { FilterError, symbols } = homolog.filterLexer;
  const MAX_DEPTH = 64;
  const f32 = Math.fround;

  /** @typedef {(row: number) => number} NumberOf */
  /** @typedef {(row: number) => boolean} Test */
  /** @typedef {{ at: number, end: number, number: NumberOf | null, test: Test | null }} Term */
  /** @typedef {{ values: Float32Array | Float64Array, kind: Kind }} FilterColumn */

  /**
   * @type {Record<string, { signature: string, help: string, least: number, most: number, of: (values: NumberOf[]) => NumberOf }>}
   */
  const FUNCTIONS = {
    abs: {
      signature: "abs(a)",
      help: "Size of a without its sign.",
      least: 1,
      most: 1,
      of:
        ([a]) =>
        (i) =>
          Math.abs(a(i)),
    },
    log10: {
      signature: "log10(a)",
      help: "Decimal logarithm; missing where a is not positive.",
      least: 1,
      most: 1,
      of:
        ([a]) =>
        (i) => {
          const x = a(i);
          return x > 0 ? Math.log10(x) : NaN;
        },
    },
    min: {
      signature: "min(a, b, …)",
      help: "Least of its arguments; missing where one is.",
      least: 2,
      most: 16,
      of: (all) => (i) => all.reduce((least, a) => Math.min(least, a(i)), Infinity),
    },
    max: {
      signature: "max(a, b, …)",
      help: "Greatest of its arguments; missing where one is.",
      least: 2,
      most: 16,
      of: (all) => (i) => all.reduce((most, a) => Math.max(most, a(i)), -Infinity),
    },
  };
  const MISSING = { signature: "missing(a)", help: "Whether a has no value." };

  /** @type {Record<string, (a: NumberOf, b: NumberOf) => Test>} */
  const COMPARISONS = {
    "<": (a, b) => (i) => f32(a(i)) < f32(b(i)),
    "<=": (a, b) => (i) => f32(a(i)) <= f32(b(i)),
    ">": (a, b) => (i) => f32(a(i)) > f32(b(i)),
    ">=": (a, b) => (i) => f32(a(i)) >= f32(b(i)),
    "==": (a, b) => (i) => f32(a(i)) === f32(b(i)),
    "!=": (a, b) => (i) => {
      const [x, y] = [f32(a(i)), f32(b(i))];
      return x < y || x > y;
    },
  };

  /** @type {Record<string, (a: NumberOf, b: NumberOf) => NumberOf>} */
  const ARITHMETIC = {
    "+": (a, b) => (i) => a(i) + b(i),
    "-": (a, b) => (i) => a(i) - b(i),
    "*": (a, b) => (i) => a(i) * b(i),
    "/": (a, b) => (i) => a(i) / b(i),
    "%": (a, b) => (i) => a(i) % b(i),
  };

  /** Edits (insert, delete, replace) from one word to another. @param {string} from @param {string} to */
  function distance(from, to) {
    let previous = Array.from({ length: to.length + 1 }, (_, j) => j);
    for (let i = 1; i <= from.length; i++) {
      const current = [i];
      for (let j = 1; j <= to.length; j++) {
        const replaced = previous[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
        current.push(Math.min(previous[j] + 1, current[j - 1] + 1, replaced));
      }
      previous = current;
    }
    return previous[to.length];
  }

  /**
   * The known name nearest to a wrong one, where it is near enough to be meant.
   * @param {string} name
   * @param {string[]} known
   */
  function nearest(name, known) {
    let best = "";
    let least = Math.max(2, name.length / 3) + 1;
    for (const candidate of known) {
      const edits = distance(name.toLowerCase(), candidate.toLowerCase());
      if (edits < least) [best, least] = [candidate, edits];
    }
    return best;
  }

  class Parser {
    /** @param {string} text @param {Map<string, FilterColumn>} columns */
    constructor(text, columns) {
      this.columns = columns;
      this.symbols = symbols(text);
      this.next = 0;
      this.depth = 0;
    }

    get symbol() {
      return this.symbols[this.next];
    }

    /** Takes the next symbol if it is one of these signs. @param {string[]} signs */
    take(...signs) {
      const { kind, text } = this.symbol;
      if (kind !== "sign" || !signs.includes(text)) return null;
      return this.symbols[this.next++];
    }

    /** @param {string} sign @param {string} why */
    expect(sign, why) {
      if (this.take(sign)) return;
      const { text, at, end } = this.symbol;
      throw new FilterError(`“${sign}” is missing ${why}${text ? `, before “${text}”` : ""}`, at, end);
    }

    /** @returns {Test} */
    whole() {
      const term = this.or();
      const { kind, text, at, end } = this.symbol;
      if (kind !== "end") {
        const hint = /^(and|or)$/i.test(text) ? `; write ${text.toLowerCase() === "or" ? "||" : "&&"}` : "";
        throw new FilterError(`“${text}” was not expected here${hint}`, at, end);
      }
      return this.test(term);
    }

    /** @returns {Term} */
    or() {
      return this.joined(
        "||",
        () =>
          this.joined(
            "&&",
            () => this.comparison(),
            (a, b) => (i) => a(i) && b(i),
          ),
        (a, b) => (i) => a(i) || b(i),
      );
    }

    /** @param {string} sign @param {() => Term} part @param {(a: Test, b: Test) => Test} join @returns {Term} */
    joined(sign, part, join) {
      let left = part();
      while (this.take(sign)) {
        const first = this.test(left);
        const right = part();
        left = { at: left.at, end: right.end, number: null, test: join(first, this.test(right)) };
      }
      return left;
    }

    /** @returns {Term} */
    comparison() {
      const left = this.sum();
      const sign = this.take("<", "<=", ">", ">=", "==", "!=");
      if (!sign) return left;
      const right = this.sum();
      const again = this.take("<", "<=", ">", ">=", "==", "!=");
      if (again) throw new FilterError("comparisons do not chain; write a < b && b < c", again.at, again.end);
      return {
        at: left.at,
        end: right.end,
        number: null,
        test: COMPARISONS[sign.text](this.number(left), this.number(right)),
      };
    }

    /** @returns {Term} */
    sum() {
      return this.arithmetic(["+", "-"], () => this.arithmetic(["*", "/", "%"], () => this.unary()));
    }

    /** @param {string[]} signs @param {() => Term} part @returns {Term} */
    arithmetic(signs, part) {
      let left = part();
      for (let sign = this.take(...signs); sign; sign = this.take(...signs)) {
        const right = part();
        left = {
          at: left.at,
          end: right.end,
          number: ARITHMETIC[sign.text](this.number(left), this.number(right)),
          test: null,
        };
      }
      return left;
    }

    /** @returns {Term} */
    unary() {
      const { at, end } = this.symbol;
      if (++this.depth > MAX_DEPTH) throw new FilterError("the expression is nested too deeply", at, end);
      const sign = this.take("-", "!");
      const term = sign ? this.negated(sign.text, at) : this.primary();
      this.depth--;
      return term;
    }

    /** @param {string} sign @param {number} at @returns {Term} */
    negated(sign, at) {
      const term = this.unary();
      if (sign === "-") {
        const value = this.number(term);
        return { at, end: term.end, number: (i) => -value(i), test: null };
      }
      const test = this.test(term);
      return { at, end: term.end, number: null, test: (i) => !test(i) };
    }

    /** @returns {Term} */
    primary() {
      const { kind, text, at, end } = this.symbol;
      if (kind === "number") {
        this.next++;
        const value = Number(text);
        return { at, end, number: () => value, test: null };
      }
      if (kind === "name") {
        this.next++;
        return this.take("(") ? this.call(text, at, end) : this.column(text, at, end);
      }
      if (this.take("(")) {
        const inner = this.or();
        this.expect(")", "to close the parenthesis");
        return { ...inner, at, end: this.symbols[this.next - 1].end };
      }
      throw new FilterError(
        text
          ? `a column, a number or “(” is missing before “${text}”`
          : "the expression ends where a column or a number is missing",
        at,
        end,
      );
    }

    /** @param {string} name @param {number} at @param {number} end @returns {Term} */
    column(name, at, end) {
      const column = this.columns.get(name);
      if (column) {
        const { values, kind } = column;
        return { at, end, number: (i) => values[i], test: kind === "flag" ? (i) => values[i] === 1 : null };
      }
      if (name === "not") throw new FilterError("“not” is written !", at, end);
      if (Object.hasOwn(FUNCTIONS, name) || name === "missing")
        throw new FilterError(`${name} is a function; write ${name}(…)`, at, end);
      const near = nearest(name, [...this.columns.keys()]);
      throw new FilterError(`there is no column “${name}”${near ? `; did you mean ${near}?` : ""}`, at, end);
    }

    /** @param {string} name @param {number} at @param {number} end @returns {Term} */
    call(name, at, end) {
      const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : null;
      if (!known && name !== "missing") {
        throw new FilterError(
          `there is no function “${name}”; there are ${Object.keys(FUNCTIONS).join(", ")} and missing`,
          at,
          end,
        );
      }
      const values = [];
      do values.push(this.number(this.or()));
      while (this.take(","));
      this.expect(")", `after the arguments of ${name}`);
      const close = this.symbols[this.next - 1].end;
      const { least, most } = known ?? { least: 1, most: 1 };
      if (values.length < least || values.length > most) {
        throw new FilterError(
          `${name} takes ${least === most ? "one argument" : `${least} to ${most} arguments`}, not ${values.length}`,
          at,
          close,
        );
      }
      if (known) return { at, end: close, number: known.of(values), test: null };
      const [value] = values;
      return { at, end: close, number: null, test: (i) => Number.isNaN(value(i)) };
    }

    /** @param {Term} term @returns {NumberOf} */
    number(term) {
      if (term.number) return term.number;
      throw new FilterError("a number is needed here, not a condition", term.at, term.end);
    }

    /** @param {Term} term @returns {Test} */
    test(term) {
      if (term.test) return term.test;
      throw new FilterError("a condition is needed here, not a number; compare it, as in a > 0.5", term.at, term.end);
    }
  }

  /**
   * Null for an empty expression, which holds for every row. Throws FilterError.
   * @param {string} text
   * @param {Map<string, FilterColumn>} columns
   */
  function compile(text, columns) {
    return text.trim() === "" ? null : new Parser(text, columns).whole();
  }

  /** Rows for which a test holds, ascending. @param {Test | null} test @param {number} n @returns {Uint32Array} */
  function rows(test, n) {
    const found = new Uint32Array(n);
    let count = 0;
    for (let i = 0; i < n; i++) if (test === null || test(i)) found[count++] = i;
    return found.subarray(0, count);
  }

  const functions = [
    ...Object.entries(FUNCTIONS).map(([name, { signature, help }]) => ({ name, signature, help })),
    { name: "missing", ...MISSING },
  ];
  return { compile, rows, functions, FilterError };
})();
