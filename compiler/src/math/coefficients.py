"""Prints coefficients.rs: the constants and minimax polynomials of the library functions.

    pip install mpmath
    python3 coefficients.py > coefficients.rs

Every polynomial is found by the Remez exchange algorithm on a dense grid, in 50-digit arithmetic. Its coefficients
are then rounded to the format, all at once or one by one, lowest first, with the rest fitted again to what is left:
whichever is better. The degree is the least that reaches the wanted error, which is measured relative to the function
that the polynomial serves.
"""

import struct

from mpmath import mp, mpf

mp.dps = 50
GRID = 600
FORMATS = {"f32": (24, -27.2), "f64": (53, -56.5)}


def rounded(value, digits):
    """value to `digits` significant bits, ties to even."""
    if value == 0:
        return mpf(0)
    exponent = int(mp.floor(mp.log(abs(value), 2))) + 1 - digits
    return mpf(int(mp.nint(mp.ldexp(value, -exponent)))) * mpf(2) ** exponent


def grid(low, high):
    """Points dense near both ends, as the extrema of a minimax error are; none of them is zero."""
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle - half * mp.cos(mp.pi * i / GRID) for i in range(GRID + 1)]
    return [x if x != 0 else half / (4 * GRID) for x in points]


def solve(points, target, weight, powers):
    """The coefficients of `powers` and the levelled error on the reference `points`."""
    size = len(powers) + 1
    matrix, right = mp.matrix(size, size), mp.matrix(size, 1)
    for row, (x, y, w) in enumerate(zip(points, target, weight)):
        for column, power in enumerate(powers):
            matrix[row, column] = w * x**power
        matrix[row, size - 1] = mpf(-1) ** row
        right[row] = w * y
    solution = mp.lu_solve(matrix, right)
    return [solution[i] for i in range(size - 1)], abs(solution[size - 1])


def evaluate(coefficients, powers, x):
    return mp.fsum(c * x**p for c, p in zip(coefficients, powers))


