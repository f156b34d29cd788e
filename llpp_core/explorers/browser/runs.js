// RunsPlayer: the frame around the panels (runs_panels.js) and the curves (runs_curves.js); runs_numbers.js digests the
// record. What is pointed at is no trait: it follows the hand.

const TOP = 10; // how many samples "highest" means

function render({ model, el }) {
  let record = null, run = null;
  const runNow = () => {
    if (model.get("record") !== record) {
      record = model.get("record");
      run = digest(record);
    }
    return run;
  };
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const place = () => placeOf(runNow().epochs, model.get("epoch"));
  const toPlace = (n) => set({ epoch: runNow().epochs[clamp(n, { min: 0, max: runNow().epochs.length - 1 })] ?? 0 });
  const samples = () => model.get("marked").filter((n) => Number.isInteger(n) && n < runNow().ids.length);
  const marking = { get: samples, set: (list) => {
    if (String(list) !== String(model.get("marked"))) set({ marked: list });
  } };
  let pointed = null, draw = () => {};
  const pointing = { set(one) {
    if (one === pointed) return;
    pointed = one;
    draw();
  } };

  // The epochs are the record's, and grow while a training runs: the slider's ends follow them.
  const track = html("input", { type: "range", min: 0, step: 1, "aria-label": "epoch" });
  track.addEventListener("input", () => toPlace(Number(track.value)));
  const shown = html("output");
  const slide = html("label", { class: "slider" }, html("span", {}, "epoch"), shown, track);
  const play = player({
    rate: 6, labels: { step: "next epoch" },
    begin: () => { if (place() >= runNow().epochs.length - 1) toPlace(0); },
    step() {
      if (place() >= runNow().epochs.length - 1) return false;
      toPlace(place() + 1);
      return place() < runNow().epochs.length - 1;
    },
    restart: () => toPlace(0),
  });
  const highest = button(`mark the ${TOP} highest true losses`, () => {
    const { ids, truePlaces } = runNow();
    if (ids.length && truePlaces.length) set({ marked: top(truePlaces[place()]).sort((a, b) => a - b) });
  });
  const clear = button("clear marks", () => set({ marked: [] }));
  const steering = html("div", { class: "steering" }, slide, play.node, html("div", { class: "presets marks" }, highest, clear));

  const panels = html("div", { class: "panels" });
  const readout = html("p", { class: "readout" });
  const list = html("div", { class: "listed", role: "region", "aria-label": "marked samples", tabindex: 0 });
  const charts = [correlationCurves(toPlace), gradientCurves(toPlace)];
  let drawnRun = null, shownPanels = [], listed = null;
  const all = {
    node: html("div", {}, panels, readout, ...charts.map(({ node }) => node), list),
    resize() { [...shownPanels, ...charts].forEach((part) => part.resize()); },
    draw(now) {
      dress(track, { max: Math.max(now.run.epochs.length - 1, 0) }).value = Math.max(now.place, 0);
      const words = now.place < 0 ? "none yet" : `${now.run.epochs[now.place]} of ${now.run.epochs.at(-1)}`;
      shown.textContent = words;
      track.setAttribute("aria-valuetext", words);
      if (now.run !== drawnRun) {
        const names = (of) => of?.methods.map(({ name }) => name).join("\n");
        if (!drawnRun || names(now.run) !== names(drawnRun) || now.run.methods.length) {
          const focused = shownPanels.findIndex(({ node }) => node.contains(document.activeElement));
          shownPanels = now.place < 0 ? [] : now.run.methods.map((method) => scatter(method, marking, pointing));
          panels.replaceChildren(...shownPanels.map(({ node }) => node));
          panels.style.setProperty("--panels", Math.max(shownPanels.length, 1));
          shownPanels.forEach((part) => part.resize());
          if (focused >= 0) shownPanels[focused]?.node.querySelector(".cursor").focus({ preventScroll: true });
        }
        drawnRun = now.run;
        listed = null;
      }
      draw = () => {
        if (now.place < 0) return;
        shownPanels.forEach((part) => part.draw({ ...now, pointed }));
        readout.textContent = pointed === null || pointed >= now.run.ids.length ? "Point at a sample to see which one it is." : told(now, pointed);
      };
      draw();
      charts.forEach((part) => part.draw(now));
      const key = `${now.place}:${now.marked}`;
      if (listed !== key) list.replaceChildren(tableOf(now));
      listed = key;
    },
  };
  return frame({ model, el }, {
    kind: "llpp-runs", choices: [{ trait: "scale", text: "axis of the true loss", labels: { linear: "linear", log: "logarithmic" } }],
    parts: [all], more: [steering], stop: play.pause, sentences,
    derive: (state) => ({ run: runNow(), place: place(), marked: samples(), logarithmic: state.scale === "log" }),
  });
}

/** The samples of the highest places, as many as "highest" means. */
const top = (ranks) => ranks.map((_, n) => n).sort((a, b) => ranks[b] - ranks[a]).slice(0, TOP);

/** The place from above: 1 is the highest. */
const fromAbove = (ranks, one) => Math.round(ranks.length + 1 - ranks[one]);

function told({ run, place }, one) {
  const listed = run.methods.map(({ name, places }) => `${name} ${fromAbove(places[place], one)}`).join(", ");
  return `${run.ids[one]}: true loss ${number(run.true_loss[place][one])}, number ${fromAbove(run.truePlaces[place], one)} of ` +
    `${run.ids.length} from the highest; predicted as number ${listed}`;
}

/** Which samples are marked, the highest true loss first, and their places in the order of each prediction. */
function tableOf({ run, place, marked }) {
  if (place < 0 || !marked.length) {
    return html("p", { class: "hint" }, "No sample is marked. Drag over points, click one, or step to one with the arrow keys and press space.");
  }
  const cells = (tag, texts, attributes = {}) => texts.map((text) => html(tag, attributes, text));
  const rows = [...marked].sort((a, b) => run.truePlaces[place][b] - run.truePlaces[place][a]).map((one) =>
    html("tr", {}, ...cells("td", [run.ids[one], number(run.true_loss[place][one]),
      ...[run.truePlaces[place], ...run.methods.map(({ places }) => places[place])].map((ranks) => String(fromAbove(ranks, one)))])));
  const heads = html("tr", {}, ...cells("th", ["sample", "true loss", "place", ...run.methods.map(({ name }) => name)], { scope: "col" }));
  return html("table", {}, html("thead", {}, heads), html("tbody", {}, ...rows));
}

function sentences({ run, place, marked }) {
  if (place < 0) return ["No epoch is recorded yet: the first one appears when it ends."];
  const { epochs, pck, methods, ids } = run;
  const after = `After epoch ${epochs[place]} of ${epochs.at(-1)}`;
  const low = pck[place] < LOW_PCK ? " That is low: the correlations say little yet." : "";
  const accuracy = pck.length ? `${after} the pose model finds ${(100 * pck[place]).toFixed(0)} % of the joints (PCK@0.2).${low}` : `${after}.`;
  const ranks = methods.map(({ name, key, spearman }) => `<b class="${key}">${plain(name)}</b> ${coefficient(spearman[place])}`).join(", ");
  const among = new Set(marked);
  const share = methods.map(({ name, key, places }) =>
    `<b class="${key}">${plain(name)}</b> ${top(places[place]).filter((n) => among.has(n)).length}`).join(", ");
  return [
    accuracy, `Rank correlation with the true loss over ${ids.length} held-out samples: ${ranks}.`,
    marked.length ? `Of the ${marked.length} marked, so many are among the ${TOP} highest predictions: ${share}.` : "",
  ];
}
