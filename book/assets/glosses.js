// Shows what a symbol or a term means: under the pointer, at a stop of the keyboard, or at a tap. A classic script.
// The text stays while the pointer is on it or on its mark, and goes with Escape (WCAG 1.4.13). Texts and marks come
// from llpp_glosses.py; without this script the marks are plain text and links.
(() => {
  "use strict";
  const WAIT = 120; // ms of rest before a text opens, so that a pointer passing over a paragraph opens none
  const GRACE = 250; // ms to reach the text from its mark
  let shown = null; // { host, text }
  let timer = 0;
  let touched = false; // whether the last press was a finger's

  const hostOf = (mark) => mark.closest("a") ?? mark;
  const markAt = (node) => {
    if (!(node instanceof Element)) return null;
    return node.closest("[data-gloss]") ?? node.closest("a")?.querySelector("[data-gloss]") ?? null;
  };
  const textAt = (node) => (node instanceof Element ? node.closest(".llpp-gloss") : null);

  function place() {
    if (!shown) return;
    const { host, text } = shown;
    const box = host.getClientRects()[0] ?? host.getBoundingClientRect(); // a link may run over two lines
    const [width, height] = [text.offsetWidth, text.offsetHeight];
    const left = Math.max(8, Math.min(box.left, document.documentElement.clientWidth - width - 8));
    const above = box.top - height - 4;
    const below = box.bottom + 4;
    const top = above >= 8 || below + height > innerHeight - 8 ? Math.max(8, above) : below;
    text.style.left = `${left}px`;
    text.style.top = `${top}px`;
  }

  function hide() {
    clearTimeout(timer);
    shown?.text.classList.remove("shown");
    shown = null;
  }

  function show(mark) {
    const text = document.getElementById(mark.dataset.gloss);
    clearTimeout(timer);
    if (!text || (shown && shown.host === hostOf(mark))) return;
    hide();
    shown = { host: hostOf(mark), text };
    text.classList.add("shown");
    place();
  }

  const soon = (action, wait) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };

  function start() {
    const marks = [...document.querySelectorAll("[data-gloss]")];
    if (marks.length === 0) return;
    for (const mark of marks) {
      const host = hostOf(mark);
      host.setAttribute("aria-describedby", mark.dataset.gloss);
      if (host === mark && "glossFirst" in mark.dataset) mark.tabIndex = 0;
    }
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType === "touch") return;
      const mark = markAt(event.target);
      if (mark) soon(() => show(mark), WAIT);
      else if (textAt(event.target)) clearTimeout(timer);
      else if (!shown) clearTimeout(timer);
      else if (!shown.host.matches(":focus-visible")) soon(hide, GRACE);
    });
    document.addEventListener("pointerdown", (event) => {
      touched = event.pointerType === "touch";
      if (shown && !shown.host.contains(event.target) && !textAt(event.target)) hide();
    });
    document.addEventListener("click", (event) => {
      const mark = touched ? markAt(event.target) : null;
      if (!mark) return;
      const host = hostOf(mark);
      if (host !== shown?.host) {
        if (host !== mark) event.preventDefault(); // a first tap says what it means, a second one follows the link
        show(mark);
      } else if (host === mark) hide();
    });
    document.addEventListener("focusin", (event) => {
      const mark = markAt(event.target);
      if (mark && hostOf(mark) === event.target && event.target.matches(":focus-visible")) show(mark);
    });
    document.addEventListener("focusout", (event) => {
      if (shown?.host === event.target) hide();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
    });
    addEventListener("scroll", place, { passive: true, capture: true });
    addEventListener("resize", place, { passive: true });
  }

  /** MathJax makes every formula a stop of the keyboard, hundreds on a page; those within the text are read there. */
  async function skipInline() {
    await globalThis.MathJax?.startup?.promise;
    for (const formula of document.querySelectorAll('mjx-container:not([display="true"])')) {
      formula.removeAttribute("tabindex");
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  if (document.readyState === "complete") skipInline();
  else addEventListener("load", skipInline);
})();
