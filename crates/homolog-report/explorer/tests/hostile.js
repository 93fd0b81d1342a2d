// Tokens that a corpus may hold and a page must survive, and a vocabulary around them.
"use strict";

const HOSTILE = [
  "</script><script>window.hacked = 1</script>",
  '<img src=x onerror="window.hacked = 2">',
  "<b>bold</b>",
  "&lt;",
  "'\"`${1}",
  "<!--",
  "]]>",
  "javascript:alert(1)",
  "\n",
  "\r\n",
  "\t",
  "\u0000",
  "\u0007",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\u202egnp.exe",
  "\u202d",
  "\u2066\u2067",
  "\u200f",
  "\u200b",
  "\u00ad",
  "\ufeff",
  "\u2028",
  "\\xE2",
  "\\x80\\xA6",
  "שלום",
  " مرحبا",
  "\u0301",
  "e\u0301\u0302\u0303\u0304\u0305",
  "👩\u200d👧",
  "\u{e0041}",
  "x".repeat(10000),
  " ",
  "   ",
  "",
  "\u00a0",
  "�",
  "日本語",
  "constructor",
];

const WORDS =
  "the of and to in that it is was for on are with as his they be at one have this from had not by word but what some we can out other were all there when up use your how said an each she which do their time if will way about many then them write would like so these her long make thing see him two has look more day could go come did number sound no most people my over know water than call first who may down side been now find any new work part take get place made live where after back little only round man year came show every good me give our under name very through just form sentence great think say help low line differ turn cause much mean before move right boy old too same tell does set three want air well also play small end put home read hand port large spell add even land here must big high such follow act why ask men change went light kind off need house picture try us again animal point mother world near build self earth father".split(
    " ",
  );

/** @param {number} n tokens besides the hostile ones @returns {string[]} */
function vocabulary(n) {
  const marks = [",", ".", ";", "ing", "ed", "s", "ly", "\n", "-", "'s"];
  return [
    ...HOSTILE,
    ...Array.from({ length: n }, (_, i) =>
      i % 9 === 4 ? marks[Math.floor(i / 9) % marks.length] : ` ${WORDS[i % WORDS.length]}`,
    ),
  ];
}

module.exports = { HOSTILE, vocabulary };
