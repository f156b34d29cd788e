// On the search page: the words around each match, from search_texts.js, which lies beside this file.
(() => {
  "use strict";
  const AROUND = 90; // characters shown on either side of a match

  const asked = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase();
  const words = asked.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1);

  /** The text around the first place where a word stands, the words marked; null where none does. */
  function around(text) {
    const lower = text.toLowerCase();
    const places = [asked, ...words].map((word) => (word ? lower.indexOf(word) : -1)).filter((place) => place >= 0);
    if (places.length === 0) return null;
    const [from, to] = [places[0] - AROUND, places[0] + AROUND];
    const start = from <= 0 ? 0 : Math.min(text.indexOf(" ", from) + 1, places[0]); // whole words
    const end = to >= text.length ? text.length : Math.max(text.lastIndexOf(" ", to), places[0] + asked.length);
    const shown = text.slice(start, end);
    const line = document.createElement("p");
    line.className = "context";
    line.append(start > 0 ? "… " : "");
    const pattern = new RegExp(`(${words.map((word) => word.replace(/[^\p{L}\p{N}]/gu, "")).join("|")})`, "giu");
    shown.split(pattern).forEach((part, index) => {
      if (index % 2 === 0) line.append(part);
      else line.appendChild(document.createElement("mark")).append(part);
    });
    line.append(end < text.length ? " …" : "");
    return line;
  }

  function complete(item) {
    const link = item.querySelector("a[data-score]");
    if (!link || item.querySelector(".context")) return;
    const root = new URL(document.documentElement.dataset.content_root, location.href).href;
    const name = link.href.slice(root.length).replace(/\.html(?:[?#].*)?$/, "");
    const line = around(window.llppTexts?.[name] ?? "");
    if (line) item.append(line);
  }

  const results = document.querySelector("#search-results");
  if (!results || words.length === 0) return;
  new MutationObserver(() => results.querySelectorAll("li").forEach(complete))
    .observe(results, { childList: true, subtree: true });
  results.querySelectorAll("li").forEach(complete);
})();
