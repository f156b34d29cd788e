// Code that scrolls is a stop of the keyboard. The theme looks for it when the page is loaded or changes its width, and
// does not see into a folded solution: it is asked to look again when one opens. A classic script.
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("div.solution > .admonition-title")) return;
    setTimeout(() => dispatchEvent(new Event("resize"))); // after the fold has opened
  });
})();
