// The frame that every explorer stands in: controls, drawings, and words that say the current state. It redraws once a
// frame when a trait changes, follows the theme and the width, and cleans up when a notebook takes the widget away.

/**
 * Put an explorer into `el` and return the way to take it away again, as anywidget wants it.
 *
 * - `kind`: class of its root, for its own styles.
 * - `sliders`: [{ trait, text, spoken }]; `choices`: [{ trait, text, labels }]; see controls.js.
 * - `presets`: { name: { trait: value } }; a button each, and one for "reset". `fresh`: values that a preset sets, too,
 *   and that may move on while it is the one in use (a step of training).
 * - `parts`: [{ node, resize(), draw(now, look) }]; `resize` is optional and comes first. `look.table(variable)` is a
 *   colour table made of a CSS variable, another array when the theme has changed.
 * - `derive(state)`: what the parts and the words need, computed once a redraw from the values of all traits.
 * - `sentences(now)`: lines of text, with "{l̂_i}" for symbols and HTML where it helps.
 * - `more`: further nodes below the sliders (a player); `stop`: called when the explorer is taken away.
 * - `brought`: data that the reader brings, which "reset" takes away again; it leaves data that a kernel sends.
 */
function frame({ model, el }, {
  kind, sliders = [], choices = [], presets = {}, fresh = {}, parts, derive, sentences, more = [], stop = () => {},
  brought = [],
}) {
  const names = Object.keys(TRAITS);
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const initial = read();
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const views = names.filter((name) => TRAITS[name].kind !== "data" || brought.includes(name));
  const original = () => Object.fromEntries(views.map((n) => [n, model.original ? model.original(n) : initial[n]]));
  const inputs = [
    ...sliders.map((options) => ({ trait: options.trait, ...slider({ ...options, onInput: change(options.trait) }) })),
    ...choices.map((options) => ({ trait: options.trait, ...choice({ ...options, onInput: change(options.trait) }) })),
  ];
  function change(trait) { return (value) => set({ [trait]: value }); }

  const pressed = Object.entries(presets).map(([name, values]) => ({ values, node: button(name, () => set({ ...values, ...fresh })) }));
  const tools = [button("reset", () => set(original()))];
  if (model.link) {
    const share = button("link to this view", async () => {
      const address = model.link();
      // Not every page may write to the clipboard; the address bar has the link then.
      await navigator.clipboard?.writeText(address).catch(() => {});
      share.textContent = "link is in the address bar";
      setTimeout(() => { share.textContent = "link to this view"; }, 2000);
    });
    tools.push(share);
  }
  const words = html("p", { class: "words", "aria-live": "polite" });
  const root = html("div", { class: `llpp-frame ${kind}`, role: "group", "aria-label": EXPLORER.title },
    html("div", { class: "layout" },
      html("div", { class: "controls" },
        html("div", { class: "presets" }, ...pressed.map(({ node }) => node), ...tools),
        html("div", { class: "sliders" }, ...inputs.map(({ node }) => node)), ...more),
      html("div", { class: "drawings" }, ...parts.map(({ node }) => node)),
      words));
  el.replaceChildren(root);

  let ready = false; // until the widget has a place on the page: JupyterLab renders before it attaches
  let request = 0, settled = 0;
  let tables = {};
  const look = { table: (variable) => (tables[variable] ??= colourTable(root, variable)) };
  const same = (one, other) => one === other || (Array.isArray(one) && String(one) === String(other));
  const draw = () => {
    request = 0;
    if (!ready) return;
    const state = read();
    const now = derive(state);
    inputs.forEach(({ trait, update }) => update(state[trait]));
    pressed.forEach(({ node, values }) => node.setAttribute("aria-pressed",
      String(Object.entries(values).every(([name, value]) => same(state[name], value)))));
    parts.forEach((part) => part.draw(now, look));
    words.innerHTML = sentences(now).map((line) => `<span>${symbols(line)}</span>`).join(" ");
    // A screen reader hears the sentences once the reader's hand rests, not at every step of a slider.
    words.setAttribute("aria-busy", "true");
    clearTimeout(settled);
    settled = setTimeout(() => words.removeAttribute("aria-busy"), 400);
  };
  const schedule = () => { request ||= requestAnimationFrame(draw); };
  const resize = () => {
    if (root.clientWidth === 0) return; // hidden, in a closed <details> for instance
    ready = true;
    parts.forEach((part) => part.resize?.());
    draw();
  };
  const size = new ResizeObserver(resize);
  size.observe(root);
  const unwatch = watchTheme(() => { tables = {}; schedule(); });
  names.forEach((name) => model.on(`change:${name}`, schedule));
  resize(); // at once where it already has its place, so that the page does not move when it arrives
  return () => {
    stop();
    size.disconnect();
    unwatch();
    names.forEach((name) => model.off(`change:${name}`, schedule));
    cancelAnimationFrame(request);
    clearTimeout(settled);
  };
}
