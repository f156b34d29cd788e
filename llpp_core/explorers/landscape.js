// GradientLandscape: ∂L/∂l̂_i of Learning Loss and LearningLoss++, as maps over (predicted gap, true share) and as
// curves over the predicted gap. Its mathematics are the generated functions above; `drawing.js` has the helpers.
// A pair matters only through its gap, so l̂_j is 0 and l̂_i the gap.

const METHODS = [
  { key: "ll", name: "Learning Loss", gradient: (gap, l_i, l_j, margin) => gradientLearningLoss(gap, 0, l_i, l_j, margin) },
  { key: "pp", name: "LearningLoss++", gradient: (gap, l_i, l_j) => gradientLearningLossPP(gap, 0, l_i, l_j) },
];
const SLIDERS = [
  { trait: "predicted_gap", text: "predicted gap {l̂_i} − {l̂_j}", spoken: "predicted gap" },
  { trait: "margin", text: "margin {ξ} of Learning Loss", spoken: "margin of Learning Loss" },
  { trait: "true_loss_i", text: "true loss {l_i}", spoken: "true loss i" },
  { trait: "true_loss_j", text: "true loss {l_j}", spoken: "true loss j" },
];
const GAP = BOUNDS.predicted_gap;
const LOSS = BOUNDS.true_loss_i;
const GRID = 240; // cells of a heat map in each direction: enough for sharp edges at any width it is shown in
const MAP = { left: 22, right: 8, top: 20, bottom: 36 };
const CURVE = { left: 30, right: 8, top: 22, bottom: 36, height: 250, limit: 1.36 };

const read = (model) => Object.fromEntries(SLIDERS.map(({ trait }) => [trait, model.get(trait)]));
const derive = (state) => {
  const { predicted_gap: gap, true_loss_i: l_i, true_loss_j: l_j, margin } = state;
  return {
    ...state, gap, l_i, l_j,
    p: trueShare(l_i, l_j), q: predictedShare(gap, 0), rest: restingGap(l_i, l_j),
    ll: METHODS[0].gradient(gap, l_i, l_j, margin), pp: METHODS[1].gradient(gap, l_i, l_j),
  };
};

/** Ticks and titles that depend on the size alone. `y` places a value of the vertical axis. */
function axes(box, x, y, ticks, title) {
  const bottom = box.top + box.plotHeight;
  const horizontal = [-4, -2, 0, 2, 4].flatMap((at) => [
    svg("line", { class: "tick", x1: x(at), x2: x(at), y1: bottom, y2: bottom + 4 }),
    label(number(at, 0), { class: "tick-label", x: x(at), y: bottom + 16, "text-anchor": "middle" }),
  ]);
  const vertical = ticks.map(([at, text]) =>
    label(text, { class: "tick-label", x: box.left - 6, y: y(at) + 4, "text-anchor": "end" }));
  return [
    ...horizontal, ...vertical,
    label("predicted gap {l̂_i} − {l̂_j}", {
      class: "axis-title", x: box.left + box.plotWidth / 2, y: bottom + 32, "text-anchor": "middle",
    }),
    label(title, { class: "axis-title", x: 0, y: 11 }),
  ];
}