def extrema(errors, count):
    """Indices of `count` alternating extrema of `errors`, the greatest where there are more."""
    runs = []
    for index, error in enumerate(errors):
        if runs and (errors[runs[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[runs[-1]]):
                runs[-1] = index
        else:
            runs.append(index)
    while len(runs) > count:
        runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
    return runs if len(runs) == count else None


def remez(points, target, weight, powers):
    """The weighted minimax polynomial on a grid: its coefficients and its greatest error."""
    count = len(powers) + 1
    chosen = [round(GRID * (1 - mp.cos(mp.pi * (2 * i + 1) / (2 * count))) / 2) for i in range(count)]
    best = None
    for _ in range(12):
        reference = ([values[i] for i in chosen] for values in (points, target, weight))
        coefficients, level = solve(*reference, powers)
        errors = [w * (evaluate(coefficients, powers, x) - y) for x, y, w in zip(points, target, weight)]
        worst = max(abs(e) for e in errors)
        if best is None or worst < best[1]:
            best = coefficients, worst
        chosen = extrema(errors, count)
        if chosen is None or worst < level * mpf("1.01"):
            break
    return best


def worst(coefficients, points, target, weight):
    powers = range(len(coefficients))
    return max(abs(w * (evaluate(coefficients, powers, x) - y)) for x, y, w in zip(points, target, weight))


def fit(function, weight, low, high, digits, wanted):
    """Coefficients of `function` on [low, high], lowest first, rounded to `digits` bits, and the error's logarithm."""
    points = grid(mpf(low), mpf(high))
    target, weights = [function(x) for x in points], [weight(x) for x in points]
    degree = 1
    while remez(points, target, weights, list(range(degree + 1)))[1] > mpf(2) ** wanted:
        degree += 1
    plain = [rounded(c, digits) for c in remez(points, target, weights, list(range(degree + 1)))[0]]
    refitted, rest = [], list(target)
    for power in range(degree + 1):
        coefficients, _ = remez(points, rest, weights, list(range(power, degree + 1)))
        refitted.append(rounded(coefficients[0], digits))
        rest = [y - refitted[-1] * x**power for x, y in zip(points, rest)]
    error, best = min((worst(c, points, target, weights), c) for c in (plain, refitted))
    return best, mp.log(error, 2)


def constant(name, doc, values):
    print(f"/// {doc}")
    pair = ", ".join(f"{bits}: {literal(values[bits], bits)}" for bits in FORMATS)
    print(f"pub(super) const {name}: Constant = Constant {{ {pair} }};")


def single(name, doc, value):
    constant(name, doc, {bits: rounded(value, digits) for bits, (digits, _) in FORMATS.items()})


def split(name, doc, value, parts=("HIGH", "LOW"), trim=None):
    """A constant as a sum of parts, each rounded from what is left; the first to `trim` bits, if given."""
    rest = {bits: value for bits in FORMATS}
    for index, part in enumerate(parts):
        width = {bits: trim[bits] if trim and index == 0 else FORMATS[bits][0] for bits in FORMATS}
        values = {bits: rounded(rest[bits], width[bits]) for bits in FORMATS}
        constant(f"{name}_{part}", doc if index == 0 else "What the constant above lacks.", values)
        rest = {bits: rest[bits] - values[bits] for bits in FORMATS}


def polynomial(name, doc, function, weight, low, high, formats=FORMATS):
    """`high` is one end of the interval for both formats, or one for each."""
    highs = high if isinstance(high, dict) else {bits: high for bits in FORMATS}
    fits = {bits: fit(function, weight, low, highs[bits], *formats[bits]) for bits in FORMATS}
    print(f"\n/// {doc}")
    print(f"/// Errors: {', '.join(f'2^{float(fits[bits][1]):.1f} as {bits}' for bits in FORMATS)}.")
    print(f"pub(super) const {name}: Polynomial = Polynomial {{")
    for bits in FORMATS:
        print(f"    {bits}: &[")
        for coefficient in fits[bits][0]:
            print(f"        {literal(coefficient, bits)},")
        print("    ],")
    print("};")


def literal(value, bits):
    """The shortest decimal that reads back as `value`."""
    if bits == "f64":
        return repr(float(value))
    for precision in range(1, 12):
        text = f"{float(value):.{precision}g}"
        if struct.pack("f", float(text)) == struct.pack("f", float(value)):
            return repr(float(text))
    raise ValueError(value)


def even(function, series):
    """`function` of the square root, as a function of the square; by its Taylor series near zero."""
    return near_zero(lambda z: function(mp.sqrt(z)), series)


def near_zero(function, series):
    """`function`, by its Taylor series where cancellation would spoil it."""
    def value(x):
        if abs(x) < mpf(10) ** -6:
            return mp.fsum(c * x**k for k, c in enumerate(series))
        with mp.workdps(90):
            return +function(x)
    return value


def reciprocal_factorial(k):
    return 1 / mp.factorial(k)


def constants():
    trim = {"f32": 15, "f64": 42}
    single("LOG2_E", "log2(e).", 1 / mp.log(2))
    single("LOG2_10", "log2(10).", mp.log(10, 2))
    split("LN_2", "ln 2.", mp.log(2))
    split("LOG10_2", "log10(2).", mp.log10(2))
    split("LN_2_TRIMMED", "ln 2, so short that its product with an exponent is exact.", mp.log(2), trim=trim)
    split("LOG10_2_TRIMMED", "log10(2), so short that its product with an exponent is exact.", mp.log10(2), trim=trim)
    split("LOG2_OF_E", "log2(e).", 1 / mp.log(2))
    split("LOG10_OF_E", "log10(e).", 1 / mp.log(10))
    single("THIRD", "1/3.", mpf(1) / 3)
    split("TWICE_LOG2_E", "2 log2(e).", 2 / mp.log(2))
    split("TWO_THIRDS_LOG2_E", "2/3 log2(e).", 2 / (3 * mp.log(2)))
    single("FRAC_2_PI", "2/pi.", 2 / mp.pi)
    split("FRAC_PI_2", "pi/2.", mp.pi / 2, parts=("HIGH", "MIDDLE", "LOW"))
    for power in (1, 2):
        single(f"RCBRT_{2**power}", f"1 / cbrt({2**power}).", mpf(2) ** (-mpf(power) / 3))
    with mp.workdps(450):
        words = int(mp.floor(mp.ldexp(2 / mp.pi, 64 * 20)))
    print("/// The binary digits of 2/pi behind the point, most significant word first.")
    print("pub(super) const TWO_OVER_PI: [u64; 20] = [")
    for index in reversed(range(20)):
        print(f"    0x{words >> (64 * index) & (2**64 - 1):016x},")
    print("];")


def exponentials():
    half = mp.log(2) / 2 * mpf("1.0001")
    polynomial("EXP", "`(e^r - 1 - r) / r^2` for |r| to ln 2 / 2.",
               near_zero(lambda r: (mp.exp(r) - 1 - r) / r**2, [reciprocal_factorial(k + 2) for k in range(9)]),
               lambda r: r**2 / mp.exp(r), -half, half)
    for name, base, half in (("EXP2", 2, mpf(1) / 2), ("EXP10", 10, mp.log10(2) / 2 * mpf("1.0001"))):
        series = [mp.log(base) ** (k + 1) * reciprocal_factorial(k + 1) for k in range(9)]
        polynomial(name, f"`({base}^r - 1) / r` for |r| to {mp.nstr(half, 4)}.",
                   near_zero(lambda r: (mpf(base) ** r - 1) / r, series), lambda r: r / mpf(base) ** r, -half, half)
    polynomial("SINH", "`(sinh x - x) / x^3` as a function of `x^2` to 1.",
               even(lambda x: (mp.sinh(x) - x) / x**3, [reciprocal_factorial(2 * k + 3) for k in range(9)]),
               lambda z: z, 0, 1)
    series = [mpf(-1) / 3, mpf(2) / 15, mpf(-17) / 315, mpf(62) / 2835]
    polynomial("TANH", "`(tanh x - x) / x^3` as a function of `x^2`, for |x| to 0.625.",
               even(lambda x: (mp.tanh(x) - x) / x**3, series), lambda z: z, 0, mpf("0.625") ** 2 * mpf("1.0001"))


def logarithms():
    edge = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mpf("1.0001")
    polynomial("LOG", "`(2 atanh(s) / s - 2) / s^2` as a function of `s^2`, for |s| to 0.1716.",
               even(lambda s: (2 * mp.atanh(s) / s - 2) / s**2, [mpf(2) / (2 * k + 3) for k in range(9)]),
               lambda z: z / 2, 0, edge)
    twice = 2 / mp.log(2)
    polynomial("LOG2_TAIL",
               "`2 log2(e) (atanh(s) / s - 1 - s^2 / 3) / s^4` as a function of `s^2`, for |s| to 0.1716.",
               even(lambda s: twice * (mp.atanh(s) / s - 1 - s**2 / 3) / s**4,
                    [twice / (2 * k + 5) for k in range(9)]),
               lambda z: z**2, 0, edge, {"f32": (24, -35), "f64": (53, -67)})


def trigonometric():
    edge = mpf("0.8") ** 2
    polynomial("SIN", "`(sin r - r) / r^3` as a function of `r^2`, for |r| to 0.8.",
               even(lambda r: (mp.sin(r) - r) / r**3,
                    [(-1) ** (k + 1) * reciprocal_factorial(2 * k + 3) for k in range(9)]),
               lambda z: z, 0, edge)
    polynomial("COS", "`(cos r - 1 + r^2 / 2) / r^4` as a function of `r^2`, for |r| to 0.8.",
               even(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4,
                    [(-1) ** k * reciprocal_factorial(2 * k + 4) for k in range(9)]),
               lambda z: z**2, 0, edge)
    polynomial("ATAN", "`(atan q - q) / q^3` as a function of `q^2`, for |q| to sqrt 2 - 1.",
               even(lambda q: (mp.atan(q) - q) / q**3, [mpf((-1) ** (k + 1)) / (2 * k + 3) for k in range(9)]),
               lambda z: z, 0, (mp.sqrt(2) - 1) ** 2 * mpf("1.0001"))
    series = [mp.binomial(2 * k, k) / mpf(4) ** k / (2 * k + 1) for k in range(1, 10)]
    polynomial("ASIN", "`(asin x - x) / x^3` as a function of `x^2`, for |x| to 1/2.",
               even(lambda x: (mp.asin(x) - x) / x**3, series), lambda z: z, 0, 0.25)


def error_functions():
    scale = 2 / mp.sqrt(mp.pi)
    series = [scale * (-1) ** k / (mp.factorial(k) * (2 * k + 1)) - (k == 0) for k in range(9)]
    polynomial("ERF", "`erf(x) / x - 1` as a function of `x^2`, for |x| to 1.",
               even(lambda x: mp.erf(x) / x - 1, series), lambda z: mpf(1), 0, 1)

    polynomial("LOG_ERFC", "`log(erfc x)` from x = 1 to the end of the format.",
               lambda x: mp.log(mp.erfc(x)), lambda x: mp.erfc(x), 1, {"f32": mpf(4), "f64": mpf(6)})

    def tail(t):
        x = 3 * (1 + t) / (1 - t)
        return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)

    end = {"f32": mpf("10.1"), "f64": mpf("27.3")}
    polynomial("ERFC", "`(1 + 2 x) e^(x^2) erfc(x) - 1` as a function of `(x - 3) / (x + 3)`, from x = 1/2 on.",
               lambda t: tail(t) - 1, lambda t: 1 / tail(t), (mpf("0.5") - 3) / (mpf("0.5") + 3),
               {bits: (x - 3) / (x + 3) for bits, x in end.items()})


def roots():
    polynomial("RCBRT", "`1 / cbrt(m)` for m from 1 to 2: a start for Newton's method.",
               lambda m: m ** (-mpf(1) / 3), lambda m: mpf(1), 1, 2, {"f32": (24, -14), "f64": (53, -14)})


HEADER = """\
//! Constants and minimax polynomials of the library functions, printed by `coefficients.py`. Do not edit.
#![allow(clippy::approx_constant, reason = "many are near well-known constants, not equal to them")]

use super::emit::{Constant, Polynomial};
"""

if __name__ == "__main__":
    print(HEADER)
    for family in (constants, exponentials, logarithms, trigonometric, error_functions, roots):
        family()
