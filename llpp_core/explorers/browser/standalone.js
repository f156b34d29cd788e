// Stands in for the kernel on a page without one: a model of a few lines, and the state in the page's address.
// `Explorer.html` appends this to an explorer's module. Modules run in document order, so the first host of its class
// that is not yet claimed is the one that this script stands in: no ids, and any number of explorers on a page.
{
  const host = document.querySelector(`.llpp-explorer[data-explorer="${EXPLORER.name}"]:not([data-ready])`);
  const state = JSON.parse(host.querySelector('script[type="application/json"]').textContent);
  const number = document.querySelectorAll(`.llpp-explorer[data-explorer="${EXPLORER.name}"][data-ready]`).length + 1;
  const anchor = EXPLORER.anchor + (number > 1 ? `-${number}` : "");
  const linked = Object.entries(TRAITS).filter(([, { kind }]) => kind !== "data").map(([name]) => name);

  /** The value that a link gives a trait, or undefined where it gives none that the trait could take. */
  function fromLink(name, text) {
    const { kind, min, max, values, count } = TRAITS[name];
    if (kind === "choice") return values.includes(text) ? text : undefined;
    const inside = (value) => Number.isFinite(value) && value >= min && value <= max;
    const numbers = text === "" ? [] : text.split(",").map((part) => part.trim() === "" ? NaN : Number(part));
    if (!numbers.every(inside)) return undefined;
    if (kind === "number") return numbers.length === 1 ? numbers[0] : undefined;
    return count === null || numbers.length === count ? numbers : undefined;
  }

  /** The part of the page's address that belongs to this explorer, as values of traits. */
  function fromAddress() {
    const [place, query = ""] = decodeURIComponent(location.hash.slice(1)).split("?");
    if (place !== anchor) return null;
    const given = [...new URLSearchParams(query)].filter(([name]) => linked.includes(name));
    return Object.fromEntries(given.map(([name, text]) => [name, fromLink(name, text)])
      .filter(([, value]) => value !== undefined));
  }

  const listeners = {};
  const model = {
    get: (name) => state[name],
    set(name, value) {
      if (Object.is(state[name], value)) return;
      state[name] = value;
      for (const listener of [...(listeners["change:" + name] ?? [])]) listener();
    },
    on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
    off: (event, listener) => listeners[event]?.delete(listener),
    save_changes() {},
    /** The address of this view, which the page then has. */
    link() {
      const query = new URLSearchParams(linked.map((name) => [name, String(state[name])]));
      history.replaceState(null, "", `#${anchor}?${query}`);
      return location.href;
    },
  };
  const original = { ...state };
  Object.assign(state, fromAddress() ?? {});
  model.original = (name) => original[name]; // what "reset" goes back to, whatever view a link opened
  render({ model, el: host.querySelector(".llpp-explorer-view") });
  host.dataset.ready = "true";
  if (fromAddress()) host.scrollIntoView();
  addEventListener("hashchange", () => {
    for (const [name, value] of Object.entries(fromAddress() ?? {})) model.set(name, value);
    if (fromAddress()) host.scrollIntoView();
  });
}