function heatMap(method, onMove) {
  const canvas = html("canvas", { width: GRID, height: GRID });
  const frame = svg("g");
  const marks = svg("g");
  const picture = svg("svg", { role: "img", "aria-label": `Heat map of the gradient of ${method.name}` }, frame, marks);
  const value = html("data");
  const node = html("div", { class: `map ${method.key}` },
    html("div", { class: "heading" }, html("span", { class: "method" }, method.name), value),
    html("div", { class: "plot" }, canvas, picture));
  let box, x, y;
  let painted; // what the canvas shows: LearningLoss++'s map changes with the theme alone, Learning Loss's with ξ

  // Dragging holds the sum of the true losses, whatever it was when the pointer went down.
  onDrag(picture, () => onMove.start(), (left, top) => onMove.to(
    GAP.min + ((left - box.left) / box.plotWidth) * (GAP.max - GAP.min),
    1 - (top - box.top) / box.plotHeight));

  function paint(margin, colours) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(GRID, GRID);
    const cells = new Uint32Array(image.data.buffer);
    for (let row = 0; row < GRID; row++) {
      const share = 1 - (row + 0.5) / GRID;
      for (let column = 0; column < GRID; column++) {
        const gap = GAP.min + ((column + 0.5) / GRID) * (GAP.max - GAP.min);
        cells[row * GRID + column] = colours[Math.round((method.gradient(gap, share, 1 - share, margin) + 1) * 255.5)];
      }
    }
    context.putImageData(image, 0, 0);
  }

  return {
    node,
    resize() {
      const width = picture.parentNode.clientWidth;
      const side = Math.max(width - MAP.left - MAP.right, 40);
      box = { ...MAP, plotWidth: side, plotHeight: side };
      x = (gap) => box.left + ((gap - GAP.min) / (GAP.max - GAP.min)) * side;
      y = (share) => box.top + (1 - share) * side;
      dress(picture, { width, height: box.top + side + box.bottom }, []);
      canvas.style.cssText = `left: ${box.left}px; top: ${box.top}px; width: ${side}px; height: ${side}px`;
      frame.replaceChildren(
        ...axes(box, x, y, [[0, "0"], [0.5, "½"], [1, "1"]], "true share {p_i}"),
        svg("rect", { class: "frame", x: box.left, y: box.top, width: side, height: side }));
    },
    draw(now, colours) {
      const needed = method.key === "ll" ? now.margin : 0;
      if (painted?.colours !== colours || painted.margin !== needed) {
        paint(now.margin, colours);
        painted = { colours, margin: needed };
      }
      value.textContent = signed(now[method.key]);
      value.value = now[method.key];
      marks.replaceChildren(
        ...(method.key === "ll" ? regions(now, x, y, box) : restingLine(x, y, box)),
        svg("line", { class: "cross", x1: x(now.gap), x2: x(now.gap), y1: y(1), y2: y(0) }),
        svg("line", { class: "cross", x1: x(GAP.min), x2: x(GAP.max), y1: y(now.p), y2: y(now.p) }),
        svg("circle", { class: "here", cx: x(now.gap), cy: y(now.p), r: 5 }));
    },
  };
}

/** Learning Loss's three values, written where they hold. */
function regions({ margin }, x, y, box) {
  const long = box.plotWidth > 190;
  const centre = { "text-anchor": "middle" };
  return [
    label(long ? "−1 : {l̂_i} rises" : "−1", { class: "region", x: x((GAP.min + margin) / 2), y: y(0.75) + 4, ...centre }),
    label(long ? "+1 : {l̂_i} falls" : "+1", { class: "region", x: x((GAP.max - margin) / 2), y: y(0.25) + 4, ...centre }),
    label("0", { class: "region none", x: x((GAP.max + margin) / 2), y: y(0.75) + 4, ...centre }),
    label("0", { class: "region none", x: x((GAP.min - margin) / 2), y: y(0.25) + 4, ...centre }),
    label("{ξ}", { class: "region none", x: x(margin) + 4, y: y(1) + 13 }),
    label("−{ξ}", { class: "region none", x: x(-margin) - 4, y: y(0) - 6, "text-anchor": "end" }),
  ];
}

/** Where LearningLoss++'s gradient is zero: the resting gap at every true share. */
function restingLine(x, y, box) {
  const points = [];
  for (let share = 0.005; share < 1; share += 0.01) {
    const gap = restingGap(share, 1 - share);
    if (gap > GAP.min && gap < GAP.max) points.push(`${x(gap).toFixed(1)},${y(share).toFixed(1)}`);
  }
  const text = box.plotWidth > 190 ? "0 where {q_i} = {p_i}" : "0";
  return [
    svg("polyline", { class: "zero-line", points: points.join(" ") }),
    label(text, { class: "region none", x: x(1.55), y: y(0.93), "text-anchor": "end" }),
  ];
}

