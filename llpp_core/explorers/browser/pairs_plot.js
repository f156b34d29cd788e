// PairsTooClose: a drawing with a heading, a readout and two linear axes whose ends may move; and how numbers are read.

const PLOT = { left: 30, right: 14, top: 8, bottom: 34 }; // pixels

/** A value that is computed, with four digits, and one that was chosen, without closing zeros. */
const fourDigits = (value) => (value > 0 && value < 1 ? value.toPrecision(4) : plain(value));
const plain = (value) => String(Number(value.toPrecision(4)));
const push4 = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(4);
const percent = (value) => `${Number((100 * value).toPrecision(4))}\u00a0%`;

/** Round steps of 1, 2 or 5 between two ends, at most `most` of them. */
function roundSteps(from, to, most) {
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9));
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, n) => Number(((first + n) * step).toPrecision(6)));
}

/**
 * `heading` and `title` (of the x axis) with "{δ}" for symbols, `name` for a reader who cannot see; `levels` are
 * marked at the y axis. `scale(x, top)` moves the ends; then `x` and `y` place values, and `path` makes a line of them.
 */
function plot({ key, heading, title, name, levels = [] }) {
  const axis = svg("g");
  const inside = svg("svg", { class: "inside" }); // cuts off what leaves the axes, a density at 0 for instance
  const marks = svg("g");
  const handles = svg("g");
  const picture = svg("svg", { role: "group", "aria-label": name }, axis, inside, marks, handles);
  const value = html("data");
  const head = html("span");
  head.innerHTML = symbols(heading);
  const node = html("div", { class: `pairs-plot ${key}` },
    html("div", { class: "heading" }, head, value), html("div", { class: "plot" }, picture));
  const self = {
    node, picture, inside, marks, handles, box: null, ends: [0, 1], top: 1,
    x: (at) => self.box.left + ((at - self.ends[0]) / (self.ends[1] - self.ends[0])) * self.box.plotWidth,
    y: (at) => self.box.top + (1 - at / self.top) * self.box.plotHeight,
    fromX: (left) => self.ends[0] + ((left - self.box.left) / self.box.plotWidth) * (self.ends[1] - self.ends[0]),
    fromY: (down) => (1 - (down - self.box.top) / self.box.plotHeight) * self.top,
    read(number, text) {
      value.value = number;
      value.innerHTML = symbols(text);
    },
    resize() {
      const width = picture.parentNode.clientWidth;
      const plotWidth = Math.max(width - PLOT.left - PLOT.right, 40);
      const plotHeight = clamp(0.55 * plotWidth, { min: 150, max: 220 });
      self.box = { ...PLOT, plotWidth, plotHeight };
      dress(picture, { width, height: PLOT.top + plotHeight + PLOT.bottom });
      dress(inside, { x: PLOT.left, y: PLOT.top, width: plotWidth, height: self.box.plotHeight });
    },
    scale(ends, top) {
      Object.assign(self, { ends, top });
      const bottom = self.y(0);
      axis.replaceChildren(
        ...levels.map(([at]) => svg("line", {
          class: "grid", x1: self.x(ends[0]), x2: self.x(ends[1]), y1: self.y(at), y2: self.y(at),
        })),
        ...levels.map(([at, text]) => label(text, {
          class: "tick-label", x: self.box.left - 6, y: self.y(at) + 4, "text-anchor": "end",
        })),
        svg("line", { class: "grid zero", x1: self.x(ends[0]), x2: self.x(ends[1]), y1: bottom, y2: bottom }),
        ...roundSteps(...ends, Math.max(2, Math.floor(self.box.plotWidth / 55))).flatMap((at) => [
          svg("line", { class: "tick", x1: self.x(at), x2: self.x(at), y1: bottom, y2: bottom + 4 }),
          label(String(at).replace("-", "−"), {
            class: "tick-label", x: self.x(at), y: bottom + 16, "text-anchor": "middle",
          }),
        ]),
        label(title, {
          class: "axis-title", x: self.box.left + self.box.plotWidth, y: bottom + 31, "text-anchor": "end",
        }));
    },
    /** SVG path data through points, within the inner drawing; `close` brings it down to the axis. */
    path(xs, ys, close = false) {
      const place = (at, value) => `${(self.x(at) - self.box.left).toFixed(2)} ` +
        `${(self.y(Math.min(value, 4 * self.top)) - self.box.top).toFixed(2)}`;
      const points = xs.map((at, n) => place(at, ys[n])).join("L");
      return close ? `M${place(xs[0], 0)}L${points}L${place(xs.at(-1), 0)}Z` : `M${points}`;
    },
  };
  return self;
}
