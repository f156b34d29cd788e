// Duel: what either objective does to one pair of samples. Training is gradient descent on the two predicted losses;
// all of it follows from where it starts, so that a change of anything shows in the whole course at once, and "play"
// only walks along it. The functions at the top of the module are generated; here is no formula of an objective.

const METHODS = [
  { key: "ll", name: "Learning Loss", loss: lossLL, gradients: [gradientLL_i, gradientLL_j], rest: restLL },
  { key: "pp", name: "LearningLoss++", loss: lossPP, gradients: [gradientPP_i, gradientPP_j], rest: restPP },
];
const END = TRAITS.step.max;
const CLOSE = 0.005; // LearningLoss++ approaches its rest without end: this near, both read the same
const SLIDERS = [
  { trait: "margin", text: "margin {ξ} of Learning Loss", spoken: "margin of Learning Loss" },
  { trait: "learning_rate", text: "learning rate: length of a step", spoken: "learning rate" },
];

/** An objective's whole course from the start, and where it is after `step` steps. */
function course({ key, loss, gradients, rest }, state, step) {
  const known = [state.true_loss_i, state.true_loss_j, state.margin];
  const path = [state.predicted_losses];
  while (path.length <= END) {
    const pair = path.at(-1);
    path.push(pair.map((value, n) => value - state.learning_rate * gradients[n](...pair, ...known)));
  }
  const goal = rest(...known);
  const gaps = path.map(([i, j]) => i - j);
  // Learning Loss stops where its hinge lets go, wherever its last step has brought it.
  const still = (at) => key === "ll" ? gradients[0](...path[at], ...known) === 0 : Math.abs(gaps[at] - goal) < CLOSE;
  let arrival = 0;
  while (arrival < END && !still(arrival)) arrival++;
  return {
    pair: path[step], gap: gaps[step], gaps, rest: goal, arrival, still: still(step),
    value: loss(...path[step], ...known), gradients: gradients.map((gradient) => gradient(...path[step], ...known)),
  };
}

const derive = (state) => {
  const step = Math.floor(state.step);
  const [ll, pp] = METHODS.map((method) => course(method, state, step));
  return { ...state, step, ll, pp, l_i: state.true_loss_i, l_j: state.true_loss_j, last: Math.max(ll.arrival, pp.arrival) };
};

/** A value of an objective: never less than 0, and small ones with two digits. */
function valueText(value) {
  if (value < 1e-6) return "0";
  return value < 0.1 ? String(Number(value.toPrecision(2))) : value.toFixed(3);
}

/** What the numbers mean, in words: the pair, and what each objective does to it. */
function sentences({ l_i, l_j, margin, learning_rate, step, ll, pp }) {
  const ratio = Math.max(l_i, l_j) / Math.min(l_i, l_j);
  const relation = ratio === 1 ? "an exact tie" : ratio < 1.1 ? "a near tie"
    : `${ratio < 3 ? "" : "far apart, "}${number(ratio, 1)}\u00a0to\u00a01`;
  const ways = ({ gradients }) => `{l̂_i} ${gradients[0] > 0 ? "down and {l̂_j} up" : "up and {l̂_j} down"}`;
  const numbers = ({ value, gradients: [i, j] }) => `value ${valueText(value)}, gradients ${signed(i)} and ${signed(j)}`;
  const goal = `${ll.rest < 0 ? "−" : ""}{ξ}\u00a0=\u00a0${number(ll.rest)}`;
  const over = Math.abs(ll.gap) - margin;
  const hard = ll.gradients[0] !== 0
    ? `pushes ${ways(ll)} with full force until the gap is ${goal}; now it is ${number(ll.gap)}.`
    : ratio === 1 ? `is at rest: the sign of a tie is 0, so nothing pushes, whatever the gap; it is ${number(ll.gap)}.`
    : over < CLOSE ? `is at rest: the gap is ${goal}.`
    : ll.arrival === 0 ? `is at rest: the gap ${number(ll.gap)} is beyond ${goal}, so nothing pushes.`
    : `is at rest: its last step, of ${number(2 * learning_rate)}, took the gap to ${number(ll.gap)}, beyond ${goal}, and `
      + "nothing pulls it back.";
  const said = `log({l_i}/{l_j})\u00a0=\u00a0${number(pp.rest)}`;
  const force = Math.abs(pp.gradients[0]);
  const soft = pp.still ? `is at rest: the gap ${number(pp.gap)} says what the true losses say, ${said}.`
    : `pushes ${ways(pp)} with ${number(100 * force, 1)} % of full force, ever less until the gap is ${said}; now it is `
      + `${number(pp.gap)}.` + (step === END ? " It needs more steps, or longer ones." : "");
  const when = step === 0 ? "Before training" : `After ${step} ${step === 1 ? "step" : "steps"}`;
  return [
    `True losses ${number(l_i)} and ${number(l_j)}: ${relation}. ${when}:`,
    `<b class="ll">Learning Loss</b> (${numbers(ll)}) ${hard}`,
    `<b class="pp">LearningLoss++</b> (${numbers(pp)}) ${soft}`,
  ];
}

