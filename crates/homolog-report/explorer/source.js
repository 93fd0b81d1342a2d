// Where bundles come from: script elements of the page itself, or one script file each beside it.

homolog.source = (() => {
  /** Bundles kept open; a table of GPT-2 small takes 6 MB, so all of a large study would not do. */
  const N_KEPT = 32;

  /** @type {Map<string, (base64: string) => void>} */
  const waiting = new Map();

  /** Called by the data files. @param {string} name @param {string} base64 */
  function add(name, base64) {
    waiting.get(name)?.(base64);
  }

  /** @param {string} name @returns {Promise<string>} */
  function readInline(name) {
    const element = document.querySelector(`script[type="application/gzip"][data-bundle="${CSS.escape(name)}"]`);
    if (!element) {
      return Promise.reject(
        new Error(
          `this page does not hold the data “${name}”; the file may be cut off: copy it again or write the report anew`,
        ),
      );
    }
    return Promise.resolve(element.textContent ?? "");
  }

  /** @param {string} name @returns {Promise<string>} */
  function readFile(name) {
    const file = `data/${name}.js`;
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      waiting.set(name, resolve);
      /** @param {string} cause */
      const fail = (cause) => {
        waiting.delete(name);
        script.remove();
        reject(new Error(cause));
      };
      script.onerror = () =>
        fail(
          `the file ${file} is missing or cannot be read; keep the folder data/ beside this page, or write the explorer anew`,
        );
      // A file that held its bundle has settled the promise by now; then this rejection changes nothing.
      script.onload = () =>
        fail(
          `the file ${file} does not hold the data “${name}”; it may be cut off: copy it again or write the explorer anew`,
        );
      script.src = file;
      document.head.append(script);
    });
  }

  /** @typedef {{ load: (name: string) => Promise<Bundle> }} Source */

  /** @param {boolean} isInline @returns {Source} */
  function create(isInline) {
    /** In the order of last use. @type {Map<string, Promise<Bundle>>} */
    const kept = new Map();

    /** @param {string} name @returns {Promise<Bundle>} */
    async function read(name) {
      const base64 = await (isInline ? readInline(name) : readFile(name));
      try {
        return await homolog.bundle.decode(base64);
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        throw new Error(`the data “${name}” cannot be opened: ${cause}`);
      }
    }

    /** @param {string} name */
    function load(name) {
      const known = kept.get(name);
      const bundle = known ?? read(name);
      kept.delete(name);
      kept.set(name, bundle);
      // A failure is not kept, so that asking again tries again.
      if (!known) bundle.catch(() => kept.delete(name));
      if (kept.size > N_KEPT) kept.delete(/** @type {string} */ (kept.keys().next().value));
      return bundle;
    }

    return { load };
  }

  return { add, create };
})();

homolog.add = homolog.source.add;
