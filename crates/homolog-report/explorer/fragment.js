// The part of the address after #: which neurons are shown and how, so that a link restores a view.
//
//     #MODEL/CHECKPOINT[/L2.53][?filter=...&sort=-excess_corr&x=...&y=...&color=...]
//
// Names are percent-encoded; the checkpoint is its step, or - for a study that names none. Anything else is not ours: a
// report has anchors of its own.

homolog.fragment = (() => {
  const NO_CHECKPOINT = "-";

  /** @param {View} view */
  function format(view) {
    const path = [encodeURIComponent(view.model), view.checkpoint === null ? NO_CHECKPOINT : String(view.checkpoint)];
    if (view.neuron) path.push(homolog.dataset.labelOf(view.neuron));
    const sort = view.sort && (view.sort.descending ? "-" : "") + view.sort.column;
    const asked = Object.entries({ filter: view.filter, sort, x: view.x, y: view.y, color: view.color })
      .filter(([, value]) => value)
      .map(([key, value]) => `${key}=${encodeURIComponent(/** @type {string} */ (value))}`);
    return `#${path.join("/")}${asked.length ? `?${asked.join("&")}` : ""}`;
  }

  /** @param {string} text @returns {string} */
  function decode(text) {
    return decodeURIComponent(text.replaceAll("+", "%20"));
  }

  /** Null for a fragment that is not ours. @param {string} fragment @returns {View | null} */
  function parse(fragment) {
    const match = /^#?([^/?#]+)\/(-|\d+)(?:\/L(\d+)\.(\d+))?(?:\?(.*))?$/s.exec(fragment);
    if (!match) return null;
    const [, model, checkpoint, layer, neuron, query] = match;
    try {
      /** @type {Record<string, string>} */
      const asked = {};
      for (const part of (query ?? "").split("&")) {
        const at = part.indexOf("=");
        if (at > 0) asked[part.slice(0, at)] = decode(part.slice(at + 1));
      }
      const { filter = "", sort = "", x = null, y = null, color = null } = asked;
      return {
        model: decodeURIComponent(model),
        checkpoint: checkpoint === NO_CHECKPOINT ? null : Number(checkpoint),
        neuron: layer === undefined ? null : { layer: Number(layer), neuron: Number(neuron) },
        filter,
        sort: sort ? { column: sort.replace(/^-/, ""), descending: sort.startsWith("-") } : null,
        x,
        y,
        color,
      };
    } catch {
      return null; // A malformed percent sign.
    }
  }

  return { format, parse };
})();
