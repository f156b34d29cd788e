// TurningWeight: the predicted gap of both objectives over the steps of descent, and where each comes to rest.
// METHODS and STEPS are constants of turning.js, which is joined after this file.

const OVER = { left: 34, right: 10, top: 24, bottom: 36, height: 230 }; // pixels around the plot

function gapOverSteps(move) {
  const frameMarks = svg("g");
  const marks = svg("g");
  const picture = svg("svg", { role: "img", "aria-label": "Predicted gap of both objectives over the steps" }, frameMarks, marks);
  const node = html("div", { class: "gap plot" }, picture);
  let box, x, y;
  onDrag(picture, () => {}, (left) => move(clamp(
    Math.round((left - box.left) / box.plotWidth * STEPS.max), STEPS)));

  /** Three to six round numbers within an interval. */
  function ticks(low, high) {
    const wide = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((size) => (high - low) / size <= 6) ?? 50;
    const first = Math.ceil(low / wide);
    return Array.from({ length: Math.floor(high / wide) - first + 1 }, (_, n) => Number(((first + n) * wide).toFixed(1)));
  }

  return {
    node,
    resize() {
      const width = node.clientWidth;
      box = { ...OVER, plotWidth: Math.max(width - OVER.left - OVER.right, 40), plotHeight: OVER.height - OVER.top - OVER.bottom };
      x = (step) => box.left + (step / STEPS.max) * box.plotWidth;
      dress(picture, { width, height: OVER.height });
    },
    draw(now) {
      const rests = METHODS.map(({ key }) => now[key].rest);
      const all = [0, ...rests, ...METHODS.flatMap(({ key }) => now[key].gaps)];
      const low = Math.min(...all), high = Math.max(...all);
      const room = Math.max(high - low, 1) * 0.12; // for the two labels
      const [bottom, top] = [low - room, Math.max(high, low + 1) + room];
      y = (gap) => box.top + ((top - gap) / (top - bottom)) * box.plotHeight;
      const end = box.left + box.plotWidth;
      const foot = box.top + box.plotHeight;
      frameMarks.replaceChildren(
        ...ticks(bottom, top).flatMap((value) => [
          svg("line", { class: value ? "grid" : "grid zero", x1: box.left, x2: end, y1: y(value), y2: y(value) }),
          label(number(value, value % 1 ? 1 : 0), { class: "tick-label", x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }),
        ]),
        ...[0, 50, 100].map((step) => label(String(step), { class: "tick-label", x: x(step), y: foot + 16, "text-anchor": "middle" })),
        label("steps of descent", { class: "axis-title", x: (box.left + end) / 2, y: foot + 32, "text-anchor": "middle" }),
        label("predicted gap {l̂_i} − {l̂_j}", { class: "axis-title", x: 0, y: 11 }));
      const line = (gaps) => gaps.map((gap, step) => `${step ? "L" : "M"}${x(step).toFixed(2)} ${y(gap).toFixed(2)}`).join("");
      const upper = rests[0] >= rests[1] ? 0 : 1; // the upper line is named above, the lower one below
      const tie = now.true_loss_i === now.true_loss_j;
      const texts = METHODS.map(({ key, restText }, n) => label(restText(now[key].rest, tie), {
        class: `name ${key}`, x: end, y: y(rests[n]) + (n === upper ? -6 : 15), "text-anchor": "end" }));
      marks.replaceChildren(
        ...METHODS.flatMap(({ key }) => [
          svg("line", { class: `rest ${key}`, x1: box.left, x2: end, y1: y(now[key].rest), y2: y(now[key].rest) }),
          svg("path", { class: `later ${key}`, d: line(now[key].gaps) }),
          svg("path", { class: `curve ${key}`, d: line(now[key].gaps.slice(0, now.step + 1)) })]),
        ...METHODS.map(({ key }, n) => svg("circle", {
          class: `dot ${key}`, cx: x(now.step), cy: y(now[key].gap), r: n ? 5 : 6.5 })),
        ...texts);
    },
  };
}
