// TurningWeight: all nine components as number fields, for exact values and the keyboard, and a table of results.
// VECTORS and METHODS are constants of turning.js, which is joined after this file.

/** A field for each component of each vector. Returns a part of the frame. */
function fields(move) {
  const inputs = VECTORS.map(({ trait, spoken }) => [0, 1, 2].map((n) => {
    const { min, max, step } = TRAITS[trait];
    const input = html("input", { type: "number", min, max, step, "aria-label": `${spoken}, component ${n + 1}` });
    input.addEventListener("input", () => {
      const value = input.valueAsNumber;
      if (value >= min && value <= max) move(trait, n, value); // half-typed numbers move nothing
    });
    return input;
  }));
  const rows = VECTORS.map(({ text }, row) => {
    const name = html("th", { scope: "row" });
    name.innerHTML = symbols(text);
    return html("tr", {}, name, ...inputs[row].map((input) => html("td", {}, input)));
  });
  const node = html("table", { class: "fields", "aria-label": "components of the vectors" },
    html("thead", {}, html("tr", {}, html("td"), ...["1", "2", "3"].map((n) => html("th", { scope: "col" }, n)))),
    html("tbody", {}, ...rows));
  return {
    node,
    draw: (now) => VECTORS.forEach(({ trait }, row) => inputs[row].forEach((input, n) => {
      // A field that is being typed into keeps what it says while that is half a number, or the same number.
      const typing = document.activeElement === input && Number.isNaN(input.valueAsNumber);
      if (!typing && input.valueAsNumber !== now[trait][n]) input.value = now[trait][n];
    })),
  };
}

/** Both objectives' numbers after the current step, a small table each. */
function results() {
  const rows = [
    ["{w}", "weights", ({ w }) => written(w), ({ w }) => w.join()],
    ["{l̂_i} = {θ_i}ᵀ{w}", "predicted-i", ({ predicted }) => plain(predicted[0]), ({ predicted }) => predicted[0]],
    ["{l̂_j} = {θ_j}ᵀ{w}", "predicted-j", ({ predicted }) => plain(predicted[1]), ({ predicted }) => predicted[1]],
    ["loss {L}", "loss", ({ loss }) => plain(loss), ({ loss }) => loss],
    ["gradient ∇<sub>w</sub>{L}", "gradient", ({ gradient }) => written(gradient), ({ gradient }) => gradient.join()],
  ];
  const cells = [];
  const tables = METHODS.map(({ key, name }) => html("table", {}, html("caption", { class: key }, name),
    html("tbody", {}, ...rows.map(([text, kind, shown, exact]) => {
      const heading = html("th", { scope: "row" });
      heading.innerHTML = symbols(text);
      const cell = html("data", { class: `${kind} ${key}` });
      cells.push({ cell, key, shown, exact });
      return html("tr", {}, heading, html("td", {}, cell));
    }))));
  return {
    node: html("div", { class: "results" }, ...tables),
    draw: (now) => cells.forEach(({ cell, key, shown, exact }) => {
      cell.textContent = shown(now[key]);
      cell.value = exact(now[key]);
    }),
  };
}
