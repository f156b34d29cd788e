// What a page needs before it goes to paper, and undoing it afterwards: light colors, open solutions, and figures no
// wider than the paper.
(() => {
  "use strict";
  const WIDTH = 640; // CSS pixels: A4 and Letter leave a little more between the margins of print.css
  let restore = [];

  addEventListener("beforeprint", () => {
    const page = document.documentElement;
    const theme = page.dataset.theme;
    page.dataset.theme = "light"; // figures.js redraws in these colors
    restore.push(() => { page.dataset.theme = theme; });
    for (const box of document.querySelectorAll("article details:not([open], .llpp-data, .hide)")) {
      box.open = true;
      restore.push(() => { box.open = false; });
    }
    for (const plot of document.querySelectorAll(".llpp-plot .js-plotly-plot")) {
      Plotly.relayout(plot, { width: WIDTH });
      restore.push(() => Plotly.relayout(plot, { width: null, autosize: true }));
    }
  });

  addEventListener("afterprint", () => {
    for (const undo of restore) undo();
    restore = [];
  });
})();
