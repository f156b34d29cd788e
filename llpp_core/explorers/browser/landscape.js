// GradientLandscape: ∂L/∂l̂_i of Learning Loss, of LearningLoss++ and of its form with an exponent α on the true losses,
// as maps over (predicted gap, true share) and as curves over the predicted gap. A pointer that rests over one of them
// is a cross-hair in all, and reads what they have there; dragging moves the state itself. Its mathematics are the generated functions at the top of the module; drawing.js has
// the helpers, landscape_map.js and landscape_curves.js the two drawings.
// A pair matters only through its gap, so l̂_j is 0 and l̂_i the gap.

const METHODS = [
  {
    key: "ll", name: "Learning Loss", heading: "Learning Loss", depends: "margin",
    gradient: (gap, l_i, l_j, { margin }) => gradientLearningLoss(gap, 0, l_i, l_j, margin),
  },
  {
    key: "pp", name: "LearningLoss++", heading: "LearningLoss++", rest: (l_i, l_j) => restingGap(l_i, l_j),
    gradient: (gap, l_i, l_j) => gradientLearningLossPP(gap, 0, l_i, l_j),
  },
  {
    key: "tempered", name: "LearningLoss++ with an exponent α", heading: "with exponent {α}", depends: "alpha",
    rest: (l_i, l_j, { alpha }) => temperedGap(l_i, l_j, alpha),
    gradient: (gap, l_i, l_j, { alpha }) => gradientTempered(gap, 0, l_i, l_j, alpha),
  },
];
const SLIDERS = [
  { trait: "predicted_gap", text: "predicted gap {l̂_i} − {l̂_j}", spoken: "predicted gap" },
  { trait: "margin", text: "margin {ξ} of Learning Loss", spoken: "margin of Learning Loss" },
  { trait: "alpha", text: "exponent {α} of the true losses", spoken: "exponent of the true losses" },
  { trait: "true_loss_i", text: "true loss {l_i}", spoken: "true loss i" },
  { trait: "true_loss_j", text: "true loss {l_j}", spoken: "true loss j" },
];
const GAP = TRAITS.predicted_gap;
const LOSS = TRAITS.true_loss_i;

const derive = (state) => {
  const { predicted_gap: gap, true_loss_i: l_i, true_loss_j: l_j, alpha } = state;
  const gradients = METHODS.map(({ key, gradient }) => [key, gradient(gap, l_i, l_j, state)]);
  return {
    ...state, gap, l_i, l_j,
    p: trueShare(l_i, l_j), q: predictedShare(gap, 0), rest: restingGap(l_i, l_j),
    temperedP: temperedShare(l_i, l_j, alpha), temperedRest: temperedGap(l_i, l_j, alpha),
    ...Object.fromEntries(gradients),
  };
};

/** What the numbers mean, in words: one line for the pair, one for each objective. */
function sentences({ l_i, l_j, margin, alpha, p, q, rest, ll, pp, tempered, temperedP, temperedRest }) {
  const ratio = Math.max(l_i, l_j) / Math.min(l_i, l_j);
  const relation = ratio === 1 ? "an exact tie" : ratio < 1.1 ? "a near tie"
    : `${ratio < 3 ? "" : "far apart, "}${number(ratio, 1)}\u00a0to\u00a01`;
  const hard = ll > 0 ? `descent lowers {l̂_i} with full force until the gap is −{ξ}\u00a0=\u00a0${number(-margin)}.`
    : ll < 0 ? `descent raises {l̂_i} with full force until the gap is {ξ}\u00a0=\u00a0${number(margin)}.`
    : ratio === 1 ? "the sign of a tie is 0, so nothing pushes, whatever the gap."
    : `the gap has the right sign and at least the size {ξ}\u00a0=\u00a0${number(margin)}, so nothing pushes.`;
  const share = ll === 0 ? "" : ` with ${number(100 * Math.abs(pp), 1)} % of that force`;
  const soft = Math.abs(pp) < 5e-5 ? "the gap says just what the true losses say, so nothing pushes."
    : `descent ${pp > 0 ? "lowers" : "raises"} {l̂_i}${share} until the gap is log({l_i}/{l_j})\u00a0=\u00a0${number(rest)}.`
      + (ll * pp < 0 ? " The two pull in opposite directions." : "");
  const difference = (value, share) => {
    const digits = Math.abs(value) < 0.1 ? 4 : 3;
    return `{q_i} − {p_i} = ${q.toFixed(digits)} − ${share.toFixed(digits)} = ${signed(value)}`;
  };
  const also = alpha === 1 ? "the same as LearningLoss++."
    : `it rests at {α} log({l_i}/{l_j})\u00a0=\u00a0${number(temperedRest)}.`;
  return [
    `True losses ${number(l_i)} and ${number(l_j)}: ${relation}.`,
    `<b class="ll">Learning Loss</b> has gradient ${signed(ll)}: ${hard}`,
    `<b class="pp">LearningLoss++</b> has gradient ${difference(pp, p)}: ${soft}`,
    `With the true losses to the power <b class="pp">{α}\u00a0=\u00a0${number(alpha)}</b> it has ` +
      `${difference(tempered, temperedP)}: ${also}`,
  ];
}

function render({ model, el }) {
  let now; // what is drawn: the state, and what follows from it
  let there = null; // where the pointer rests, as [gap, share]; null when it rests nowhere
  let sum; // of the true losses, held while dragging
  let request = 0;
  const onMove = {
    start() {
      onMove.over(null);
      sum = model.get("true_loss_i") + model.get("true_loss_j");
    },
    to(gap, share) {
      const values = { predicted_gap: Number(clamp(gap, GAP).toFixed(2)) };
      if (share !== null) {
        const low = Math.max(LOSS.min, sum - LOSS.max);
        values.true_loss_i = clamp(share * sum, { min: low, max: sum - low });
        values.true_loss_j = clamp(sum - values.true_loss_i, LOSS);
      }
      for (const [trait, value] of Object.entries(values)) model.set(trait, value);
      model.save_changes();
    },
    /** The pointer is over a gap and a true share, or over a gap alone, or (null) over neither. */
    over(place) {
      there = place;
      request ||= requestAnimationFrame(point);
    },
  };
  const maps = METHODS.map((method) => heatMap(method, onMove));
  const lines = curves(onMove);
  /** Show all there is at the pointer, and the state again when it has left. The state itself stays what it is. */
  function point() {
    request = 0;
    if (!now) return;
    const [gap, share] = there ?? [now.gap, null];
    const total = now.l_i + now.l_j;
    const pair = share === null ? {} : { true_loss_i: share * total, true_loss_j: (1 - share) * total };
    const read = there ? derive({ ...now, ...pair, predicted_gap: gap }) : now;
    maps.forEach((map) => map.point(read, there !== null));
    lines.point(read, there !== null);
  }
  const bar = html("div", { class: "bar" });
  bar.innerHTML = symbols(
    "<span>−1 : <span>descent</span> raises {l̂_i}</span><span>∂{L}/∂{l̂_i}</span>" +
    "<span><span>descent</span> lowers {l̂_i} : +1</span>");
  const all = {
    node: html("div", {}, html("div", { class: "maps" }, ...maps.map(({ node }) => node), bar), lines.node),
    resize: () => [...maps, lines].forEach((one) => one.resize()),
    draw(state, look) {
      now = state;
      maps.forEach((map) => map.draw(now, look.table("--scale")));
      point();
    },
  };
  return frame({ model, el }, {
    kind: "llpp-landscape", sliders: SLIDERS, presets: PRESETS, parts: [all], derive, sentences,
    stop: () => cancelAnimationFrame(request),
  });
}
