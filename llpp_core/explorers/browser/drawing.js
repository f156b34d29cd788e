// Small helpers for explorers: elements, symbols, numbers, sliders, themes. No library, no formula.
// `Explorer` (base.py) joins this file and an explorer's own into one ES module.

const SVG = "http://www.w3.org/2000/svg";

/** Set attributes and append children; `undefined` and `false` leave an attribute out. */
function dress(node, attributes, children = []) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

const html = (tag, attributes = {}, ...children) =>
  dress(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  dress(document.createElementNS(SVG, tag), attributes, children);

/** "{l̂_i}" in a text becomes an italic symbol with a subscript: HTML, without waiting for MathJax. */
const symbols = (text) =>
  text.replace(/\{([^}_]+)(?:_([^}]+))?\}/g, (_, name, index) =>
    `<i>${name}</i>` + (index ? `<sub>${index}</sub>` : ""));

/** The same as an SVG text element; the empty last span brings the baseline back up. */
function label(text, attributes) {
  const node = svg("text", attributes);
  node.innerHTML = text.replace(/\{([^}_]+)(?:_([^}]+))?\}/g, (_, name, index) =>
    `<tspan class="symbol">${name}</tspan>` +
    (index ? `<tspan class="sub" dy="3">${index}</tspan><tspan dy="-3">\u200b</tspan>` : ""));
  return node;
}

/** A number with two decimals, three when it is small, and a true minus sign. */
function number(value, digits = 2) {
  const text = value.toFixed(Math.abs(value) < 0.1 ? digits + 1 : digits).replace(/(\.\d\d)0$/, "$1");
  return Number(text) === 0 ? "0" : text.replace("-", "−");
}

/** A gradient: always with its sign, whole numbers without decimals, small ones with one more. */
function signed(value) {
  const size = Math.abs(value);
  const text = Number.isInteger(size) ? String(size) : size.toFixed(size < 0.1 ? 4 : 3);
  return (Number(text) === 0 ? "" : value < 0 ? "−" : "+") + (Number(text) === 0 ? "0" : text);
}

const clamp = (value, { min, max }) => Math.min(max, Math.max(min, value));

/** Call back when a book page or JupyterLab turns light or dark; returns the way to stop. */
function watchTheme(callback) {
  const observer = new MutationObserver(callback);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  return () => observer.disconnect();
}

/** A table of 512 colours from −1 to 1, mixed from the stops in a CSS variable, as RGBA words for ImageData. */
function colourTable(element, variable) {
  const stops = getComputedStyle(element).getPropertyValue(variable).split(",").map((stop) =>
    [1, 3, 5].map((at) => parseInt(stop.trim().slice(at, at + 2), 16)));
  const bytes = new Uint8ClampedArray(512 * 4);
  for (let entry = 0; entry < 512; entry++) {
    const at = (entry / 511) * (stops.length - 1);
    const left = Math.min(Math.floor(at), stops.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [from, to] = [stops[left][channel], stops[left + 1][channel]];
      bytes[entry * 4 + channel] = from + (to - from) * (at - left);
    }
    bytes[entry * 4 + 3] = 255;
  }
  return new Uint32Array(bytes.buffer);
}
