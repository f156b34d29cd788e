// GradientLandscape: a heat map of one gradient over predicted gap and true share, and the axes of both drawings.
// METHODS and GAP are constants of landscape.js, which is joined after this file.

const GRID = 240; // cells of a heat map in each direction: enough for sharp edges at any width it is shown in
const MAP = { left: 22, right: 8, top: 20, bottom: 36 }; // pixels around the plot

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
  const pointer = svg("g");
  const spoken = `Heat map of ${method.name}'s gradient over predicted gap and true share`;
  const picture = svg("svg", { role: "img", "aria-label": spoken }, frame, marks, pointer);
  const value = html("data");
  const heading = html("span", { class: "method" });
  heading.innerHTML = symbols(method.heading);
  const node = html("div", { class: `map ${method.key}` },
    html("div", { class: "heading" }, heading, value),
    html("div", { class: "plot" }, canvas, picture));
  let box, x, y;
  let painted; // what the canvas shows: LearningLoss++'s map changes with the theme alone, the others' with ξ or α

  // Dragging holds the sum of the true losses, whatever it was when the pointer went down.
  onDrag(picture, () => onMove.start(), (left, top) => onMove.to(
    GAP.min + ((left - box.left) / box.plotWidth) * (GAP.max - GAP.min),
    1 - (top - box.top) / box.plotHeight));
  onHover(picture, onMove, (left, top) => [
    clamp(GAP.min + ((left - box.left) / box.plotWidth) * (GAP.max - GAP.min), GAP),
    clamp(1 - (top - box.top) / box.plotHeight, { min: 0.001, max: 0.999 }), // both losses stay above 0
  ]);

  function paint(state, colours) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(GRID, GRID);
    const cells = new Uint32Array(image.data.buffer);
    for (let row = 0; row < GRID; row++) {
      const share = 1 - (row + 0.5) / GRID;
      for (let column = 0; column < GRID; column++) {
        const gap = GAP.min + ((column + 0.5) / GRID) * (GAP.max - GAP.min);
        const value = method.gradient(gap, share, 1 - share, state);
        cells[row * GRID + column] = colours[Math.round((value + 1) * 255.5)];
      }
    }
    context.putImageData(image, 0, 0);
  }

  return {
    node,
    resize() {
      const width = picture.parentNode.clientWidth;
      const plotWidth = Math.max(width - MAP.left - MAP.right, 40);
      const plotHeight = Math.min(plotWidth, Math.max(0.75 * plotWidth, 180)); // a little flat, unless it is small
      box = { ...MAP, plotWidth, plotHeight };
      x = (gap) => box.left + ((gap - GAP.min) / (GAP.max - GAP.min)) * plotWidth;
      y = (share) => box.top + (1 - share) * plotHeight;
      dress(picture, { width, height: box.top + plotHeight + box.bottom });
      canvas.style.cssText =
        `left: ${box.left}px; top: ${box.top}px; width: ${plotWidth}px; height: ${plotHeight}px`;
      frame.replaceChildren(
        ...axes(box, x, y, [[0, "0"], [0.5, "½"], [1, "1"]], "true share {p_i}"),
        svg("rect", { class: "frame", x: box.left, y: box.top, width: plotWidth, height: plotHeight }));
    },
    draw(now, colours) {
      const needed = method.depends ? now[method.depends] : 0;
      if (painted?.colours !== colours || painted.needed !== needed) {
        paint(now, colours);
        painted = { colours, needed };
      }
      marks.replaceChildren(
        ...(method.key === "ll" ? regions(now, x, y, box) : restingLine(method, now, x, y, box)),
        svg("circle", { class: "here", cx: x(now.gap), cy: y(now.p), r: 5 }));
    },
    /** Put the cross-hair, and say what the gradient is there: at the pointer (`away`) or at the state. */
    point(read, away) {
      value.textContent = signed(read[method.key]);
      value.value = read[method.key];
      node.classList.toggle("away", away);
      pointer.replaceChildren(...["halo", "cross"].flatMap((kind) => [
        svg("line", { class: kind, x1: x(read.gap), x2: x(read.gap), y1: y(1), y2: y(0) }),
        svg("line", { class: kind, x1: x(GAP.min), x2: x(GAP.max), y1: y(read.p), y2: y(read.p) }),
      ]));
    },
  };
}

/** Learning Loss's three values, written where they hold. */
function regions({ margin }, x, y, box) {
  const long = box.plotWidth > 190;
  const centred = (text, kind, gap, share) =>
    label(text, { class: kind, x: x(gap), y: y(share) + 4, "text-anchor": "middle" });
  return [
    label(long ? "−1 : {l̂_i} rises" : "−1", { class: "region", x: x(GAP.min) + 12, y: y(0.75) + 4 }),
    label(long ? "{l̂_i} falls : +1" : "+1", {
      class: "region", x: x(GAP.max) - 12, y: y(0.25) + 4, "text-anchor": "end",
    }),
    centred("0", "region none", (GAP.max + margin) / 2, 0.75),
    centred("0", "region none", (GAP.min - margin) / 2, 0.25),
    label("{ξ}", { class: "region none", x: x(margin) + 4, y: y(1) + 13 }),
    label("−{ξ}", { class: "region none", x: x(-margin) - 4, y: y(0) - 6, "text-anchor": "end" }),
  ];
}

/** Report where a mouse or a pen rests over `node` without a button, and null when it leaves; a finger only drags. */
function onHover(node, onMove, place) {
  node.addEventListener("pointermove", (event) => {
    if (event.buttons || event.pointerType === "touch") return;
    const { left, top } = node.getBoundingClientRect();
    onMove.over(place(event.clientX - left, event.clientY - top));
  });
  node.addEventListener("pointerleave", () => onMove.over(null));
}

/** Where a gradient with shares is zero: the resting gap at every true share. */
function restingLine(method, now, x, y, box) {
  const points = [];
  for (let share = 0.005; share < 1; share += 0.01) {
    const gap = method.rest(share, 1 - share, now);
    if (gap > GAP.min && gap < GAP.max) points.push(`${x(gap).toFixed(1)},${y(share).toFixed(1)}`);
  }
  const text = box.plotWidth > 190 ? "0 where {q_i} = {p_i}" : "0";
  const free = clamp(method.rest(0.93, 0.07, now) - 0.5, { min: -0.5, max: 3 }); // the name stands left of the line
  return [
    svg("polyline", { class: "zero-line", points: points.join(" ") }),
    label(text, { class: "region none", x: x(free), y: y(0.92), "text-anchor": "end" }),
  ];
}
