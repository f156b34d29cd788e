// RunsPlayer: what is told of a run as curves over its epochs; dragging in one sets the epoch.

const CURVES = { left: 38, right: 10, top: 22, bottom: 36, height: 190 };

/** `lines(run)`: [{ kind, values, name }]; `ends(run)`: of the axis; `toEpoch(place)` shows one; `there(run)`: whether there
 * is anything to draw. Values of a `logarithmic` axis and its ends are decimal logarithms. */
function curvesOver({ title, spoken, lines, ends, toEpoch, legend, logarithmic = false, there = () => true }) {
  const still = svg("g"), moving = svg("g");
  const picture = svg("svg", { role: "img", "aria-label": spoken }, still, moving);
  const node = html("div", { class: "curves" }, html("div", { class: "plot" }, picture));
  if (legend) node.append(legend);
  let width = 0, box, x, y, drawn = null;
  onDrag(picture, () => {}, (left) => {
    if (!drawn) return;
    const { epochs } = drawn;
    const wanted = epochs[0] + ((left - box.left) / box.plotWidth) * (epochs.at(-1) - epochs[0]);
    const far = epochs.map((epoch) => Math.abs(epoch - wanted));
    toEpoch(far.indexOf(Math.min(...far)));
  });
  return {
    node,
    resize() { width = picture.parentNode.clientWidth; drawn = null; },
    draw({ run, place }) {
      const hide = place < 0 || !there(run);
      if (node.hidden !== hide) {
        node.hidden = hide;
        this.resize();
      }
      if (hide) return;
      if (drawn !== run) {
        drawn = run;
        const { epochs } = run;
        const [low, high] = ends(run);
        box = { ...CURVES, plotWidth: Math.max(width - CURVES.left - CURVES.right, 40),
          plotHeight: CURVES.height - CURVES.top - CURVES.bottom };
        x = (n) => box.left + (epochs.length > 1 ? (epochs[n] - epochs[0]) / (epochs.at(-1) - epochs[0]) : 0.5) * box.plotWidth;
        y = (value) => box.top + ((high - value) / (high - low)) * box.plotHeight;
        const bottom = box.top + box.plotHeight;
        const across = [...new Set([0, Math.floor((epochs.length - 1) / 2), epochs.length - 1])];
        dress(picture, { width: Math.max(width, 1), height: CURVES.height });
        still.replaceChildren(
          ...[...new Set([low, logarithmic ? high : low < 0 ? 0 : high / 2, high])].flatMap((value) => [
            svg("line", { class: value === 0 ? "grid zero" : "grid", x1: box.left, x2: box.left + box.plotWidth, y1: y(value), y2: y(value) }),
            label(tick(logarithmic ? 10 ** value : value), { class: "tick-label", x: box.left - 5, y: y(value) + 4, "text-anchor": "end" })]),
          ...across.map((n) => label(String(epochs[n]), { class: "tick-label", x: x(n), y: bottom + 16, "text-anchor": "middle" })),
          label("epoch", { class: "axis-title", x: box.left + box.plotWidth / 2, y: bottom + 31, "text-anchor": "middle" }),
          label(title, { class: "axis-title", x: 0, y: 11 }),
          ...lines(run).map(({ kind, values }) => svg("path", { class: `curve ${kind}`, d: path(values) })));
      }
      moving.replaceChildren(
        svg("line", { class: "now", x1: x(place), x2: x(place), y1: box.top, y2: box.top + box.plotHeight }),
        ...lines(run).filter(({ values }) => Number.isFinite(values[place])).map(({ kind, values }) =>
          svg("circle", { class: `spot ${kind}`, cx: x(place), cy: y(values[place]), r: 4 })));
    },
  };
  /** A line through the values that are there. */
  function path(values) {
    let pen = "M";
    return values.map((value, n) => {
      if (!Number.isFinite(value)) { pen = "M"; return ""; }
      const command = `${pen}${x(n).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
      return command;
    }).join("");
  }
}

const sample = (kind, text) => html("span", {},
  svg("svg", { width: 26, height: 10, "aria-hidden": "true" }, svg("path", { class: `curve ${kind}`, d: "M1 5H25" })), ` ${text}`);

function correlationCurves(toEpoch) {
  return curvesOver({
    title: "correlation of {l̂} with {l}, and PCK", spoken: "Correlations and accuracy over the epochs", toEpoch,
    legend: html("div", { class: "legend" }, sample("spearman", "Spearman"), sample("pearson", "Pearson"),
      sample("pck", "PCK@0.2 of the pose model")),
    lines: ({ methods, pck }) => [
      ...(pck.length ? [{ kind: "pck", values: pck }] : []),
      ...methods.flatMap(({ key, pearson, spearman }) => [
        { kind: `${key} pearson`, values: pearson }, { kind: `${key} spearman`, values: spearman }]),
    ],
    ends: ({ methods }) => {
      const lowest = Math.min(0, ...methods.flatMap(({ pearson, spearman }) => [...pearson, ...spearman]));
      return [lowest < 0 ? -roundEnd(-lowest) : 0, 1];
    },
  });
}

const logs = (values) => values.map(Math.log10);

/** Only where a record has them. */
function gradientCurves(toEpoch) {
  return curvesOver({
    title: "gradient norm, mean of an epoch’s steps", toEpoch,
    spoken: "Norm of each predictor’s gradient over the epochs", logarithmic: true,
    there: ({ methods }) => methods.some(({ norms }) => norms),
    lines: ({ methods }) => methods.map(({ key, norms }) => ({ kind: `${key} spearman`, values: logs(norms) })),
    ends: ({ methods }) => {
      const all = methods.flatMap(({ norms }) => logs(norms)).filter(Number.isFinite);
      return all.length ? [Math.floor(Math.min(...all)), Math.floor(Math.max(...all)) + 1] : [-1, 0];
    },
  });
}
