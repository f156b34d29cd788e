// Draws the book's plotly figures, in the page's colours, light or dark.
// plotly.min.js is 4.8 MB: it is loaded once, and only by a page that has a figure. A classic script, because a page
// opened from file:// may not load modules from files.
(() => {
  "use strict";
  const plotly = new URL("vendor/plotly.min.js", document.currentScript.src).href;
  const drawings = new Map(); // element drawn into → the data and the layout that Python wrote
  // the methods' colors and their dark forms, as in book.css
  const DARK = { "#d55e00": "#ff8a33", "#0072b2": "#56b4e9", "#009e73": "#2fc79a" };

  const isDark = () => document.documentElement.dataset.theme === "dark";

  /** The figure's own template, with text and lines in the theme's colours and paper that lets the page through. */
  function themed(template = {}) {
    const [text, grid, line, card] = isDark()
      ? ["#e6e8eb", "#2f363d", "#596573", "#1f252b"]
      : ["#1f2328", "#e4e8ec", "#aeb7c0", "#ffffff"];
    const own = template.layout ?? {};
    const axis = { gridcolor: grid, linecolor: line, zerolinecolor: line, tickcolor: line, automargin: true };
    const background = { bgcolor: "rgba(0,0,0,0)" };
    return {
      ...template,
      layout: {
        ...own,
        margin: { l: 60, r: 20, t: 30, b: 50, ...own.margin },
        font: { ...own.font, color: text, family: getComputedStyle(document.body).fontFamily },
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        hoverlabel: { ...own.hoverlabel, bgcolor: card, bordercolor: line, font: { color: text } },
        legend: { ...own.legend, ...background },
        xaxis: { ...own.xaxis, ...axis },
        yaxis: { ...own.yaxis, ...axis },
        polar: { ...background, angularaxis: axis, radialaxis: axis },
      },
    };
  }

  /** Data or layout with the methods' colors for the page's theme; Python wrote those for light paper. */
  function colored(part) {
    if (!isDark()) return structuredClone(part);
    return JSON.parse(JSON.stringify(part).replace(/"#(d55e00|0072b2|009e73)"/gi, (color) =>
      `"${DARK[color.slice(1, -1).toLowerCase()]}"`));
  }

  async function draw(plot) {
    const { data = [], layout = {}, config = {} } = JSON.parse(
      plot.querySelector('script[type="application/vnd.plotly.v1+json"]').textContent);
    const target = plot.appendChild(document.createElement("div"));
    drawings.set(target, { data, layout });
    await Plotly.newPlot(target, colored(data), { ...colored(layout), template: themed(layout.template) }, {
      ...config,
      responsive: true,
      displaylogo: false,
      modeBarButtonsToRemove: [...(config.modeBarButtonsToRemove ?? []), "sendDataToCloud"],
    });
    // plotly follows the window; a sidebar or an opened <details> changes the width without it.
    new ResizeObserver(() => target.offsetWidth && Plotly.Plots.resize(target)).observe(plot);
    // An image may hold no buttons, and the drawing has some: it becomes a group of that description, whose marks a
    // screen reader passes over.
    plot.setAttribute("role", "group");
    for (const marks of target.querySelectorAll(".main-svg")) marks.setAttribute("aria-hidden", "true");
    plot.dataset.drawn = "true";
  }

  function fail(plot, reason) {
    const note = plot.appendChild(document.createElement("p"));
    note.className = "llpp-warning";
    note.textContent = `This figure could not be drawn (${reason}). Its data are in the table below.`;
  }

  function start() {
    const plots = [...document.querySelectorAll(".llpp-plot")];
    if (plots.length === 0) return;
    const script = document.createElement("script");
    script.src = plotly;
    script.onload = () => plots.forEach((plot) => draw(plot).catch((error) => {
      fail(plot, error.message);
      console.error(error);
    }));
    script.onerror = () => plots.forEach((plot) => fail(plot, "vendor/plotly.min.js is missing"));
    document.head.append(script);
    new MutationObserver(() => {
      for (const [target, { data, layout }] of drawings) {
        const { width } = target.layout; // on paper print.js sets it
        Plotly.react(target, colored(data), { ...colored(layout), width, template: themed(layout.template) });
      }
    }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
