// Colours that also differ in lightness, for those who see fewer hues; each for light and for dark pages.

homolog.palette = (() => {
  /** Red, green, blue, 0 to 255. @typedef {[number, number, number]} Color */

  /** Low to high; lightness falls (or, on dark, rises) all along. @type {Color[]} */
  const RAMP_LIGHT = [
    [226, 172, 40],
    [208, 122, 62],
    [172, 78, 104],
    [112, 56, 132],
    [38, 42, 110],
  ];
  /** @type {Color[]} */
  const RAMP_DARK = [
    [84, 92, 190],
    [150, 88, 190],
    [214, 108, 140],
    [240, 156, 92],
    [250, 224, 110],
  ];

  /** Models, told apart by dash as well. */
  const MODELS_LIGHT = ["#0068a8", "#b34700", "#00785a", "#a3437f", "#8a6100", "#3a6f8f", "#5d4aa8", "#6b6b6b"];
  const MODELS_DARK = ["#6cb8f0", "#f0914d", "#3fc79a", "#e391c0", "#e0b440", "#9ccbe6", "#b3a4f0", "#b9b9b9"];
  const DASHES = ["", "6 3", "2 2", "8 3 2 3", "4 2", "10 4", "1 3", "6 2 1 2"];

  const dark = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => dark?.matches ?? false;

  /** @param {() => void} listener @returns {void} */
  function onChange(listener) {
    dark?.addEventListener("change", listener);
  }

  /** @param {number} share 0 to 1 @returns {Color} */
  function ramp(share) {
    const stops = isDark() ? RAMP_DARK : RAMP_LIGHT;
    const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mix = (/** @type {0 | 1 | 2} */ i) =>
      Math.round(stops[low][i] + (at - low) * (stops[low + 1][i] - stops[low][i]));
    return [mix(0), mix(1), mix(2)];
  }

  /** @param {number} i @param {number} n */
  const layer = (i, n) => ramp(n > 1 ? i / (n - 1) : 0.5);

  /** @param {number} i @returns {{ color: string, dash: string }} */
  function model(i) {
    const colors = isDark() ? MODELS_DARK : MODELS_LIGHT;
    return { color: colors[i % colors.length], dash: DASHES[i % DASHES.length] };
  }

  /** @param {boolean} isSet @returns {Color} */
  function flag(isSet) {
    if (isSet) return isDark() ? [240, 145, 77] : [194, 78, 0];
    return isDark() ? [95, 149, 196] : [91, 143, 191];
  }

  /** Of points outside the filter. @returns {Color} */
  const outside = () => (isDark() ? [62, 68, 77] : [203, 207, 212]);

  /** @param {Color} color */
  const css = (color) => `rgb(${color.join(" ")})`;

  return { layer, model, flag, outside, css, onChange };
})();
