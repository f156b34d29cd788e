// Special functions of pairs of gamma-distributed losses, and the gamma fit: what no sympy expression prints as
// JavaScript. tests/book/explorers/test_special.py holds them against llpp_core.analysis.gamma_pairs over a grid.
//
// As there, every value is a mean of positive terms: an integral over the real line whose integrand is analytic in a
// strip and falls off exponentially, summed by the trapezoidal rule. `shape` is k, `scale` is Θ; gaps and losses are in
// the unit of the scale. Made for shapes from 0.1 to 100.

/** log Γ(x) for x > 0: Stirling's series, from where five terms of it are enough. */
function logGamma(x) {
  let product = 1;
  for (; x < 15; x++) product *= x;
  const y = 1 / (x * x);
  const series = 1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)));
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series / x - Math.log(product);
}

/** log k − ψ(k) and its derivative in k: ψ and ψ' are carried from k up to where their series hold. */
function logLessDigamma(k) {
  let sum = 0, squares = 0, x = k;
  for (; x < 15; x++) { sum += 1 / x; squares += 1 / (x * x); }
  const y = 1 / (x * x);
  const value = 0.5 / x + y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))));
  const trigamma = 1 / x + y * (0.5 + (1 / 6 - y * (1 / 30 - y * (1 / 42 - y * (1 / 30 - y * 5 / 66)))) / x);
  return [value + sum - (x > k ? Math.log(x / k) : 0), 1 / k - trigamma - squares];
}

/** The error function of x ≥ 0, as the series of positive terms. */
function erf(x) {
  if (x > 6) return 1; // within 3e-17
  let term = 1, sum = 1;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * x * Math.exp(-x * x) * sum;
}

/** The density of losses: x^(k−1) e^(−x/Θ) / (Γ(k) Θ^k) at each x ≥ 0. */
function gammaDensities(losses, shape, scale) {
  const constant = logGamma(shape);
  return losses.map((loss) => {
    const x = loss / scale;
    if (x === 0) return shape > 1 ? 0 : shape === 1 ? 1 / scale : Infinity;
    return Math.exp((shape - 1) * Math.log(x) - x - constant) / scale;
  });
}

/** P(|X − Y| ≤ δ) at each δ ≥ 0: the mean of erf(z / 2√G) over G ~ γ(k, 1), z = δ/Θ, summed over u = log G. */
function probabilitiesWithin(gaps, shape, scale) {
  const z = gaps.map((gap) => gap / scale);
  const { nodes, tail } = line(shape, Math.min(...z.filter((v) => v > 0), 1), 2, 8);
  const weights = nodes.map((u) => Math.exp(shape * (u - Math.log(shape)) - Math.exp(u) + shape));
  const halves = nodes.map((u) => 0.5 * Math.exp(-u / 2));
  weights[0] *= 1 + tail; // left of the first node erf is 1, and the weights are a geometric series
  const total = weights.reduce((sum, w) => sum + w, 0);
  return z.map((v) => {
    let sum = 0;
    for (let n = 0; n < nodes.length; n++) sum += weights[n] * erf(v * halves[n]);
    return Math.min(sum / total, 1);
  });
}

/** φ(δ) = E[X / (2X + δ) | Y − X = δ] at each δ ≥ 0: a ratio of two integrals over u = log x. */
function expectedShares(gaps, shape, scale) {
  const z = gaps.map((gap) => gap / scale);
  const { nodes, tail } = line(shape, Math.min(...z.filter((v) => v > 0), 1), 1, 4);
  const losses = nodes.map((u) => Math.exp(u));
  const weights = nodes.map((u, n) => Math.exp(shape * (u - Math.log(shape)) - 2 * losses[n] + shape));
  return z.map((v) => {
    if (v === 0) return shareAtZero(shape);
    let upper = 0, lower = 0;
    for (let n = 0; n < nodes.length; n++) {
      const x = losses[n];
      const weight = weights[n] * ((x + v) / (1 + v)) ** (shape - 1); // the unit 1 + v only keeps it in range
      upper += (weight * x) / (2 * x + v);
      lower += n === 0 ? weight * (1 + tail) : weight;
    }
    return Math.min(upper / lower, 0.5);
  });
}

