// TurningWeight: embeddings and weights as arrows in three dimensions, seen obliquely: the first component to the
// right, the second up, the third towards the reader. A drag moves the first two, so a tip stays under the pointer.
// VECTORS and METHODS are constants of turning.js, which is joined after this file.

const VIEW = { across: 4.2, up: 3.8, largest: 54, beside: 7 }; // units of the vectors; pixels; pixels of a trail's shift

function view(move) {
  const frameMarks = svg("g");
  const stems = svg("path", { class: "stem" });
  const rail = svg("path", { class: "rail" });
  const thetas = svg("path", { class: "arrow theta" });
  const difference = svg("path", { class: "arrow difference" });
  const start = svg("path", { class: "arrow start" });
  const methods = METHODS.map(({ key }) => ({
    trail: svg("path", { class: `trail ${key}` }),
    weight: svg("path", { class: `arrow weight ${key}` }),
    descent: svg("path", { class: `arrow descent ${key}` }),
  }));
  const names = svg("g", { class: "names" });
  // Steps at large rates leave the drawing; what leaves it is cut off, and the numbers beside it stay.
  const inside = svg("svg", { class: "cut" }, stems, rail, thetas, difference, start,
    ...methods.map(({ weight }) => weight), ...methods.map(({ trail }) => trail),
    ...methods.map(({ descent }) => descent));
  const picture = svg("svg", { role: "group", "aria-label": "Embeddings and weights, to be dragged" }, frameMarks, inside);
  const node = html("div", { class: "view plot" }, picture);
  let width, height, unit;
  const at = ([right, up, near]) => [
    width / 2 + unit * (right + TOWARDS_READER[0] * near), height / 2 - unit * (up + TOWARDS_READER[1] * near)];
  const path = (...points) => points.map((point, n) => `${n ? "L" : "M"}${at(point).map((p) => p.toFixed(2)).join(" ")}`).join("");
  const arrowTo = (from, to, head) => arrowPath(...at(from), ...at(to), head);

  const handles = VECTORS.map(({ trait, spoken }) => {
    const bounds = TRAITS[trait];
    let near = 0;
    const grip = handle({
      picture, name: `${spoken}, components 1 and 2`, kind: trait, ranges: [bounds, bounds],
      fromPixels: (left, top) => [
        (left - width / 2) / unit - TOWARDS_READER[0] * near, (height / 2 - top) / unit - TOWARDS_READER[1] * near],
      onMove: ([right, up]) => move(trait, [right, up, near]),
    });
    return { trait, node: grip.node, update(vector) {
      near = vector[2];
      grip.update(vector.slice(0, 2), ...at(vector), `${spoken} = ${written(vector)}`);
    } };
  });
  picture.append(...handles.map(({ node: grip }) => grip), names);

  /** The axes, with a tick at every whole number. */
  function axes() {
    const ends = [[3.6, 0, 0], [0, 3.5, 0], [0, 0, 3.5]];
    return ends.flatMap((end, n) => {
      const [x, y] = at(end);
      const back = end.map((value) => -value);
      const ticks = [-3, -2, -1, 1, 2, 3].map((value) => {
        const [left, top] = at(end.map((other) => other ? value : 0));
        return svg("circle", { class: "tick-dot", cx: left.toFixed(2), cy: top.toFixed(2), r: 1.5 });
      });
      const place = [[8, 4, "start"], [-9, 2, "end"], [-5, 12, "end"]][n];
      return [svg("path", { class: "grid", d: path(back, end) }), ...ticks,
        label(String(n + 1), { class: "tick-label", x: x + place[0], y: y + place[1], "text-anchor": place[2] })];
    });
  }

  return {
    node,
    resize() {
      width = node.clientWidth;
      unit = Math.min(width / (2 * VIEW.across), VIEW.largest);
      height = 2 * VIEW.up * unit;
      dress(picture, { width, height });
      dress(inside, { width, height });
      frameMarks.replaceChildren(...axes());
    },
    draw(now) {
      const { theta_i, theta_j, weights, along } = now;
      const origin = [0, 0, 0];
      const foot = ([right, up, near]) => path([right, 0, 0], [right, 0, near], [right, up, near]);
      stems.setAttribute("d", [theta_i, theta_j, weights].filter(([, , near]) => near).map(foot).join(""));
      thetas.setAttribute("d", arrowTo(origin, theta_i) + arrowTo(origin, theta_j));
      start.setAttribute("d", arrowTo(origin, weights));
      const far = (sign) => weights.map((value, n) => value + sign * 12 * along[n] / (Math.hypot(...along) || 1));
      rail.setAttribute("d", path(far(-1), far(1)));

      // Trails and gradients lie beside the line that w moves along, one on each side, so that neither hides the other.
      const [x0, y0] = at(origin), [x1, y1] = at(along);
      const long = Math.hypot(x1 - x0, y1 - y0) || 1;
      const [end_i, end_j] = [at(theta_i), at(theta_j)];
      const clear = Math.min(9, long) / long; // its head stops at the knob
      difference.setAttribute("d", arrowPath(...end_j,
        end_i[0] - clear * (x1 - x0), end_i[1] - clear * (y1 - y0), 10));
      const turned = y1 > y0 ? -1 : 1; // so that LL is always on the left
      const aside = long > 1 ? [turned * (y0 - y1) / long, turned * (x1 - x0) / long] : [1, 0];
      const texts = [];
      METHODS.forEach(({ key, short, side }, n) => {
        const { path: steps, gradient, w } = now[key];
        const shift = ([x, y]) => [x + side * VIEW.beside * aside[0], y + side * VIEW.beside * aside[1]];
        const dots = steps.slice(0, now.step + 1).map((point) => shift(at(point)));
        methods[n].trail.setAttribute("d", dots.map(([x, y]) => `M${x.toFixed(2)} ${y.toFixed(2)}h0`).join(""));
        methods[n].weight.setAttribute("d", arrowTo(origin, w));
        const tip = shift(at(w));
        const target = shift(at(w.map((value, c) => value - gradient[c])));
        methods[n].descent.setAttribute("d", arrowPath(...tip, ...target));
        const [x, y] = shift(tip);
        texts.push(label(short, { class: `name ${key}`, x: x + side * 6, y: y + 4, "text-anchor": side < 0 ? "end" : "start" }));
      });
      // The names of the embeddings stand beyond the ends of their difference, whose own name is in the middle.
      const beyond = (text, vector, sign) => {
        const [x, y] = at(vector);
        const [right, down] = long > 1 ? [(x1 - x0) / long, (y1 - y0) / long] : [0.7 * sign, -0.7];
        return label(text, { class: "name vector", x: x + sign * 22 * right, y: y + sign * 22 * down + 4, "text-anchor": "middle" });
      };
      const [middle, end] = [at(theta_i.map((value, n) => (value + theta_j[n]) / 2)), at(weights)];
      names.replaceChildren(...texts, beyond("{θ_i}", theta_i, 1), beyond("{θ_j}", theta_j, -1),
        label("{w}", { class: "name vector", x: end[0] + 14, y: end[1] - 8 }),
        ...(long > 26 ? [label("{θ_i} − {θ_j}", { class: "name difference", x: middle[0] + 12, y: middle[1] + 4 })] : []));
      handles.forEach(({ trait, update }) => update(now[trait]));
    },
  };
}