function curves(onMove) {
  const frame = svg("g");
  const marks = svg("g");
  const picture = svg("svg", { role: "img", "aria-label": "Both gradients over the predicted gap" }, frame, marks);
  const node = html("div", { class: "curves plot" }, picture);
  let box, x, y;
  onDrag(picture, () => onMove.start(), (left) => onMove.to(
    GAP.min + ((left - box.left) / box.plotWidth) * (GAP.max - GAP.min), null));

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
      dress(picture, { width, height: CURVE.height }, []);
      frame.replaceChildren(
        ...[-1, 0, 1].map((at) => svg("line", { class: at ? "grid" : "grid zero", x1: x(GAP.min), x2: x(GAP.max), y1: y(at), y2: y(at) })),
        ...axes(box, x, y, [[-1, "−1"], [0, "0"], [1, "+1"]], "gradient ∂{L}/∂{l̂_i}"));
    },
    draw(now) {
      const at = (gap) => METHODS.map(({ gradient }) => gradient(gap, now.l_i, now.l_j, now.margin));
      const traces = METHODS.map(({ key, gradient }) => [key, trace((gap) => gradient(gap, now.l_i, now.l_j, now.margin))]);
      // Names stand at the ends that keep them apart: Learning Loss's outside its ±1, LearningLoss++'s at the other end.
      const below = now.p < 0.5; // the true losses want l̂_i below l̂_j
      const tie = now.l_i === now.l_j;
      const [left, right] = [{ x: x(GAP.min) + 4 }, { x: x(GAP.max) - 2, "text-anchor": "end" }];
      const [llEnd, ppEnd] = [at(below || tie ? GAP.max : GAP.min)[0], at(below || tie ? GAP.min : GAP.max)[1]];
      const inside = now.rest > GAP.min && now.rest < GAP.max;
      const restX = x(clamp(now.rest, GAP));
      const restY = y(below ? -CURVE.limit : CURVE.limit);
      const towardsLeft = restX > box.left + box.plotWidth / 2;
      const rest = `${inside ? "" : towardsLeft ? "→ " : "← "}++ rests at log({l_i}/{l_j}) = ${number(now.rest)}`;
      marks.replaceChildren(
        svg("line", { class: "cross", x1: x(now.gap), x2: x(now.gap), y1: box.top, y2: box.top + box.plotHeight }),
        ...(inside ? [svg("line", { class: "rest-line", x1: restX, x2: restX, y1: y(0), y2: restY })] : []),
        ...traces.flatMap(([key, { solid, jumps }]) => [
          svg("path", { class: `jump ${key}`, d: jumps }), svg("path", { class: `curve ${key}`, d: solid })]),
        ...(inside ? [svg("circle", { class: "rest", cx: restX, cy: y(0), r: 4.5 })] : []),
        svg("circle", { class: "dot ll", cx: x(now.gap), cy: y(now.ll), r: 5 }),
        svg("circle", { class: "dot pp", cx: x(now.gap), cy: y(now.pp), r: 5 }),
        label(`Learning Loss ${signed(now.ll)}`, {
          class: "name ll", ...(below || tie ? right : left), y: y(llEnd) + (below ? -8 : 17) }),
        label(`LearningLoss++ ${signed(now.pp)}`, {
          class: "name pp", ...(below || tie ? left : right), y: y(ppEnd) + (below || tie ? 17 : -9) }),
        label(rest, {
          class: "rest-label", x: restX + (towardsLeft ? -6 : 6), y: restY + (below ? -4 : 10),
          "text-anchor": towardsLeft ? "end" : "start" }));
    },
  };
}

/** What the numbers mean, in words. */
function sentence({ gap, l_i, l_j, margin, p, q, rest, ll, pp }) {
  const ratio = Math.max(l_i, l_j) / Math.min(l_i, l_j);
  const relation = ratio === 1 ? "an exact tie" : ratio < 1.1 ? "a near tie"
    : `${ratio < 3 ? "" : "far apart, "}${number(ratio, 1)} to 1`;
  const verb = (gradient) => (gradient > 0 ? "lowers" : "raises");
  const full = {
    "1": `gradient +1: descent lowers {l̂_i} with full force until the gap is −{ξ} = ${number(-margin)}.`,
    "-1": `gradient −1: descent raises {l̂_i} with full force until the gap is {ξ} = ${number(margin)}.`,
    "0": ratio === 1 ? "gradient 0, because the sign of a tie is 0, whatever the gap."
      : `gradient 0: the gap has the right sign and is no smaller than {ξ} = ${number(margin)}.`,
  }[String(ll + 0)];
  const share = ll === 0 ? "" : `, with ${number(100 * Math.abs(pp), 1)} % of that force`;
  const opposite = ll * pp < 0 && Math.abs(pp) > 5e-4 ? " The two pull in opposite directions." : "";
  const smooth = Math.abs(pp) < 5e-4
    ? "the gap already says what the true losses say, so nothing pushes."
    : `descent ${verb(pp)} {l̂_i}${share}, until the gap is log({l_i}/{l_j}) = ${number(rest)}.`;
  return symbols([
    `True losses ${number(l_i)} and ${number(l_j)}: ${relation}.`,
    `<b class="ll">Learning Loss</b> has ${full}`,
    `<b class="pp">LearningLoss++</b> has gradient {q_i} − {p_i} = ${q.toFixed(3)} − ${p.toFixed(3)} = ${signed(pp)}: ${smooth}${opposite}`,
  ].join(" "));
}

