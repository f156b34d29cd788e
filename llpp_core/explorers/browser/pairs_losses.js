// PairsTooClose: a reader's own losses. They are read, fitted and counted here; nothing leaves the page.

const NUMERAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Read numbers, one a line, or the first numeric column of a table with commas, semicolons or tabs; a first line
 * without numbers names the columns, and a single line may hold them all. Returns { losses, from } or { wrong }, each
 * with a sentence.
 */
function readLosses(text) {
  const lines = text.split(/\r\n|\r|\n/).map((line, n) => ({ line: line.trim(), place: n + 1 }))
    .filter(({ line }) => line !== "");
  if (lines.length === 0) return { wrong: "There is no number here yet: one loss a line." };
  const separator = lines.some(({ line }) => /[;\t]/.test(line)) ? /[;\t]/ : lines.some(({ line }) => line.includes(","))
    ? "," : /\s+/;
  const rows = lines.map(({ line, place }) => ({
    place, cells: line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")),
  }));
  const isNumber = (cell) => NUMERAL.test(cell ?? "");
  const header = rows.length > 1 && !rows[0].cells.some(isNumber) ? rows.shift().cells : null;
  const column = rows[0].cells.findIndex(isNumber);
  if (column < 0) return { wrong: `Line ${rows[0].place} has no number: “${shorten(rows[0].cells.join(" "))}”.` };
  const oneLine = rows.length === 1 && rows[0].cells.length > 1 && rows[0].cells.every(isNumber);
  const cells = oneLine ? rows[0].cells.map((cell) => ({ cell, place: rows[0].place }))
    : rows.map(({ cells, place }) => ({ cell: cells[column], place }));
  const losses = [];
  for (const { cell, place } of cells) {
    if (!isNumber(cell)) {
      return { wrong: `Line ${place} has no number${column ? ` in column ${column + 1}` : ""}: “${shorten(cell ?? "")}”.` };
    }
    const loss = Number(cell);
    if (!(loss > 0 && loss < Infinity)) {
      return { wrong: `Line ${place} is ${shorten(cell)}: a gamma distribution holds only losses above 0.` };
    }
    losses.push(loss);
    if (losses.length > MOST_LOSSES) {
      return { wrong: `These are more than ${MOST_LOSSES.toLocaleString("en")} losses: give a random part of them.` };
    }
  }
  if (losses.length < 2) return { wrong: "This is one loss: a fit needs at least two that differ." };
  if (losses.every((loss) => loss === losses[0])) {
    return { wrong: `All ${losses.length} losses are ${losses[0]}: a fit needs at least two that differ.` };
  }
  const many = !oneLine && Math.max(...rows.slice(0, 10).map(({ cells }) => cells.length)) > 1;
  const named = header?.[column] ? ` (${shorten(header[column])})` : "";
  return { losses, from: many ? `, column ${column + 1}${named}` : "" };
}

const shorten = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);

/** Sorted losses, their fit and their histogram; kept, because a redraw asks for them anew. */
const known = new WeakMap();
function sample(losses) {
  if (!known.has(losses)) {
    const ordered = Float64Array.from(losses).sort();
    const reach = ordered[Math.ceil(0.99 * (ordered.length - 1))]; // the rare large ones make no bins of their own
    const bins = Math.min(60, Math.max(5, Math.ceil(2 * Math.cbrt(ordered.length))));
    const width = reach / bins;
    const counts = new Array(bins).fill(0);
    for (const loss of ordered) if (loss <= reach) counts[Math.min(Math.floor(loss / width), bins - 1)]++;
    const heights = counts.map((count) => count / (ordered.length * width));
    known.set(losses, { ordered, width, heights, fit: fitGamma(losses) });
  }
  return known.get(losses);
}

/**
 * How many pairs of the sorted losses are within `gap` of each other: two pointers, no pair left out. A difference
 * counts up to 1e-12 of the largest loss beyond the gap: 0.4 − 0.3 is a gap of 0.1.
 */
function pairsWithin(ordered, gap) {
  const reach = gap + 1e-12 * ordered[ordered.length - 1];
  let count = 0;
  for (let lower = 0, upper = 0; upper < ordered.length; upper++) {
    while (ordered[upper] > ordered[lower] + reach) lower++;
    count += upper - lower;
  }
  return count;
}

/** The box that takes losses: paste, type, drop or choose a file. `onLosses(losses)` puts them into the model. */
function lossBox(onLosses) {
  const text = html("textarea", {
    rows: 4, spellcheck: "false", autocomplete: "off", placeholder: "0.31\n0.18\n0.27\n…",
    "aria-label": "true losses, one a line",
  });
  const file = html("input", { type: "file", accept: ".csv,.tsv,.txt,text/*", "aria-label": "a file of true losses" });
  const status = html("p", { class: "status", role: "status" });
  const say = (sentence, wrong) => {
    status.textContent = sentence;
    status.classList.toggle("wrong", wrong);
  };
  const take = (source) => {
    const { losses, from, wrong } = readLosses(source);
    if (wrong) return say(wrong, true);
    say(`${losses.length.toLocaleString("en")} losses${from}: ${onLosses(losses)}`, false);
  };
  const open = async (chosen) => { if (chosen) take(await chosen.text()); };
  text.addEventListener("input", (event) => {
    if (["insertFromPaste", "insertFromDrop"].includes(event.inputType)) take(text.value);
  });
  file.addEventListener("change", () => open(file.files[0]));
  const box = html("details", { class: "losses" }, html("summary", {}, "Fit my losses"),
    html("p", { class: "muted" }, "Paste or type them, one a line, or drop a file here. They stay on this page."),
    text, html("div", { class: "presets" }, button("fit these", () => take(text.value)), file), status);
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("drop", (event) => {
    const chosen = event.dataTransfer.files[0];
    if (!chosen) return; // text, which the text area takes by itself
    event.preventDefault();
    box.open = true;
    open(chosen);
  });
  return {
    node: box,
    /** Forget what was said of losses that a reset has taken away. */
    draw(losses) { if (!losses.length && !status.classList.contains("wrong")) status.textContent = ""; },
  };
}
