// Duel: the gap between the predicted losses over the steps of descent, under both objectives. The part behind the
// reader is drawn strong, what is to come faint, and a handle on the axis goes through the steps.
// END, METHODS are constants of duel.js, which is joined after this file.

const TRACE = { left: 26, right: 26, top: 26, bottom: 44, height: 236 }; // pixels
const EARLY = 10; // the first steps are spread out, the later ones drawn together: a push takes ten, an approach hundreds
const along = (step) => Math.log1p(step / EARLY) / Math.log1p(END / EARLY);
const stepAt = (part) => EARLY * Math.expm1(part * Math.log1p(END / EARLY));

function gapTrace(onMove) {
  const frame = svg("g");
  const marks = svg("g");
  const picture = svg("svg", { role: "group", "aria-label": "Gap between the predicted losses over the steps" },
    frame, marks);
  const node = html("div", { class: "trace plot" }, picture);
  let width, left, right, bottom;
  const x = (step) => left + along(step) * (right - left);
  const head = handle({
    picture, name: "step of descent", ranges: [TRAITS.step],
    fromPixels: (at) => [stepAt(clamp((at - left) / (right - left), { min: 0, max: 1 }))],
    onMove: ([step]) => onMove(step),
  });
  picture.append(head.node);

  return {
    node,
    resize() {
      width = node.clientWidth;
      [left, right, bottom] = [TRACE.left, width - TRACE.right, TRACE.height - TRACE.bottom];
      dress(picture, { width, height: TRACE.height });
      frame.replaceChildren(
        ...[0, 5, 10, 20, 50, 100, 200, 500].flatMap((at) => [
          svg("line", { class: "tick", x1: x(at), x2: x(at), y1: bottom, y2: bottom + 4 }),
          label(String(at), { class: "tick-label", x: x(at), y: bottom + 20, "text-anchor": "middle" })]),
        label("gap {l̂_i} − {l̂_j}", { class: "axis-title", x: 0, y: 12 }),
        label("steps of descent", {
          class: "axis-title", x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle" }));
    },
    draw(now) {
      const largest = Math.max(now.margin, ...METHODS.flatMap(({ key }) =>
        [Math.abs(now[key].rest), ...[0, END].map((at) => Math.abs(now[key].gaps[at]))]));
      const limit = [1.4, 2.2, 3.4].find((end) => largest <= 0.92 * end) ?? 4.4;
      const y = (gap) => TRACE.top + ((limit - gap) / (2 * limit)) * (bottom - TRACE.top);
      const path = (gaps, from, to) =>
        gaps.slice(from, to + 1).map((gap, n) => `${x(from + n).toFixed(1)},${y(gap).toFixed(1)}`).join(" ");
      const whole = []; // numbers of the axis
      for (let at = -Math.floor(limit); at <= limit; at++) whole.push(at);
      const level = (gap, kind) => svg("line", { class: kind, x1: left, x2: right, y1: y(gap), y2: y(gap) });
      const { rest } = now.pp;
      // The label keeps clear of Learning Loss's line, and of the axis below.
      const below = now.ll.gaps[END] > rest && y(rest) < bottom - 30;
      marks.replaceChildren(
        ...whole.flatMap((at) => [
          level(at, at ? "grid" : "grid zero"),
          label(number(at, 0), { class: "tick-label", x: left - 6, y: y(at) + 4, "text-anchor": "end" })]),
        ...[1, -1].flatMap((side) => [
          level(side * now.margin, "goal ll"),
          label(side < 0 ? "−{ξ}" : "{ξ}", { class: "name ll", x: right + 4, y: y(side * now.margin) + 4 })]),
        level(rest, "goal pp"),
        ...METHODS.flatMap(({ key }) => [
          svg("polyline", { class: `to-come ${key}`, points: path(now[key].gaps, now.step, END) }),
          svg("polyline", { class: `past ${key}`, points: path(now[key].gaps, 0, now.step) })]),
        svg("line", { class: "now", x1: x(now.step), x2: x(now.step), y1: TRACE.top, y2: bottom }),
        ...METHODS.map(({ key }, n) =>
          svg("circle", { class: `dot ${key}`, cx: x(now.step), cy: y(now[key].gap), r: n ? 4.5 : 6 })),
        label("log({l_i}/{l_j})", {
          class: "name pp", x: right - 4, y: y(rest) + (below ? 15 : -6), "text-anchor": "end" }));
      head.update([now.step], x(now.step), bottom, now.step === 1 ? "1 step" : `${now.step} steps`);
    },
  };
}