/** The limit of φ as δ → 0: ½ [1 − √π Γ(1−k) / Γ(½−k)] for k < ½, otherwise ½. */
function shareAtZero(shape) {
  if (shape >= 0.5) return 0.5;
  return 0.5 * (1 - Math.sqrt(Math.PI) * Math.exp(logGamma(1 - shape) - logGamma(0.5 - shape)));
}

/** The density of X − Y at each gap: (z/2)^ν K_ν(z) / (√π Γ(k) Θ), ν = k − ½, with K's integral about its peak. */
function gapDensities(gaps, shape, scale) {
  const order = Math.abs(shape - 0.5);
  const constant = logGamma(shape) + 0.5 * Math.log(Math.PI) + Math.log(scale);
  return gaps.map((gap) => {
    const z = Math.abs(gap) / scale;
    if (z === 0) {
      return shape > 0.5 ? Math.exp(logGamma(shape - 0.5) - constant) / 2 : Infinity;
    }
    const size = Math.hypot(order, z);
    const peak = Math.asinh(order / z);
    const low = -Math.min(peak + Math.acosh(1 + 40 / z), order > 0 ? 1 + 40 / order : Infinity);
    const high = Math.acosh(1 + 40 / size);
    const count = Math.ceil(((high - low) / 0.3) * Math.sqrt(1 + size / 8));
    const step = (high - low) / count;
    let sum = 0;
    for (let n = 0; n <= count; n++) {
      const s = low + n * step;
      const half = Math.sinh(s / 2);
      sum += Math.exp(-2 * size * half * half - order * (Math.sinh(s) - s));
    }
    const logBessel = order * peak - size + Math.log(0.5 * step * sum);
    return Math.exp((shape - 0.5) * Math.log(z / 2) + logBessel - constant);
  });
}

/**
 * Nodes over u = log x for weights x^k e^(−x), and what the geometric series left of the first of them adds to its
 * weight. `power` and `curvature` say how the other factor moves with the smallest z and how narrow the product is.
 */
function line(shape, smallest, power, curvature) {
  const fall = 40; // nats: what is below e^−40 of the largest term does not count
  const step = 0.3 / Math.sqrt(1 + shape / curvature);
  const plain = Math.min(0, power * Math.log(smallest / 12)) - fall; // from here down the integrand is x^k
  const low = Math.max(plain, Math.log(shape / 2) - 1 - fall / shape - 10 / Math.sqrt(shape));
  const high = Math.log(shape + 12 * Math.sqrt(shape) + fall);
  const count = Math.ceil((high - low) / step);
  const nodes = Array.from({ length: count + 1 }, (_, n) => low + n * step);
  return { nodes, tail: 1 / Math.expm1(shape * step) };
}

/** The gamma distribution of maximum likelihood, { shape, scale }, of at least two different losses > 0. */
function fitGamma(losses) {
  const mean = losses.reduce((sum, loss) => sum + loss / losses.length, 0);
  // log(mean) − mean(log) as a mean of terms ≥ 0, which does not cancel where the losses are nearly alike
  const wanted = losses.reduce((sum, loss) => {
    const off = loss / mean - 1;
    return sum + (off > -0.5 ? off - Math.log1p(off) : off - Math.log(loss / mean));
  }, 0) / losses.length;
  let shape = (3 - wanted + Math.sqrt((wanted - 3) ** 2 + 24 * wanted)) / (12 * wanted);
  for (let n = 0; n < 8; n++) { // Newton on 1/k, which log k − ψ(k) is nearly linear in
    const [excess, slope] = logLessDigamma(shape);
    shape = 1 / (1 / shape - (wanted - excess) / (slope * shape * shape));
  }
  return { shape, scale: mean / shape };
}
