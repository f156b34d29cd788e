// BatchLab: the samples in a plane, true loss by predicted loss, each a handle with its letter; a line for each pair that
// is compared, and an arrow for where each prediction is pushed.

const PLANE = { left: 34, right: 12, top: 26, bottom: 40 }; // pixels around the plot
const ALONG = { min: Math.log10(TRAITS.true_losses.min), max: Math.log10(TRAITS.true_losses.max), step: 0.01 };
const UP = TRAITS.predicted_losses;
const KNOB = 10;
const TRUE_TICKS = [0.2, 0.5, 1, 2, 5];

/** `onMove(which, trueLoss, predictedLoss)` is called when a sample is moved. */
function batchPlane(onMove) {
  const scale = svg("g");
  const drawn = svg("g");
  const picture = svg("svg", { role: "group", "aria-label": "samples by true and predicted loss" }, scale, drawn);
  const node = html("div", { class: "plot plane" }, picture);
  let width, height;
  const x = (at) => PLANE.left + ((at - ALONG.min) / (ALONG.max - ALONG.min)) * (width - PLANE.left - PLANE.right);
  const y = (at) => PLANE.top + ((UP.max - at) / (UP.max - UP.min)) * (height - PLANE.top - PLANE.bottom);
  const handles = SAMPLES.map((sample, which) => handle({
    picture, name: `sample ${sample}`, ranges: [ALONG, UP],
    fromPixels: (left, top) => [
      ALONG.min + ((left - PLANE.left) / (width - PLANE.left - PLANE.right)) * (ALONG.max - ALONG.min),
      UP.max - ((top - PLANE.top) / (height - PLANE.top - PLANE.bottom)) * (UP.max - UP.min),
    ],
    onMove: ([at, predicted]) => onMove(which, clamp(10 ** at, TRAITS.true_losses), predicted),
  }));
  handles.forEach(({ node: mark }, n) => {
    mark.querySelector(".knob").setAttribute("r", KNOB);
    mark.append(svg("text", { class: "letter", y: 4, "text-anchor": "middle" }, SAMPLES[n]));
    picture.append(mark);
  });

  return {
    node,
    resize() {
      width = node.clientWidth;
      height = Math.min(340, Math.max(260, width * 0.6));
      dress(picture, { width, height });
      const [bottom, right] = [height - PLANE.bottom, width - PLANE.right];
      scale.replaceChildren(
        ...TRUE_TICKS.flatMap((at) => [
          svg("line", { class: "grid", x1: x(Math.log10(at)), x2: x(Math.log10(at)), y1: PLANE.top, y2: bottom }),
          label(String(at), { class: "tick-label", x: x(Math.log10(at)), y: bottom + 16, "text-anchor": "middle" })]),
        ...[-2, -1, 0, 1, 2].flatMap((at) => [
          svg("line", { class: "grid", x1: PLANE.left, x2: right, y1: y(at), y2: y(at) }),
          label(String(at).replace("-", "−"), { class: "tick-label", x: PLANE.left - 6, y: y(at) + 4, "text-anchor": "end" })]),
        label("true loss {l}", { class: "axis-title", x: right, y: height - 6, "text-anchor": "end" }),
        label("predicted loss {l̂}", { class: "axis-title", x: 0, y: 14 }));
    },
    draw({ true_losses: true_, predicted_losses: predicted, scheme, key, pairs, push, now }) {
      const places = true_.map((loss, n) => [x(Math.log10(loss)), y(predicted[n])]);
      const widest = scheme === "halves" ? 7 : 3.5;
      const lines = pairs.map(([i, j]) => {
        const force = Math.abs(push[i][j]);
        return svg("line", {
          class: `pair ${force ? key : "idle"}`, "stroke-width": (force ? 0.75 + widest * force : 1).toFixed(2),
          x1: places[i][0], y1: places[i][1], x2: places[j][0], y2: places[j][1],
        });
      });
      const unit = scheme === "all at once" ? 120 : 240; // pixels; a mean over pairs is smaller than a share
      const arrows = now.map((gradient, n) => {
        const [left, top] = places[n];
        const start = top + (gradient > 0 ? KNOB : -KNOB); // descent: against the gradient, and down is more pixels
        return svg("path", { class: `push ${key}`, d: arrowPath(left, start, left, start + gradient * unit) });
      });
      drawn.replaceChildren(...lines, ...restingLine(true_, predicted, key, x, y), ...arrows);
      handles.forEach((one, n) => one.update([Math.log10(true_[n]), predicted[n]], ...places[n],
        `true loss ${number(true_[n])}, predicted ${number(predicted[n])}, gradient ${signed(now[n])}`));
    },
  };
}

/** Where LearningLoss++ has nothing left to push: predictions like logarithms of true losses, up to their common height. */
function restingLine(true_, predicted, key, x, y) {
  if (key !== "pp") return [];
  const logarithms = true_.map((loss) => Math.log10(loss) * Math.LN10);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const above = mean(predicted) - mean(logarithms);
  const from = Math.max(ALONG.min, (UP.min - above) / Math.LN10);
  const to = Math.min(ALONG.max, (UP.max - above) / Math.LN10);
  const height = (at) => y(at * Math.LN10 + above);
  return [
    svg("line", { class: "rest", x1: x(from), y1: height(from), x2: x(to), y2: height(to) }),
    label("at rest", { class: "rest-name", x: x(to) - 6, y: height(to) + 16, "text-anchor": "end" }),
  ];
}