function render({ model, el }) {
  const initial = read(model);
  const set = (values) => {
    for (const [trait, value] of Object.entries(values)) model.set(trait, value);
    model.save_changes();
  };
  let sum; // of the true losses, held while dragging
  const onMove = {
    start() { sum = model.get("true_loss_i") + model.get("true_loss_j"); },
    to(gap, share) {
      const values = { predicted_gap: Number(clamp(gap, GAP).toFixed(2)) };
      if (share !== null) {
        const low = Math.max(LOSS.min, sum - LOSS.max);
        values.true_loss_i = clamp(share * sum, { min: low, max: sum - low });
        values.true_loss_j = clamp(sum - values.true_loss_i, LOSS);
      }
      set(values);
    },
  };
  const sliders = SLIDERS.map(({ trait, text, spoken }) => ({
    trait,
    ...slider({ text, spoken, bounds: BOUNDS[trait], onInput: (value) => set({ [trait]: value }) }),
  }));
  const buttons = [...Object.entries(PRESETS), ["reset", initial]].map(([name, values]) => {
    const button = html("button", { type: "button" }, name);
    button.addEventListener("click", () => set(values));
    return { button, values: name === "reset" ? null : values };
  });
  const maps = METHODS.map((method) => heatMap(method, onMove));
  const curve = curves(onMove);
  const bar = html("div", { class: "bar" });
  bar.innerHTML = symbols(
    "<span>−1 : descent raises {l̂_i}</span><span>∂{L}/∂{l̂_i}</span><span>descent lowers {l̂_i} : +1</span>");
  const words = html("p", { class: "words", "aria-live": "polite" });
  const root = html("div", { class: "llpp-landscape", role: "group", "aria-label": "Gradient landscape" },
    html("div", { class: "presets" }, ...buttons.map(({ button }) => button)),
    html("div", { class: "sliders" }, ...sliders.map(({ node }) => node)),
    words,
    html("div", { class: "maps" }, ...maps.map(({ node }) => node)),
    bar, curve.node);
  el.replaceChildren(root);

  let colours = colourTable(root, "--scale");
  let frame = 0, settled = 0;
  const draw = () => {
    frame = 0;
    const now = derive(read(model));
    sliders.forEach(({ trait, update }) => update(now[trait]));
    buttons.forEach(({ button, values }) => values && button.setAttribute("aria-pressed",
      String(Object.entries(values).every(([trait, value]) => now[trait] === value))));
    maps.forEach((map) => map.draw(now, colours));
    curve.draw(now);
    words.innerHTML = sentence(now);
    // A screen reader hears the sentence once the reader's hand rests, not at every step of a slider.
    words.setAttribute("aria-busy", "true");
    clearTimeout(settled);
    settled = setTimeout(() => words.removeAttribute("aria-busy"), 400);
  };
  const schedule = () => { frame ||= requestAnimationFrame(draw); };
  const resize = () => { [...maps, curve].forEach((part) => part.resize()); draw(); };

  const size = new ResizeObserver(resize);
  size.observe(root);
  const unwatch = watchTheme(() => { colours = colourTable(root, "--scale"); schedule(); });
  SLIDERS.forEach(({ trait }) => model.on(`change:${trait}`, schedule));
  return () => {
    size.disconnect();
    unwatch();
    SLIDERS.forEach(({ trait }) => model.off(`change:${trait}`, schedule));
    cancelAnimationFrame(frame);
    clearTimeout(settled);
  };
}

export default { render };
