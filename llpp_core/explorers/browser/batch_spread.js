// BatchLab: each sample's gradient, beside its mean and standard deviation over all ways to pair the batch.

const SPREAD = { left: 46, right: 8, top: 26, bottom: 26, height: 190 }; // pixels
const LIMITS = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1];

function batchSpread() {
  const drawn = svg("g");
  const picture = svg("svg", { role: "img", "aria-label": "gradient of each sample, its mean and deviation over pairings" }, drawn);
  const entries = [["now", "this scheme"], ["mean", "mean of pairings"], ["deviation", "deviation"]].map(([name, text]) => {
    const data = html("data", { class: name });
    return { name, data, node: html("div", {}, html("dt", {}, text), html("dd", {}, data)) };
  });
  const node = html("div", { class: "spread" },
    html("div", { class: "plot" }, picture),
    html("dl", { "aria-label": "lengths of the gradient" }, ...entries.map((entry) => entry.node)));
  let width;

  return {
    node,
    resize() {
      width = node.clientWidth;
      dress(picture, { width, height: SPREAD.height });
    },
    draw({ key, now, mean, deviation }) {
      const [right, bottom] = [width - SPREAD.right, SPREAD.height - SPREAD.bottom];
      const most = Math.max(...now.map(Math.abs), ...mean.map((value, n) => Math.abs(value) + deviation[n]));
      const limit = LIMITS.find((one) => one >= most) ?? 1;
      const y = (value) => SPREAD.top + ((limit - value) / (2 * limit)) * (bottom - SPREAD.top);
      const column = (right - SPREAD.left) / SAMPLES.length;
      const x = (n) => SPREAD.left + (n + 0.5) * column;
      const half = Math.min(10, 0.3 * column);
      drawn.replaceChildren(
        label("gradient ∂{L}/∂{l̂}", { class: "axis-title", x: 0, y: 14 }),
        ...[-limit, 0, limit].flatMap((at) => [
          svg("line", { class: at === 0 ? "grid zero" : "grid", x1: SPREAD.left, x2: right, y1: y(at), y2: y(at) }),
          label(signed(at).replace(/(\.\d*?)0+$/, "$1"), { class: "tick-label", x: SPREAD.left - 6, y: y(at) + 4, "text-anchor": "end" })]),
        ...SAMPLES.flatMap((sample, n) => [
          svg("rect", {
            class: `deviation ${key}`, x: x(n) - half, width: 2 * half,
            y: y(mean[n] + deviation[n]), height: Math.max(0, y(mean[n] - deviation[n]) - y(mean[n] + deviation[n])),
          }),
          svg("line", { class: `mean ${key}`, x1: x(n) - half, x2: x(n) + half, y1: y(mean[n]), y2: y(mean[n]) }),
          svg("circle", { class: "now", cx: x(n), cy: y(now[n]), r: 4.5 }),
          label(`{${sample}}`, { class: "sample", x: x(n), y: SPREAD.height - 6, "text-anchor": "middle" })]));
      const lengths = { now: size(now), mean: size(mean), deviation: size(deviation) };
      for (const { name, data } of entries) {
        data.value = lengths[name];
        data.textContent = number(lengths[name]);
      }
    },
  };
}
