// PairsTooClose: the four drawings. Each has knobs that are dragged; all four show the same gap δ.

/** A knob for some of δ, the marked pair and q_i: `set` gets the value, `put` shows it. */
function knob(drawing, { name, trait, from, set, kind }) {
  const { min, max } = TRAITS[trait];
  const range = { min, max, step: 0.01 };
  const { node, update } = handle({
    picture: drawing.picture, name, kind, ranges: [range],
    fromPixels: (left, top) => [from(left, top)], onMove: ([value]) => set(value),
  });
  drawing.handles.append(node);
  return (value, step, x, y) => {
    range.step = step;
    update([value], x, y, plain(value));
  };
}

/** The density of the true losses, with a pair of them δ apart. */
function lossDrawing(set) {
  const drawing = plot({
    key: "loss", heading: "True losses", title: "true loss", name: "Density of the true losses, with a pair of them",
  });
  let now;
  const pair = (value) => Math.min(value, now.lossEnd);
  const larger = knob(drawing, {
    name: "larger loss of the pair, by its gap", trait: "loss_gap",
    from: (left) => Math.max(pair(drawing.fromX(left)) - now.x, now.step), set: (loss_gap) => set({ loss_gap }),
  });
  const smaller = knob(drawing, {
    name: "smaller loss of the pair, in mean losses", trait: "smaller_loss",
    from: (left) => pair(drawing.fromX(left)) / now.mean, set: (smaller_loss) => set({ smaller_loss }),
  });
  return {
    drawing,
    draw(state) {
      now = state;
      const { density, bars, x, loss_gap, mean } = now;
      drawing.scale([0, now.lossReach], now.lossTop);
      drawing.read(mean, `mean {kΘ} = ${fourDigits(mean)}`);
      const columns = bars ? bars.heights.map((height, n) => svg("path", {
        class: "bar", d: drawing.path([n * bars.width, (n + 1) * bars.width], [height, height], true),
      })) : [];
      drawing.inside.replaceChildren(...columns,
        svg("path", { class: bars ? "area over" : "area", d: drawing.path(density.xs, density.ys, true) }),
        svg("path", { class: "curve", d: drawing.path(density.xs, density.ys) }));
      const [left, right, down] = [drawing.x(x), drawing.x(x + loss_gap), drawing.y(0)];
      const up = down - 0.22 * drawing.box.plotHeight;
      drawing.marks.replaceChildren(
        svg("path", { class: "pair", d: `M${left} ${down}V${up}H${right}V${down}` }),
        label("{δ}", { class: "name", x: (left + right) / 2, y: up - 6, "text-anchor": "middle" }));
      larger(loss_gap, now.step, right, down);
      smaller(now.smaller_loss, 0.01, left, down);
    },
  };
}

/** The density of the gap between two losses; the shaded area is the chance of a pair within δ. */
function gapDrawing(set) {
  const drawing = plot({
    key: "gap", heading: "Gap of a pair", title: "{X} − {Y}", name: "Density of the gap between two losses",
  });
  let now;
  const edge = knob(drawing, {
    name: "gap δ, edge of the band", trait: "loss_gap",
    from: (left) => Math.max(Math.min(drawing.fromX(left), now.gapEnd), now.step), set: (loss_gap) => set({ loss_gap }),
  });
  return {
    drawing,
    draw(state) {
      now = state;
      const { gaps, gapDensity, loss_gap, P } = now;
      drawing.scale([-now.gapReach, now.gapReach], now.gapTop);
      drawing.read(P, `shaded: ${percent(P)}`);
      const both = [...gaps.map((gap) => -gap).reverse(), ...gaps];
      const heights = [...[...gapDensity].reverse(), ...gapDensity];
      const within = both.map((gap, n) => [gap, heights[n]]).filter(([gap]) => Math.abs(gap) <= loss_gap);
      const [xs, ys] = [within.map(([gap]) => gap), within.map(([, height]) => height)];
      drawing.inside.replaceChildren(
        svg("path", {
          class: "band", d: drawing.path([-loss_gap, ...xs, loss_gap], [now.atGap, ...ys, now.atGap], true),
        }),
        svg("path", { class: "curve", d: drawing.path(both, heights) }));
      drawing.marks.replaceChildren(label("−{δ}", {
        class: "name", x: drawing.x(-loss_gap) - 4, y: drawing.y(0) - 6, "text-anchor": "end",
      }), label("{δ}", { class: "name", x: drawing.x(loss_gap) + 11, y: drawing.y(0) - 8 }));
      edge(loss_gap, now.step, drawing.x(loss_gap), drawing.y(0));
    },
  };
}

