// RunsPlayer: one scatter plot a method. A drag marks the points within a rectangle, a click marks one; arrow keys step
// through the points by true loss (left, right) or by predicted loss (up, down), and the space bar marks.

const SCATTER = { left: 38, right: 10, top: 8, bottom: 36 };
const NEAR = 14; // pixels within which a pointer means a point

/** `marking` is { get(), set(places) } of the marked samples; `pointing` the same of the one that is pointed at. */
function scatter(method, marking, pointing) {
  const axesOf = svg("g"), marks = svg("g", { class: "points" });
  const brush = svg("rect", { class: "brush" });
  const ring = svg("circle", { class: "ring", r: 8 });
  const cursor = svg("g", {
    class: "cursor", role: "slider", tabindex: 0, "aria-label": `sample, in the panel of ${method.name}`, "aria-valuemin": 1,
  }, ring);
  const picture = svg("svg", { role: "group", "aria-label": `Predicted against true loss, ${method.name}` },
    axesOf, svg("g", { class: method.key }, marks), brush, cursor);
  const values = html("span", { class: "values" });
  const node = html("div", { class: "panel" },
    html("div", { class: "heading" }, html("b", { class: method.key }, method.name), values),
    html("div", { class: "plot" }, picture));
  let circles = [], at = [], box, now, width = 0, drawnAxes;

  const nearest = (left, top) => {
    let best = null, distance = NEAR;
    at.forEach(([x, y], n) => {
      const far = Math.hypot(x - left, y - top);
      if (far < distance) [best, distance] = [n, far];
    });
    return best;
  };
  let from = null, before = [];
  onDrag(picture, () => { from = null; before = marking.get(); }, (left, top) => {
    from ??= [left, top];
    const [x, y] = [Math.min(from[0], left), Math.min(from[1], top)];
    const size = [Math.abs(left - from[0]), Math.abs(top - from[1])];
    if (Math.max(...size) < 5) {
      const one = nearest(left, top);
      if (one !== null) toggle(one, before);
      return;
    }
    dress(brush, { x, y, width: size[0], height: size[1] });
    brush.classList.add("drawn");
    marking.set(at.flatMap(([px, py], n) => px >= x && px <= x + size[0] && py >= y && py <= y + size[1] ? [n] : []));
  });
  const lift = () => brush.classList.remove("drawn");
  picture.addEventListener("lostpointercapture", lift);
  picture.addEventListener("pointercancel", () => marking.set(before)); // the finger scrolls the page instead
  picture.addEventListener("pointermove", (event) => {
    if (event.buttons) return;
    const corner = picture.getBoundingClientRect();
    pointing.set(nearest(event.clientX - corner.left, event.clientY - corner.top));
  });
  picture.addEventListener("pointerleave", () => { if (document.activeElement !== cursor) pointing.set(null); });

  function toggle(one, among = marking.get()) {
    marking.set(among.includes(one) ? among.filter((n) => n !== one) : [...among, one].sort((a, b) => a - b));
  }
  const neighbour = (ranks, one, steps) => {
    const order = ranks.map((_, n) => n).sort((a, b) => ranks[a] - ranks[b] || a - b);
    return order[clamp(order.indexOf(one) + steps, { min: 0, max: order.length - 1 })];
  };
  const KEYS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [1, 1], ArrowDown: [1, -1],
    PageUp: [0, 10], PageDown: [0, -10], Home: [0, -Infinity], End: [0, Infinity] };
  cursor.addEventListener("keydown", (event) => {
    if (!now) return;
    if (event.key === " " || event.key === "Enter") toggle(pointed());
    else if (event.key === "Escape") marking.set([]);
    else if (event.key in KEYS) {
      const [by, steps] = KEYS[event.key];
      const ranks = by ? method.places[now.place] : now.run.truePlaces[now.place];
      const next = neighbour(ranks, pointed(), steps);
      if (event.shiftKey) marking.set([...new Set([...marking.get(), pointed(), next])].sort((a, b) => a - b));
      pointing.set(next);
    } else return;
    event.preventDefault();
  });
  cursor.addEventListener("focus", () => pointing.set(pointed()));
  cursor.addEventListener("blur", () => pointing.set(null));
  let last = null; // where the arrow keys go on from
  const pointed = () => last ?? now.run.truePlaces[now.place].indexOf(Math.max(...now.run.truePlaces[now.place]));

  function drawAxes(x, y, lowest, highest, end, logarithmic) {
    const { plotWidth, plotHeight } = box;
    dress(picture, { width: Math.max(width, 1), height: box.top + plotHeight + box.bottom });
    const bottom = box.top + plotHeight;
    const ticks = logarithmic ? [lowest, Math.sqrt(lowest * highest), highest] : [0, highest / 2, highest];
    axesOf.replaceChildren(
      svg("rect", { class: "frame", x: box.left, y: box.top, width: plotWidth, height: plotHeight }),
      svg("line", { class: "grid", x1: box.left, x2: box.left + plotWidth, y1: y(0), y2: y(0) }),
      ...ticks.flatMap((value) => [
        svg("line", { class: "tick", x1: x(value), x2: x(value), y1: bottom, y2: bottom + 4 }),
        label(tick(value), { class: "tick-label", x: x(value), y: bottom + 16, "text-anchor": "middle" })]),
      ...[-end, 0, end].map((value) =>
        label(tick(value), { class: "tick-label", x: box.left - 5, y: y(value) + 4, "text-anchor": "end" })),
      label("true loss {l}", { class: "axis-title", x: box.left + plotWidth / 2, y: bottom + 31, "text-anchor": "middle" }));
  }

  return {
    node,
    resize() { width = picture.parentNode.clientWidth; },
    draw(state) {
      now = state;
      const { run, place, logarithmic } = now;
      const plotWidth = Math.max(width - SCATTER.left - SCATTER.right, 40);
      const plotHeight = clamp(0.8 * plotWidth, { min: 130, max: 260 });
      box = { ...SCATTER, plotWidth, plotHeight };
      const [lowest, highest, end] = [run.lowest[place], run.highest[place], method.ends[place]];
      const low = logarithmic ? Math.log10(lowest) : 0;
      const high = logarithmic ? Math.log10(highest) : highest;
      const x = (value) => box.left + (((logarithmic ? Math.log10(value) : value) - low) / (high - low)) * plotWidth;
      const y = (value) => box.top + ((end - value) / (2 * end)) * plotHeight;
      const axes = [width, lowest, highest, end, logarithmic].join();
      if (axes !== drawnAxes) drawAxes(x, y, lowest, highest, end, logarithmic);
      drawnAxes = axes;
      if (circles.length !== run.ids.length) {
        circles = run.ids.map(() => svg("circle", { r: 3 }));
        marks.replaceChildren(...circles);
      }
      const true_loss = run.true_loss[place], predicted = method.centred[place];
      const marked = new Set(now.marked);
      at = circles.map((circle, n) => {
        const spot = [x(true_loss[n]), y(predicted[n])];
        circle.setAttribute("cx", spot[0].toFixed(1));
        circle.setAttribute("cy", spot[1].toFixed(1));
        if (circle.classList.contains("marked") !== marked.has(n)) {
          circle.classList.toggle("marked");
          circle.setAttribute("r", marked.has(n) ? 5 : 3);
        }
        return spot;
      });
      last = now.pointed ?? last;
      if (last !== null && last >= circles.length) last = null;
      const one = pointed();
      cursor.setAttribute("transform", `translate(${at[one][0].toFixed(1)} ${at[one][1].toFixed(1)})`);
      cursor.classList.toggle("shown", now.pointed !== null);
      cursor.setAttribute("aria-valuemax", run.ids.length);
      cursor.setAttribute("aria-valuenow", Math.round(run.truePlaces[place][one]));
      cursor.setAttribute("aria-valuetext", `${run.ids[one]}, true loss ${number(true_loss[one])}, ` +
        `predicted highest but ${Math.round(run.ids.length - method.places[place][one])}${marked.has(one) ? ", marked" : ""}`);
      values.textContent = `Pearson ${coefficient(method.pearson[place])} · Spearman ${coefficient(method.spearman[place])}`;
    },
  };
}
