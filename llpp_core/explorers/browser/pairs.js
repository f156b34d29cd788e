// PairsTooClose: what is computed at a redraw, and what is said of it. The special functions are special.js's, the
// true share and the expected push are generated; pairs_plot.js, pairs_drawings.js and pairs_losses.js do the rest.

const CURVE = Array.from({ length: 121 }, (_, n) => (n / 120) ** 2); // dense at 0, where shapes below 1 are steep

const SLIDERS = [
  { trait: "shape", text: "shape {k}", spoken: "shape k", format: plain },
  { trait: "scale", text: "scale {Θ}", spoken: "scale Θ", format: plain },
  { trait: "loss_gap", text: "gap {δ}", spoken: "gap δ", format: plain },
];

function derive(state) {
  const { shape, scale, loss_gap, losses } = state;
  const mean = shape * scale;
  const x = state.smaller_loss * mean;
  const spread = Math.sqrt(2 * shape) * scale; // of the gap between two losses
  const lossEnd = mean + 3.2 * spread, gapEnd = 3 * spread;
  const lossReach = Math.max(lossEnd, 1.05 * (x + loss_gap)), gapReach = Math.max(gapEnd, 1.1 * loss_gap);
  const xs = CURVE.map((at) => at * lossReach);
  const ys = gammaDensities(xs, shape, scale);
  const gaps = CURVE.map((at) => at * gapReach);
  const gapDensity = gapDensities([...gaps, loss_gap], shape, scale);
  const atGap = gapDensity.pop();
  const within = probabilitiesWithin([...gaps, loss_gap], shape, scale);
  const P = within.pop();
  const shares = expectedShares([...gaps, loss_gap], shape, scale);
  const phi = shares.pop();
  const highest = (values) => Math.max(...values.filter((_, n) => CURVE[n] >= 0.02));
  const bars = losses.length ? sample(losses) : null;
  const now = {
    ...state, mean, x, lossEnd, lossReach, gapEnd, gapReach, density: { xs, ys }, gaps, gapDensity, atGap, within, P,
    shares, phi, bars, step: Number((gapEnd / 200).toPrecision(1)), push: expectedPush(state.predicted_share, phi),
    lossTop: 1.15 * Math.max(highest(ys), ...(bars ? bars.heights : [])), gapTop: 1.15 * highest(gapDensity),
    pairShare: trueShare(x, x + loss_gap),
  };
  // The paper prints its tables for k = 4: beside that shape, and those that round to it, they can be compared.
  if (Math.round(shape) === PAPER.shape) {
    now.hits = [probabilitiesWithin, expectedShares].map((values, n) =>
      values(TABLES[n].gaps, shape, scale).map((value, row) =>
        Math.abs(value - TABLES[n].values[row]) <= TABLES[n].halfUnit + 1e-12));
  }
  if (bars) {
    now.pairs = (losses.length * (losses.length - 1)) / 2;
    now.counted = pairsWithin(bars.ordered, loss_gap);
  }
  return now;
}

function sentences(now) {
  const { P, phi, push, x, loss_gap, pairShare, hits, losses } = now;
  const gap = `{δ}\u00a0=\u00a0${plain(loss_gap)}`;
  const lines = [
    `<b class="ll">${percent(P)}</b> of all pairs have losses within ${gap} of each other. ` +
      "<b class=\"ll\">Learning Loss</b> pushes each of them with full force inside its margin.",
    `In pairs with just that gap, the smaller loss has on average the share {φ}\u00a0=\u00a0${fourDigits(phi)}: ` +
      `<b class="pp">LearningLoss++</b> pushes with {q_i}\u00a0−\u00a0{φ}\u00a0=\u00a0${push4(push)} on average. ` +
      `The pair that is marked, ${plain(x)} and ${plain(x + loss_gap)}, has the share ${fourDigits(pairShare)}.`,
  ];
  if (hits) {
    const [first, second] = hits.map((row) => `${row.filter(Boolean).length} of ${row.length}`);
    lines.push("Rings: what the paper prints, full where the curve rounds to it: " +
      `${first} numbers of Table 1, ${second} of Table 2.`);
  } else {
    lines.push("The paper prints its two tables for {k}\u00a0=\u00a04 alone.");
  }
  if (losses.length) {
    lines.push(`<b>Your losses:</b> ${percent(now.counted / now.pairs)} of their pairs are within {δ}, counted: ` +
      `${now.counted.toLocaleString("en")} of ${now.pairs.toLocaleString("en")}. By the curve it is ${percent(P)}.`);
  }
  return lines;
}

function render({ model, el }) {
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const box = lossBox((losses) => {
    const { fit } = sample(losses);
    const values = { shape: clamp(fit.shape, TRAITS.shape), scale: clamp(fit.scale, TRAITS.scale) };
    const fits = values.shape === fit.shape && values.scale === fit.scale;
    let said = `fit k = ${plain(fit.shape)}, Θ = ${plain(fit.scale)}.`;
    if (!fits) said += " That lies beyond the ends of the sliders, so the curves are not the fit.";
    const spread = Math.sqrt(2 * values.shape) * values.scale;
    const gap = model.get("loss_gap");
    if (gap < 0.01 * spread || gap > 3 * spread) {
      values.loss_gap = clamp(Number((spread / 2).toPrecision(2)), TRAITS.loss_gap);
      said += ` δ is now ${plain(values.loss_gap)}, to suit them.`;
    }
    set({ losses, ...values });
    return said;
  });
  const drawings = [lossDrawing, gapDrawing, probabilityDrawing, shareDrawing].map((make) => make(set));
  const all = {
    node: html("div", { class: "plots" }, ...drawings.map(({ drawing }) => drawing.node)),
    resize: () => drawings.forEach(({ drawing }) => drawing.resize()),
    draw(now) {
      drawings.forEach((one) => one.draw(now));
      all.node.closest(".llpp-pairs").classList.toggle("with-losses", Boolean(now.bars)); // a sentence more
      box.draw(now.losses);
    },
  };
  return frame({ model, el }, {
    kind: "llpp-pairs", sliders: SLIDERS, presets: PRESETS, parts: [all], derive, sentences, more: [box.node], brought: ["losses"],
  });
}
