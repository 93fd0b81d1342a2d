// Joins the explorer's files into a page, as homolog-report does.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const FOLDER = path.join(__dirname, "..");

/** Files in the order of order.txt. @returns {string[]} */
function order() {
  const lines = fs.readFileSync(path.join(FOLDER, "order.txt"), "utf8").split("\n");
  return lines.map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
}

/** @returns {string} */
function script() {
  return order()
    .map((file) => fs.readFileSync(path.join(FOLDER, file), "utf8"))
    .join("\n");
}

const style = () => fs.readFileSync(path.join(FOLDER, "explorer.css"), "utf8");

/** The folder's index.html. @returns {string} */
function page() {
  const html = fs.readFileSync(path.join(FOLDER, "explorer.html"), "utf8");
  return fill(html, { STYLE: style(), SCRIPT: script(), BUNDLES: "" });
}

/**
 * A page like the report: the explorer among other things, all data inline.
 * @param {Map<string, string>} bundles base64 by name
 * @returns {string}
 */
function report(bundles) {
  const data = [...bundles]
    .map(([name, base64]) => `<script type="application/gzip" data-bundle="${name}">${base64}</script>`)
    .join("\n");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>report</title><style>table { font-size: 30px; } ${style()}</style></head>
<body><h1 id="figures">Report</h1><p style="height: 900px">Figures stand here. <a href="#figures">figures</a></p><div id="explorer"></div>
${data}<script>${script()}</script><script>homolog.mount(document.getElementById("explorer"), { inline: true });</script></body></html>`;
}

/** @param {string} html @param {Record<string, string>} parts */
function fill(html, parts) {
  // A function, since $ has a meaning in replacements that are strings.
  return Object.entries(parts).reduce((text, [name, part]) => text.replace(`<!-- ${name} -->`, () => part), html);
}

module.exports = { order, script, style, page, report, FOLDER };
