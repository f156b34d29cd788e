// What a reader moves in an explorer: sliders, choices, and handles in a drawing. Each works by mouse, finger and keys
// and tells a screen reader its name and value. `update` shows a value that came from elsewhere.

/** A labelled native range input for one trait, linear or over the decimal logarithm. Returns { node, update }. */
function slider({ trait, text, spoken, onInput, digits, format = (value) => number(value, digits) }) {
  const bounds = TRAITS[trait];
  const logarithmic = bounds.scale === "log";
  const toTrack = logarithmic ? Math.log10 : (value) => value;
  const fromTrack = logarithmic ? (at) => Number((10 ** at).toPrecision(3)) : (at) => at;
  const input = html("input", {
    type: "range", min: toTrack(bounds.min), max: toTrack(bounds.max), step: bounds.step, "aria-label": spoken,
  });
  const output = html("output");
  const name = html("span");
  name.innerHTML = symbols(text);
  input.addEventListener("input", () => onInput(clamp(fromTrack(Number(input.value)), bounds)));
  return {
    node: html("label", { class: "slider" }, name, output, input),
    update(value) {
      input.value = toTrack(value);
      input.setAttribute("aria-valuetext", format(value));
      output.textContent = format(value);
    },
  };
}

/** A row of radio buttons for one trait; `labels` maps its values to what is read. Returns { node, update }. */
function choice({ trait, text, labels, onInput }) {
  const group = `llpp-${trait}-${Math.random().toString(36).slice(2)}`; // radios of two explorers are two groups
  const inputs = TRAITS[trait].values.map((value) => {
    const input = html("input", { type: "radio", name: group, value });
    input.addEventListener("change", () => onInput(value));
    const name = html("span");
    name.innerHTML = symbols(labels[value] ?? value);
    return { input, node: html("label", {}, input, name) };
  });
  const legend = html("legend");
  legend.innerHTML = symbols(text);
  return {
    node: html("fieldset", { class: "choice" }, legend, ...inputs.map(({ node }) => node)),
    update: (value) => inputs.forEach(({ input }) => { input.checked = input.value === value; }),
  };
}

/** A plain button that does something. */
function button(text, onPress, attributes = {}) {
  const node = html("button", { type: "button", ...attributes }, text);
  node.addEventListener("click", onPress);
  return node;
}

/** Report a pointer's place while it is held down on `node`, in pixels from the upper left corner of `within`. */
function onDrag(node, start, move, within = node) {
  const place = (event) => {
    const box = within.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text selection while dragging
    node.focus?.({ preventScroll: true });
    node.setPointerCapture(event.pointerId);
    start();
    move(...place(event));
  });
  node.addEventListener("pointermove", (event) => {
    if (node.hasPointerCapture(event.pointerId)) move(...place(event));
  });
}

/**
 * A mark in a drawing that is dragged, or moved by the arrow keys (with Shift ten steps at once).
 *
 * `picture` is the SVG element of the drawing; `ranges` are one or two of { min, max, step }: with one, every arrow key
 * moves it; with two, left and right move the first and up and down the second. `fromPixels(left, top)` gives the
 * values that a place in the picture stands for, one for each range; `onMove(values)` gets them within their ranges.
 * Returns { node, update }: `update(values, x, y, spoken)` puts the mark at pixels (x, y) and says in words where.
 */
function handle({ picture, name, ranges, fromPixels, onMove, kind = "" }) {
  const node = svg("g", {
    class: `handle ${kind}`, role: "slider", tabindex: 0, "aria-label": name,
    "aria-valuemin": ranges[0].min, "aria-valuemax": ranges[0].max,
  }, svg("circle", { class: "grip", r: 22 }), svg("circle", { class: "knob", r: 8 }));
  // Chromium ignores "touch-action" on a part of an SVG picture: without this the page scrolls away under the finger.
  node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  let values = ranges.map(({ min }) => min);
  const move = (wanted) => onMove(wanted.map((value, n) => clamp(value, ranges[n])));
  onDrag(node, () => {}, (left, top) => {
    // A dragged value lands on a step, so that what is shown is what is computed with.
    move(fromPixels(left, top).map((value, n) => {
      const { step } = ranges[n];
      return Number((Math.round(value / step) * step).toPrecision(12));
    }));
  }, picture);
  const KEYS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [1, 1], ArrowDown: [1, -1], PageUp: [1, 10], PageDown: [1, -10] };
  node.addEventListener("keydown", (event) => {
    const next = [...values];
    if (event.key in KEYS) {
      const [dimension, steps] = KEYS[event.key];
      const n = Math.min(dimension, ranges.length - 1);
      next[n] = Number((values[n] + steps * (event.shiftKey ? 10 : 1) * ranges[n].step).toPrecision(12));
    } else if (event.key === "Home" || event.key === "End") {
      next[0] = event.key === "Home" ? ranges[0].min : ranges[0].max;
    } else return;
    event.preventDefault();
    move(next);
  });
  return {
    node,
    update(now, x, y, spoken) {
      values = now;
      node.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
      node.setAttribute("aria-valuenow", now[0]);
      node.setAttribute("aria-valuetext", spoken);
    },
  };
}