/** Rings at the numbers that a table of the paper prints: full where the curve rounds to the printed number. */
function rings(drawing, { gaps, values }, hits, reach) {
  return gaps.map((gap, n) => [gap, values[n], hits[n]]).filter(([gap]) => gap <= reach).map(([gap, value, hit]) =>
    svg("circle", { class: hit ? "ring hit" : "ring", cx: drawing.x(gap), cy: drawing.y(value), r: 4 }));
}

/** P(|X − Y| ≤ δ) over δ, with Table 1. */
function probabilityDrawing(set) {
  const drawing = plot({
    key: "within", heading: "Pairs within {δ}", title: "{δ}", name: "Chance of a pair within δ, over δ",
    levels: [[0, "0"], [0.5, "½"], [1, "1"]],
  });
  let now;
  const dot = knob(drawing, {
    name: "gap δ, on the curve of P", trait: "loss_gap", kind: "ll",
    from: (left) => Math.max(Math.min(drawing.fromX(left), now.gapEnd), now.step), set: (loss_gap) => set({ loss_gap }),
  });
  return {
    drawing,
    draw(state) {
      now = state;
      drawing.scale([0, now.gapReach], 1.06);
      drawing.read(now.P, `{P} = ${fourDigits(now.P)}`);
      drawing.inside.replaceChildren(svg("path", { class: "curve ll", d: drawing.path(now.gaps, now.within) }));
      drawing.marks.replaceChildren(
        svg("line", {
          class: "drop", x1: drawing.x(now.loss_gap), x2: drawing.x(now.loss_gap), y1: drawing.y(0), y2: drawing.y(now.P),
        }),
        ...(now.hits ? rings(drawing, TABLES[0], now.hits[0], now.gapReach) : []));
      dot(now.loss_gap, now.step, drawing.x(now.loss_gap), drawing.y(now.P));
    },
  };
}

/** φ(δ) over δ, with Table 2, and the expected push q_i − φ(δ) as an arrow from φ to a level that is dragged. */
function shareDrawing(set) {
  const drawing = plot({
    key: "share", heading: "Expected share", title: "{δ}", name: "Expected share of the smaller loss, over δ",
    levels: [[0, "0"], [0.5, "½"], [1, "1"]],
  });
  let now;
  const level = knob(drawing, {
    name: "predicted share q of the smaller loss", trait: "predicted_share",
    from: (_, top) => drawing.fromY(top), set: (predicted_share) => set({ predicted_share }),
  });
  const dot = knob(drawing, {
    name: "gap δ, on the curve of φ", trait: "loss_gap", kind: "pp",
    from: (left) => Math.max(Math.min(drawing.fromX(left), now.gapEnd), now.step), set: (loss_gap) => set({ loss_gap }),
  });
  return {
    drawing,
    draw(state) {
      now = state;
      const { phi, loss_gap, predicted_share: q } = now;
      drawing.scale([0, now.gapReach], 1.06);
      drawing.read(phi, `{φ} = ${fourDigits(phi)}`);
      const [x, right] = [drawing.x(loss_gap), drawing.box.left + drawing.box.plotWidth];
      const onLeft = x < drawing.box.left + 0.4 * drawing.box.plotWidth; // the name of the push goes where there is room
      drawing.inside.replaceChildren(svg("path", { class: "curve pp", d: drawing.path(now.gaps, now.shares) }));
      drawing.marks.replaceChildren(
        svg("line", { class: "level", x1: drawing.box.left, x2: right, y1: drawing.y(q), y2: drawing.y(q) }),
        label("{q_i}", { class: "name", x: right - 12, y: drawing.y(q) + (q < phi ? -8 : 17), "text-anchor": "end" }),
        svg("line", { class: "push", x1: x, x2: x, y1: drawing.y(q), y2: drawing.y(phi) }),
        label(`{q_i} − {φ} = ${push4(now.push)}`, {
          class: "name pp", x: x + (onLeft ? 12 : -12), y: drawing.y(q) + (q < phi ? 17 : -8),
          "text-anchor": onLeft ? "start" : "end",
        }),
        ...(now.hits ? rings(drawing, TABLES[1], now.hits[1], now.gapReach) : []));
      level(q, 0.01, right, drawing.y(q));
      dot(loss_gap, now.step, x, drawing.y(phi));
    },
  };
}
