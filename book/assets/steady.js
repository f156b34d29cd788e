// A page is shown when it stands still. Formulas change their size when they are typeset, and explorers when they draw;
// so the text stays hidden, its room kept, until what the reader will see first is done, and the rest follows below.
// A classic script in the head, before MathJax, which is deferred.
(() => {
  "use strict";
  const LONGEST = 3000; // milliseconds that a reader waits at most, whatever fails
  const page = document.documentElement;
  page.classList.add("llpp-moving");
  const show = () => page.classList.remove("llpp-moving");
  setTimeout(show, LONGEST);

  const frame = () => new Promise((done) => requestAnimationFrame(done));

  /** Until the page keeps its height over three frames: an explorer may draw, see its new size, and draw again. */
  async function still() {
    for (let same = 0, before = -1; same < 3 && page.classList.contains("llpp-moving");) {
      await frame();
      same = page.scrollHeight === before ? same + 1 : 0;
      before = page.scrollHeight;
    }
  }

  if (!window.MathJax) {
    document.addEventListener("DOMContentLoaded", () => still().then(show));
    return;
  }
  window.MathJax.startup = {
    ...window.MathJax.startup,
    // Called when the page is read, before MathJax typesets anything.
    async pageReady() {
      const { MathJax } = window;
      try {
        // All that stands above the fold, or above the section that the address names: nothing moves it afterwards.
        const first = [...document.querySelectorAll(".math")]
          .filter((formula) => formula.getBoundingClientRect().top < 1.5 * innerHeight);
        await MathJax.typesetPromise(first);
        await still();
      } finally {
        show();
      }
      return MathJax.startup.defaultPageReady();
    },
  };
})();
