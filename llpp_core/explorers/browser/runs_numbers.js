// RunsPlayer: correlations of what is drawn, and what the drawings need to know of a record. No formula of the paper.

/** Places in rising order, from 1; equal values share the mean of theirs. */
function places(values) {
  const order = values.map((_, n) => n).sort((a, b) => values[a] - values[b]);
  const found = new Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]] === values[order[from]]) to++;
    for (let n = from; n <= to; n++) found[order[n]] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return found;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pearson's correlation; null where one side is constant but for rounding. */
function linear(xs, ys) {
  const constant = (v) => Math.max(...v) - Math.min(...v) <= 1e-12 * Math.max(...v.map(Math.abs));
  if (constant(xs) || constant(ys)) return null;
  const [middleX, middleY] = [mean(xs), mean(ys)];
  let both = 0, squareX = 0, squareY = 0;
  xs.forEach((x, n) => {
    both += (x - middleX) * (ys[n] - middleY);
    squareX += (x - middleX) ** 2;
    squareY += (ys[n] - middleY) ** 2;
  });
  return both / Math.sqrt(squareX * squareY);
}

/** A text of a record, safe between tags and not taken for a symbol. */
const plain = (text) => text.replace(/[&<>"{}]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** An axis end that reads well: 1, 1.5, 2, 3, 4, 5, 6, 8 or 10 times a power of ten, not below the value. */
function roundEnd(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value * (1 - 1e-9)) ?? 10);
}

/** The same, not above the value. */
const roundStart = (value) => 1 / roundEnd(1 / value);

/** An axis number as short as it can be told. */
const tick = (value) => String(Number(value.toPrecision(2))).replace("-", "−");

/** What all epochs of a record have in common, computed once when it comes. */
function digest(record) {
  const { epochs, ids, pck } = record;
  const grays = ["gray-one", "gray-two", "gray-three"];
  const methods = Object.entries(record.methods).map(([name, rows]) => {
    const centred = rows.map((row) => { const middle = mean(row); return row.map((value) => value - middle); });
    return {
      name, key: METHOD_KEYS[name] ?? grays.shift(), centred,
      places: rows.map(places),
      pearson: rows.map((row, n) => linear(row, record.true_loss[n])),
      spearman: rows.map((row, n) => linear(places(row), places(record.true_loss[n]))),
      norms: record.gradient_norm?.[name],
      ends: centred.map((row) => roundEnd(Math.max(...row.map(Math.abs)) || 1)),
    };
  });
  return {
    epochs, ids, pck, methods, true_loss: record.true_loss, truePlaces: record.true_loss.map(places),
    // Each epoch has ends of its own, in coarse steps: an untrained model's losses would squeeze all later ones.
    lowest: record.true_loss.map((row) => roundStart(Math.min(...row))), highest: record.true_loss.map((row) => roundEnd(Math.max(...row))),
  };
}

/** The place of the epoch that is shown: the last recorded one up to the wanted; -1 where none is recorded. */
function placeOf(epochs, wanted) {
  let place = Math.min(epochs.length - 1, 0);
  epochs.forEach((epoch, n) => { if (epoch <= wanted) place = n; });
  return place;
}

const coefficient = (value) => value === null || value === undefined ? "undefined" : value.toFixed(2).replace("-", "−");
