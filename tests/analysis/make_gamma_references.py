"""Makes gamma_references.csv: statistics of pairs of gamma losses to 20 digits, each by two unrelated formulas.

Run by hand (minutes on one core): `python tests/analysis/make_gamma_references.py`. X and Y are independent, gamma
distributed with shape k and scale 1; z is the gap. The columns, and what each is computed from:

- `within`, P(|X − Y| ≤ z), and `beyond`, 1 − P: the definition 1 − P = 2 E[Q(k, X + z)] by quadrature over log X,
  against the Bessel–Struve form z [K_ν(z) L_{ν−1}(z) + K_{ν−1}(z) L_ν(z)], ν = k − ½;
- `share`, φ(z) = E[X / (2X + z) | Y − X = z]: quadrature of the definition, against
  ½ [1 − ∫_z^∞ t^{−ν} K_ν(t) dt / (z^{−ν} K_ν(z))] with the integral as two power series;
- `density` of X − Y at z: quadrature of the definition, against z^ν K_ν(z) / (√π Γ(k) 2^ν).

Quadrature: the trapezoidal rule in s = log x. The integrands are analytic for |Im s| < π/2 and die out at both ends,
so the error falls like exp(−π²/h) with the step h.

The paper: Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370, Eq. 5, 6 and Tables 1, 2.
"""

import random
from pathlib import Path

import mpmath as mp

PATH = Path(__file__).with_name("gamma_references.csv")
COLUMNS = ("shape", "gap", "within", "beyond", "share", "density")
DIGITS = 20  # stored
SHAPES = (0.1, 0.25, 0.4, 0.5 - 1e-6, 0.5, 0.5 + 1e-6, 1.0, 1.5, 2.0, 2.3, 4.0, 7.9, 10.5, 30.0, 63.7, 99.5, 100.0)
GAPS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 1.0, 2.0, 3.5, 6.0, 10.0, 15.0, 22.0, 35.0, 60.0)
GAPS += (100.0, 150.0, 250.0, 400.0, 500.0)
SCATTERED = 80  # further points, log-uniform over the same rectangle


def by_quadrature(shape: float, gap: float, *, steps: int = 8, digits: int = 30) -> dict[str, mp.mpf]:
    """The four numbers from their definitions; `steps` is the number of steps of s = log x in a unit of s."""
    with mp.workdps(digits + 15):
        k, z = mp.mpf(shape), mp.mpf(gap)
        h = 1 / (steps * max(mp.mpf(1), mp.sqrt(k)))
        lowest = min(mp.mpf(0), mp.log(z)) - digits * mp.log(10) / k  # below, x^k is negligible
        highest = mp.log(k + 15 * mp.sqrt(k) + 100)  # above, e^{−x} x^k is
        mass = weighted = beyond = mp.mpf(0)
        for i in range(int(mp.floor(lowest / h)), int(mp.ceil(highest / h)) + 1):
            x = mp.exp(i * h)
            one = x**k * mp.exp(-x)  # density of X in log x, times Γ(k)
            both = one * (x + z) ** (k - 1) * mp.exp(-x - z)
            mass += both
            weighted += both * x / (2 * x + z)
            beyond += one * mp.gammainc(k, x + z, mp.inf, regularized=True)
        beyond *= 2 * h / mp.gamma(k)
        return {
            "within": 1 - beyond,
            "beyond": beyond,
            "share": weighted / mass,
            "density": mass * h / mp.gamma(k) ** 2,
        }


def tail_of_power_times_bessel(order: mp.mpf, z: mp.mpf) -> mp.mpf:
    """∫_z^∞ t^{−ν} K_ν(t) dt: its value from 0 to ∞ by continuation, less the two series of K_ν from 0 to z."""
    a, b = 2**order / mp.gamma(1 - order), 2**-order / mp.gamma(1 + order)
    a, b = a * z ** (1 - 2 * order), b * z
    upper = lower = mp.mpf(0)
    m = 0
    while m < z or max(abs(a), abs(b)) > mp.eps * abs(upper):
        upper += a / (2 * m + 1 - 2 * order)
        lower += b / (2 * m + 1)
        m += 1
        a *= z * z / (4 * m * (m - order))
        b *= z * z / (4 * m * (m + order))
    whole = mp.sqrt(mp.pi) * 2 ** (-order - 1) * mp.gamma(mp.mpf(1) / 2 - order)
    return whole - mp.pi / (2 * mp.sinpi(order)) * (upper - lower)


def by_closed_form(shape: float, gap: float, *, digits: int = 30) -> dict[str, mp.mpf]:
    """The same from Bessel and Struve functions.

    Half-integer shapes are limits of the series, so ν moves by 1e-60; digits enough to survive that and
    the cancellation of two numbers of size e^z.
    """
    with mp.workdps(int(digits + 200 + 0.9 * gap)):
        k, z = mp.mpf(shape) + mp.mpf(10) ** -60, mp.mpf(gap)
        nu = k - mp.mpf(1) / 2
        bessel = mp.besselk(nu, z)
        within = z * (bessel * mp.struvel(nu - 1, z) + mp.besselk(nu - 1, z) * mp.struvel(nu, z))
        return {
            "within": within,
            "beyond": 1 - within,
            "share": (1 - tail_of_power_times_bessel(nu, z) / (z**-nu * bessel)) / 2,
            "density": z**nu * bessel / (mp.sqrt(mp.pi) * mp.gamma(k) * 2**nu),
        }


def points() -> list[tuple[float, float]]:
    """The grid and the scattered points, ordered by shape and gap."""
    draw = random.Random(0).uniform
    scattered = [(round(10 ** draw(-1, 2), 4), float(f"{10 ** draw(-6, 2.69):.5g}")) for _ in range(SCATTERED)]
    return sorted([(k, z) for k in SHAPES for z in GAPS] + scattered)


def main() -> None:
    """Write the table; stop where the two formulas differ."""
    mp.mp.dps = DIGITS + 10
    lines = [",".join(COLUMNS)]
    largest = mp.mpf(0)
    for shape, gap in points():
        first, second = by_quadrature(shape, gap), by_closed_form(shape, gap)
        for name, value in first.items():
            difference = abs(value / second[name] - 1)
            largest = max(largest, difference)
            if difference > mp.mpf(10) ** -(DIGITS + 1):
                raise ArithmeticError(f"{name} at shape {shape}, gap {gap}: the formulas differ by {difference}")
        lines.append(",".join([repr(shape), repr(gap), *(mp.nstr(first[name], DIGITS) for name in COLUMNS[2:])]))
    PATH.write_text("\n".join(lines) + "\n")
    print(f"{len(lines) - 1} rows; the two formulas differ by {mp.nstr(largest, 2)} at most")


if __name__ == "__main__":
    main()
