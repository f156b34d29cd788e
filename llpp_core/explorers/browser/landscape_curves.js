// GradientLandscape: the gradients over the predicted gap, at the current true losses.
// METHODS and GAP are constants of landscape.js, which is joined after this file.

const CURVE = { left: 30, right: 8, top: 22, bottom: 36, height: 240, limit: 1.36 }; // pixels; limit in gradient

function curves(onMove) {
  const frame = svg("g");
  const marks = svg("g");
  const picture = svg("svg", { role: "img", "aria-label": "The gradients over the predicted gap" }, frame, marks);
  const node = html("div", { class: "curves plot" }, picture);
  let box, x, y;
  onDrag(picture, () => onMove.start(), (left) => onMove.to(
    GAP.min + ((left - box.left) / box.plotWidth) * (GAP.max - GAP.min), null));
  onHover(picture, onMove, (left) => [
    clamp(GAP.min + ((left - box.left) / box.plotWidth) * (GAP.max - GAP.min), GAP), null]);

  /** A method's curve as SVG path data, solid parts and jumps apart; a jump is found by bisection. */
  function trace(gradient) {
    const point = (gap, value) => `${x(gap).toFixed(2)} ${y(value).toFixed(2)}`;
    const step = (GAP.max - GAP.min) / Math.max(box.plotWidth, 1);
    let last = [GAP.min, gradient(GAP.min)];
    let solid = `M${point(...last)}`;
    let jumps = "";
    for (let gap = GAP.min + step; gap < GAP.max + step / 2; gap += step) {
      const value = gradient(gap);
      if (Math.abs(value - last[1]) > 0.5) {
        let [left, right] = [last[0], gap];
        while (right - left > 1e-6) {
          const middle = (left + right) / 2;
          if (gradient(middle) === last[1]) left = middle; else right = middle;
        }
        solid += `L${point(left, last[1])}M${point(right, value)}`;
        jumps += `M${point(left, last[1])}L${point(right, value)}`;
      }
      solid += `L${point(Math.min(gap, GAP.max), value)}`;
      last = [gap, value];
    }
    return { solid, jumps };
  }

  return {
    node,
    resize() {
      const width = node.clientWidth;
      box = { ...CURVE, plotWidth: Math.max(width - CURVE.left - CURVE.right, 40),
        plotHeight: CURVE.height - CURVE.top - CURVE.bottom };
      x = (gap) => box.left + ((gap - GAP.min) / (GAP.max - GAP.min)) * box.plotWidth;
      y = (value) => box.top + ((CURVE.limit - value) / (2 * CURVE.limit)) * box.plotHeight;
      dress(picture, { width, height: CURVE.height });
      frame.replaceChildren(
        ...[-1, 0, 1].map((at) => svg("line", {
          class: at ? "grid" : "grid zero", x1: x(GAP.min), x2: x(GAP.max), y1: y(at), y2: y(at),
        })),
        ...axes(box, x, y, [[-1, "−1"], [0, "0"], [1, "+1"]], "gradient ∂{L}/∂{l̂_i}"));
    },
    /** Draw the rows of the maps at one true share, with dots at one gap: the pointer's (`away`) or the state's. */
    point(now, away) {
      node.classList.toggle("away", away);
      const [ll, pp, tempered] = METHODS.map(({ gradient }) => (gap) => gradient(gap, now.l_i, now.l_j, now));
      const traces = [["ll", trace(ll)], ["pp", trace(pp)], ["tempered", trace(tempered)]];
      // Where the true losses want l̂_i below l̂_j, Learning Loss lives at +1, and the room below is free; otherwise
      // the other way round. Names stand where the two curves are apart: Learning Loss's outside its ±1 …
      const down = now.p <= 0.5;
      const left = { x: x(GAP.min) + 4 };
      const right = { x: x(GAP.max) - 2, "text-anchor": "end" };
      const llName = { ...(down ? right : left), y: y(ll(down ? GAP.max : GAP.min)) + (now.p < 0.5 ? -8 : 17) };
      const ppName = { ...(down ? left : right), y: y(pp(down ? GAP.min : GAP.max)) + (down ? 17 : -9) };
      // … and the note on the resting gap in the free room, on the roomier side of its line.
      const inside = now.rest > GAP.min && now.rest < GAP.max;
      const restX = x(clamp(now.rest, GAP));
      const restY = y(down ? -CURVE.limit : CURVE.limit);
      const leftwards = restX > box.left + 0.55 * box.plotWidth;
      const [before, after] = inside ? ["", ""] : leftwards ? ["", " →"] : ["← ", ""];
      const where = box.plotWidth > 420 ? "rests at log({l_i}/{l_j}) = " : "rests at ";
      marks.replaceChildren(
        svg("line", { class: "cross", x1: x(now.gap), x2: x(now.gap), y1: y(CURVE.limit), y2: y(-CURVE.limit) }),
        svg("line", { class: "rest-line", x1: restX, x2: restX, y1: y(inside ? 0 : down ? -1 : 1), y2: restY }),
        ...traces.flatMap(([key, { solid, jumps }]) => [
          svg("path", { class: `jump ${key}`, d: jumps }), svg("path", { class: `curve ${key}`, d: solid })]),
        ...(inside ? [svg("circle", { class: "rest", cx: restX, cy: y(0), r: 4.5 })] : []),
        svg("circle", { class: "dot ll", cx: x(now.gap), cy: y(now.ll), r: 6.5 }),
        svg("circle", { class: "dot tempered", cx: x(now.gap), cy: y(now.tempered), r: 4.5 }),
        svg("circle", { class: "dot pp", cx: x(now.gap), cy: y(now.pp), r: 5 }),
        label("Learning Loss", { class: "name ll", ...llName }),
        label("LearningLoss++", { class: "name pp", ...ppName }),
        label(`${before}LL++ ${where}${number(now.rest)}${after}`, {
          class: "rest-label", x: restX + (leftwards ? -6 : 6), y: restY + (down ? -4 : 10),
          "text-anchor": leftwards ? "end" : "start" }));
    },
  };
}
