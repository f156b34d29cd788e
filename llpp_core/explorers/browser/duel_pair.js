// Duel: a pair as a line between two columns. Three of them stand side by side: the true losses, and the predicted
// losses under either objective, all on one scale: a unit of predicted loss is as long as a factor of e in true loss.

const VIEW = { units: 5.5, left: 24, right: 2, top: 18, bottom: 42 }; // pixels around the plot; its height in units
const TRUE_TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10];
const PREDICTED_TICKS = [-1, 0, 1, 2, 3, 4];
const SAMPLES = ["i", "j"];

/**
 * One pair of handles with a line between them. `kind` is its colour's name, `title` its heading; `rows` are the
 * numbers below the heading: [name, text, (now) => value, (value) => text]. `symbol` stands below the columns.
 * `place(value)` is where a value stands, in units above the middle of the plot; `ticks` are values of the axis.
 * `grip` says what its handles move: { names, range, toRange(value), fromUnits(units), onMove(which, at) }; `hint` is a
 * word about that. `marks(now, columns, y)` are further SVG elements.
 */
function pairView({ kind, title, rows, symbol, place, ticks, grip, values, marks, hint }) {
  const frame = svg("g");
  const drawn = svg("g");
  const picture = svg("svg", { role: "group", "aria-label": title }, frame, drawn);
  const handles = SAMPLES.map((sample, which) => handle({
    picture, kind, name: grip.names[which], ranges: [grip.range],
    fromPixels: (_, top) => [grip.fromUnits((middle - top) / unit)],
    onMove: ([value]) => grip.onMove(which, value),
  }));
  for (const { node } of handles) {
    node.append(svg("path", { class: "way", d: "M-4 -13L0 -17L4 -13M-4 13L0 17L4 13" })); // up and down
    picture.append(node);
  }
  const data = rows.map(([name]) => html("data", { class: name }));
  const list = html("dl", {}, ...rows.map(([, text], n) => {
    const term = html("dt");
    term.innerHTML = symbols(text);
    return html("div", {}, term, html("dd", {}, data[n]));
  }));
  const heading = html("div", { class: "method" });
  heading.innerHTML = title.replace("gL", "g<wbr>L"); // a narrow column breaks a long name
  const node = html("div", { class: `pair ${kind}` }, heading, list, ...(hint ? [html("p", { class: "hint" }, hint)] : []),
    html("div", { class: "plot" }, picture));
  let unit, middle, columns, width;
  const y = (units) => middle - units * unit;

  return {
    node,
    resize(pixels) {
      unit = pixels;
      width = node.clientWidth;
      middle = VIEW.top + (VIEW.units / 2) * unit;
      const [left, right] = [VIEW.left, width - VIEW.right];
      columns = (width < 130 ? [0.24, 0.76] : [0.27, 0.73]).map((part) => left + part * (right - left));
      const bottom = y(-VIEW.units / 2);
      dress(picture, { width, height: bottom + VIEW.bottom });
      frame.replaceChildren(
        ...ticks.flatMap((at) => [
          svg("line", { class: "grid", x1: left, x2: right, y1: y(place(at)), y2: y(place(at)) }),
          label(String(at).replace("-", "−"), {
            class: "tick-label", x: left - 5, y: y(place(at)) + 4, "text-anchor": "end" })]),
        ...columns.flatMap((x, n) => [
          svg("line", { class: "column", x1: x, x2: x, y1: y(VIEW.units / 2), y2: bottom }),
          label(`{${symbol}_${SAMPLES[n]}}`, { class: "sample", x, y: bottom + 18, "text-anchor": "middle" })]));
    },
    draw(now) {
      const pair = values(now);
      const heights = pair.map((value) => y(place(value)));
      drawn.replaceChildren(
        svg("line", { class: `tie ${kind}`, x1: columns[0], x2: columns[1], y1: heights[0], y2: heights[1] }),
        ...pair.map((value, n) => label(number(value), {
          class: "value", x: columns[n], y: y(-VIEW.units / 2) + 35, "text-anchor": "middle" })),
        ...marks(now, columns, (value) => y(place(value))));
      pair.forEach((value, n) => handles[n].update([grip.toRange(value)], columns[n], heights[n], number(value)));
      rows.forEach(([, , find, write], n) => {
        const value = find(now);
        data[n].value = value;
        data[n].textContent = write(value);
      });
    },
  };
}

/** An arrow up or down, its head no longer than itself; nothing where there is no way to go. */
function arrow(x, from, to, kind) {
  if (from === to) return [];
  const way = to < from ? 1 : -1;
  const head = Math.min(8, Math.abs(to - from)) * way;
  return [
    svg("line", { class: `push ${kind}`, x1: x, x2: x, y1: from, y2: to + 0.8 * head }),
    svg("path", { class: `head ${kind}`, d: `M${x} ${to}l${-0.6 * head} ${head}h${1.2 * head}z` }),
  ];
}

/** What an objective adds to its pair: which way either prediction is pushed, and where the pair comes to rest. */
function pushesAndRest(key, now, columns, y) {
  const { pair, gradients, rest } = now[key];
  const middle = (pair[0] + pair[1]) / 2; // descent moves both by as much
  const goal = [middle + rest / 2, middle - rest / 2];
  const aim = rest === 0 && key === "ll" ? [] : [
    svg("line", { class: `goal ${key}`, x1: columns[0], x2: columns[1], y1: y(goal[0]), y2: y(goal[1]) }),
    ...goal.map((value, n) => svg("circle", { class: `goal ${key}`, cx: columns[n], cy: y(value), r: 3.5 })),
  ];
  const aside = Math.min(20, columns[0] - VIEW.left - 6);
  return [...aim, ...[-1, 1].flatMap((side, n) =>
    arrow(columns[n] + side * aside, y(pair[n]), y(pair[n] - gradients[n]), key))];
}