function render({ model, el }) {
  const set = (values) => {
    for (const [trait, value] of Object.entries(values)) model.set(trait, value);
    model.save_changes();
  };
  const current = () => derive(Object.fromEntries(Object.keys(TRAITS).map((name) => [name, model.get(name)])));
  const move = (values) => { play.pause(); set(values); };
  const play = player({
    labels: { play: "let it train" },
    rate: 15,
    /** Later steps change less, so more of them are made at once; the axis of the trace is drawn that way, too. */
    step() {
      const { step, last } = current();
      const next = step >= last ? 0 : Math.min(last, step + Math.max(1, Math.floor(step / 12)));
      set({ step: next });
      return next < last;
    },
    single: () => set({ step: Math.min(END, Math.floor(model.get("step")) + 1) }),
    restart: () => set({ step: 0 }),
  });

  const logarithm = { ...TRAITS.true_loss_i, min: Math.log10(TRAITS.true_loss_i.min), max: Math.log10(TRAITS.true_loss_i.max) };
  const truth = pairView({
    kind: "true", title: "True losses", symbol: "l", ticks: TRUE_TICKS,
    rows: [["rest", "log({l_i}/{l_j})", (now) => now.pp.rest, (value) => number(value)]],
    place: (loss) => Math.log10(loss) * Math.LN10,
    values: ({ l_i, l_j }) => [l_i, l_j],
    marks: () => [],
    hint: "Drag any point up and down.",
    grip: {
      names: SAMPLES.map((sample) => `true loss ${sample}`), range: logarithm, toRange: Math.log10,
      fromUnits: (units) => units / Math.LN10,
      onMove: (which, at) => set({ [`true_loss_${SAMPLES[which]}`]: Number((10 ** at).toPrecision(3)) }),
    },
  });
  const centre = (TRAITS.predicted_losses.min + TRAITS.predicted_losses.max) / 2;
  const predictions = METHODS.map(({ key, name }) => pairView({
    kind: key, title: name, symbol: "l̂", ticks: PREDICTED_TICKS,
    rows: [
      ["gap", "gap", (now) => now[key].gap, (value) => number(value)],
      ["value", "{L}", (now) => now[key].value, valueText],
      ["gradient-i", "∂{L}/∂{l̂_i}", (now) => now[key].gradients[0], signed],
      ["gradient-j", "∂{L}/∂{l̂_j}", (now) => now[key].gradients[1], signed],
    ],
    place: (loss) => loss - centre,
    values: (now) => now[key].pair,
    marks: (now, columns, y) => pushesAndRest(key, now, columns, y),
    grip: {
      names: SAMPLES.map((sample) => `predicted loss ${sample} under ${name}`), toRange: (loss) => loss,
      // Training may bring a prediction beyond where a reader may put it.
      range: { ...TRAITS.predicted_losses, min: TRAITS.predicted_losses.min - 2, max: TRAITS.predicted_losses.max + 2 },
      fromUnits: (units) => units + centre,
      /** Whoever moves a prediction starts both objectives from this pair. */
      onMove(which, loss) {
        const pair = current()[key].pair.map((value, n) => n === which ? loss : Number(value.toFixed(3)));
        move({ predicted_losses: pair.map((value) => clamp(value, TRAITS.predicted_losses)), step: 0 });
      },
    },
  }));

  const views = [truth, ...predictions];
  const pairs = html("div", { class: "pairs" }, ...views.map(({ node }) => node));
  const pairsPart = {
    node: pairs,
    resize: () => views.forEach((view) => view.resize(pairs.clientWidth < 480 ? 44 : 50)),
    draw: (now) => views.forEach((view) => view.draw(now)),
  };
  return frame({ model, el }, {
    kind: "llpp-duel", sliders: SLIDERS, presets: PRESETS, fresh: { step: 0 },
    parts: [pairsPart, { node: play.node, draw: () => {} }, gapTrace((step) => move({ step }))],
    derive, sentences, stop: play.pause,
  });
}
