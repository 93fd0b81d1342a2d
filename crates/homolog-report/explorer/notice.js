// What stands where data are awaited or could not be had: no part of the page is ever blank without a reason.

homolog.notice = (() => {
  const { element } = homolog.dom;

  /** @param {string} what */
  const loading = (what) => element("p", { class: "notice loading", role: "status" }, `Loading ${what} …`);

  /** @param {unknown} error */
  const causeOf = (error) => (error instanceof Error ? error.message : String(error));

  /** @param {string} what @param {unknown} error */
  function failed(what, error) {
    return element(
      "div",
      { class: "notice failed", role: "alert" },
      element("strong", {}, `${sentence(`${what} cannot be shown`)} `),
      sentence(causeOf(error)),
    );
  }

  /** @param {string} text */
  const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;

  /**
   * A section that fills itself: first says that it loads, then holds what came, or why nothing did.
   * @param {Element} place @param {string} what @param {() => Promise<Node>} fill
   */
  async function whenLoaded(place, what, fill) {
    place.replaceChildren(loading(what));
    try {
      place.replaceChildren(await fill());
    } catch (error) {
      place.replaceChildren(failed(what, error));
    }
  }

  return { failed, loading, sentence, whenLoaded };
})();
