// BatchLab: who pushes whom in a batch, and how much of that is the luck of the pairing. All of it is computed anew from
// the eight samples: 28 pairs, and the 105 ways to part the batch. The functions at the top of the module are generated;
// here is no formula of an objective.

const METHODS = {
  "LearningLoss++": { key: "pp", gradient: gradientPP },
  "Learning Loss": { key: "ll", gradient: gradientLL },
};
const PAIRINGS = TRAITS.pairing.max + 1;
const NEXT = 38; // shares no factor with 105: stepping by it comes past every pairing, and neighbours look different

/** One of the ways to part the samples into pairs: llpp_core/explorers/batch.py has the same. */
function pairsOf(pairing) {
  let left = SAMPLES.map((_, n) => n);
  const pairs = [];
  for (const ways of [15, 3, 1]) {
    const other = left[1 + Math.floor(pairing / ways)];
    pairing %= ways;
    pairs.push([left[0], other]);
    left = left.slice(1).filter((n) => n !== other);
  }
  return [...pairs, left];
}

const WAYS = Array.from({ length: PAIRINGS }, (_, n) => pairsOf(n));
const ALL = SAMPLES.flatMap((_, i) => SAMPLES.slice(i + 1).map((_, n) => [i, i + 1 + n]));

/** The gradient in each prediction, a mean over pairs. */
function inPairs(push, pairs) {
  const gradient = SAMPLES.map(() => 0);
  for (const [i, j] of pairs) {
    gradient[i] += push[i][j] / pairs.length;
    gradient[j] += push[j][i] / pairs.length;
  }
  return gradient;
}

const size = (gradient) => Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
const turned = (values, n) => [...values.slice(n), ...values.slice(0, n)];

function derive(state) {
  const { true_losses: true_, predicted_losses: predicted, scheme, margin } = state;
  const name = scheme === "all at once" ? "LearningLoss++" : state.objective;
  const { key, gradient } = METHODS[name];
  const push = SAMPLES.map((_, i) => SAMPLES.map((_, j) =>
    i === j ? 0 : gradient(predicted[i], predicted[j], true_[i], true_[j], margin)));
  const over = WAYS.map((pairs) => inPairs(push, pairs));
  const mean = SAMPLES.map((_, n) => over.reduce((sum, one) => sum + one[n], 0) / PAIRINGS);
  const deviation = SAMPLES.map((_, n) =>
    Math.sqrt(over.reduce((sum, one) => sum + (one[n] - mean[n]) ** 2, 0) / PAIRINGS));
  const pairing = Math.floor(state.pairing);
  const pairs = { halves: WAYS[pairing], "all pairs": ALL, "all at once": [] }[scheme];
  const now = scheme === "halves" ? over[pairing] : scheme === "all pairs" ? mean
    : SAMPLES.map((_, n) => gradientAtOnce(...turned(predicted, n), ...turned(true_, n)));
  return { ...state, name, key, pairing, pairs, push, mean, deviation, now };
}

const symbol = (n) => `{${SAMPLES[n]}}`;
const away = (gradient) => (gradient > 0 ? "down" : "up");

/** Who pushes hardest, in words. */
function hardest({ name, key, scheme, pairs, push, now }) {
  const method = `<b class="${key}">${name}</b>`;
  const last = now.reduce((best, value, n) => (Math.abs(value) > Math.abs(now[best]) ? n : best), 0);
  if (scheme === "all at once") {
    return `${method} pushes ${symbol(last)} most, ${away(now[last])}: its predicted share of the batch less its true one is `
      + `${signed(now[last])}.`;
  }
  const active = pairs.filter(([i, j]) => push[i][j] !== 0);
  if (name === "Learning Loss") {
    return `${method} pushes ${active.length} of ${pairs.length} pairs, each with full force; the others are in order, by a `
      + "margin, or tied.";
  }
  const [i, j] = pairs.reduce((best, one) => (Math.abs(push[one[0]][one[1]]) > Math.abs(push[best[0]][best[1]]) ? one : best));
  return `${method} pushes ${symbol(i)} and ${symbol(j)} hardest, ${symbol(i)} ${away(push[i][j])} and ${symbol(j)} `
    + `${away(push[j][i])}, with ${number(100 * Math.abs(push[i][j]), 1)} % of full force.`;
}

/** What the drawings show, in words. */
function sentences(state) {
  const { scheme, pairs, pairing, now, mean, deviation } = state;
  const how = {
    halves: `Pairing ${pairing + 1} of ${PAIRINGS}: ${pairs.map(([i, j]) => `${symbol(i)}–${symbol(j)}`).join(", ")}.`,
    "all pairs": "All 28 pairs: each sample meets the seven others.",
    "all at once": "All at once: the shares of eight samples, and no pairs.",
  }[scheme];
  const outcome = {
    halves: `This one gives ${number(size(now))}.`,
    "all pairs": "All pairs give that mean, whoever sits beside whom.",
    "all at once": `All at once it is ${number(size(now))} long, a sum and no mean over pairs: lengths do not compare.`,
  }[scheme];
  return [how, hardest(state),
    `Over the ${PAIRINGS} pairings of this batch the gradient is ${number(size(mean))} long in the mean, and a pairing lies `
    + `${number(size(deviation))} from that, root mean square. ${outcome}`];
}

function render({ model, el }) {
  const set = (values) => {
    for (const [trait, value] of Object.entries(values)) model.set(trait, value);
    model.save_changes();
  };
  const deal = () => {
    set({ scheme: "halves", pairing: (Math.floor(model.get("pairing")) + NEXT) % PAIRINGS });
    return true;
  };
  const play = player({
    labels: { play: "deal and deal again", step: "deal once", restart: "first pairing" },
    step: deal, restart: () => set({ pairing: 0 }), rate: 2, most: 1,
  });
  const moved = (trait, which, value) =>
    ({ [trait]: model.get(trait).map((old, n) => (n === which ? Number(value.toPrecision(3)) : old)) });
  const plane = batchPlane((which, true_, predicted) =>
    set({ ...moved("true_losses", which, true_), ...moved("predicted_losses", which, predicted) }));
  return frame({ model, el }, {
    kind: "llpp-batch", presets: PRESETS, derive, sentences, stop: play.pause, more: [play.node],
    choices: [
      { trait: "scheme", text: "who is compared with whom", labels: {} },
      { trait: "objective", text: "objective", labels: {} },
    ],
    sliders: [
      {
        trait: "pairing", text: "pairing", spoken: "number of the pairing",
        format: (at) => `${Math.floor(at) + 1} of ${PAIRINGS}`,
      },
      { trait: "margin", text: "margin {ξ} of Learning Loss", spoken: "margin of Learning Loss" },
    ],
    parts: [plane, batchSpread()],
  });
}
