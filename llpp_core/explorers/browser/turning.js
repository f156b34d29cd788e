// TurningWeight: descent on one pair under both objectives, each with weights of its own that start as the same w.
// Its mathematics are the generated functions at the top of the module; turning_view.js draws the vectors,
// turning_gap.js the predicted gap over the steps, turning_fields.js holds the numbers.

const STEPS = TRAITS.steps;
const VECTORS = [
  { trait: "theta_i", text: "{θ_i}", spoken: "theta i" },
  { trait: "theta_j", text: "{θ_j}", spoken: "theta j" },
  { trait: "weights", text: "{w}", spoken: "w" },
];
const METHODS = [
  {
    key: "ll", name: "Learning Loss", short: "LL", side: -1,
    loss: lossLearningLoss, gradient: [gradientLearningLoss1, gradientLearningLoss2, gradientLearningLoss3],
    settings: ({ true_loss_i, true_loss_j, margin }) => [true_loss_i, true_loss_j, margin],
    rest: restLearningLoss,
    restText: (rest, tie) => tie ? "LL never moves a tie" : `LL pushes up to ${rest < 0 ? "−" : ""}{ξ}`,
  },
  {
    key: "pp", name: "LearningLoss++", short: "LL++", side: 1,
    loss: lossLearningLossPP, gradient: [gradientLearningLossPP1, gradientLearningLossPP2, gradientLearningLossPP3],
    settings: ({ true_loss_i, true_loss_j }) => [true_loss_i, true_loss_j],
    rest: restLearningLossPP,
    restText: () => "LL++ rests at log({l_i}/{l_j})",
  },
];
const SLIDERS = [
  { trait: "true_loss_i", text: "true loss {l_i}", spoken: "true loss i" },
  { trait: "true_loss_j", text: "true loss {l_j}", spoken: "true loss j" },
  { trait: "margin", text: "margin {ξ} of Learning Loss", spoken: "margin of Learning Loss" },
  { trait: "learning_rate", text: "size {η} of a step", spoken: "learning rate" },
  { trait: "steps", text: "steps done", spoken: "steps done", digits: 0 },
];

/** A number without needless decimals, and a vector of such. */
const plain = (value) => number(value).replace(/\.00$/, "");
const written = (vector) => `(${vector.map(plain).join(", ")})`;

/** Every w of descent, from the start to the last step that can be shown, and what holds at the current one. */
function descend(method, state) {
  const { theta_i, theta_j, weights, learning_rate } = state;
  const given = [...method.settings(state), ...theta_i, ...theta_j];
  const gradientAt = (w) => method.gradient.map((component) => component(...given, ...w));
  const path = [weights];
  for (let n = 0; n < STEPS.max; n++) {
    const slope = gradientAt(path[n]);
    path.push(path[n].map((value, c) => value - learning_rate * slope[c]));
  }
  const gaps = path.map((w) => predictedLoss(...theta_i, ...w) - predictedLoss(...theta_j, ...w));
  const step = Math.round(state.steps);
  const w = path[step];
  return {
    path, gaps, w, gap: gaps[step], rest: method.rest(...method.settings(state)),
    predicted: [predictedLoss(...theta_i, ...w), predictedLoss(...theta_j, ...w)],
    loss: method.loss(...given, ...w), gradient: gradientAt(w),
  };
}

const derive = (state) => ({
  ...state, step: Math.round(state.steps),
  along: state.theta_i.map((value, n) => value - state.theta_j[n]),
  ...Object.fromEntries(METHODS.map((method) => [method.key, descend(method, state)])),
});

/** What the numbers mean: one line for the pair, one for each objective. */
function sentences(now) {
  const { ll, pp, along, true_loss_i: l_i, true_loss_j: l_j } = now;
  const same = along.every((value) => value === 0);
  const pair = same ? "The two embeddings are the same: no <i>w</i> can tell the two samples apart, and no gradient moves it."
    : `The embeddings differ by {θ_i} − {θ_j}\u00a0=\u00a0${written(along)}: <i>w</i> can turn along that, and along nothing else.`;
  const larger = l_i === l_j ? `True losses ${number(l_i)} twice, an exact tie.`
    : `Sample <i>${l_i > l_j ? "i" : "j"}</i> has the higher true loss${now.step ? "" : `, and sample <i>${
      ll.gap > 0 ? "i" : "j"}</i> ${ll.gap === 0 ? "no higher" : "the higher"} predicted one`}.`;
  const turns = (gap, rest) => `descent turns <i>w</i> ${gap > rest ? "against" : "towards"} {θ_i} − {θ_j}`;
  const hard = l_i === l_j ? "the sign of a tie is 0, so nothing turns."
    : ll.loss === 0 ? `the gap has the right sign and at least the size {ξ}\u00a0=\u00a0${number(now.margin)}, so <i>w</i> stays.`
    : same ? "nothing turns."
    : `${turns(ll.gap, ll.rest)} in equal steps until the gap is ${ll.rest < 0 ? "−" : ""}{ξ}\u00a0=\u00a0${number(ll.rest)}.`;
  const share = predictedShare(...pp.predicted) - trueShare(l_i, l_j);
  const soft = same ? "nothing turns." : Math.abs(share) < 5e-4 ? "the gap says just what the true losses say, so <i>w</i> rests."
    : `${turns(pp.gap, pp.rest)} until the gap is log({l_i}/{l_j})\u00a0=\u00a0${number(pp.rest)}.`;
  return [
    `${larger} ${pair}`,
    `<b class="ll">Learning Loss</b> has loss ${plain(ll.loss)} and gradient ${written(ll.gradient)}: ${hard}`,
    `<b class="pp">LearningLoss++</b> has gradient ({q_i} − {p_i})({θ_i} − {θ_j}) with {q_i} − {p_i}\u00a0=\u00a0${signed(share)}: ${soft}`,
  ];
}

function render({ model, el }) {
  const set = (trait, value) => {
    model.set(trait, value);
    model.save_changes();
  };
  const numbers = fields((trait, n, value) => set(trait, model.get(trait).with(n, value)));
  const { node, pause } = player({
    rate: 20,
    step() {
      // "play" at the end plays again from the start
      const next = model.get("steps") >= STEPS.max ? 0 : Math.round(model.get("steps")) + 1;
      set("steps", next);
      return next < STEPS.max;
    },
    restart: () => set("steps", 0),
  });
  const [over, table] = [gapOverSteps((step) => set("steps", step)), results()];
  return frame({ model, el }, {
    kind: "llpp-turning", sliders: SLIDERS, presets: PRESETS, derive, sentences, stop: pause, more: [node],
    parts: [view(set), over, numbers, table],
  });
}
