"""Measures results of an `f64` function against MPFR: `truth.py NAME`, for accuracy.rs.

Reads records of the arguments and the result, as `f64` of this machine, and prints the greatest error in units in the
last place of the true value, and the arguments that gave it.
"""

import array
import math
import sys

import gmpy2
from gmpy2 import mpfr

PRECISION = 160
TWO = {"pow": lambda x, y: x**y, "atan2": gmpy2.atan2, "hypot": gmpy2.hypot, "fmod": gmpy2.fmod}
# MPFR's own `rec_sqrt` gives +inf for -0, IEEE 754 and pk -inf.
ONE = {"rsqrt": lambda x: 1 / gmpy2.sqrt(x)}
BATCH = 4096


def error(found, truth):
    """As `error.rs` defines it."""
    if math.isnan(found) or gmpy2.is_nan(truth):
        return 0.0 if math.isnan(found) and gmpy2.is_nan(truth) else math.inf
    if (found == 0 or truth == 0) and math.copysign(1, found) != (-1 if gmpy2.is_signed(truth) else 1):
        return math.inf
    if gmpy2.is_infinite(truth):
        return 0.0 if found == truth else math.inf
    end = mpfr(2) ** 1024
    found, truth = (max(-end, min(end, x)) for x in (mpfr(found), truth))
    if found == truth:
        return 0.0
    exponent = gmpy2.frexp(truth)[0] if truth else -2000
    place = max(min(exponent, 1024) - 53, -1074)
    return float(abs(found - truth) * gmpy2.exp2(-place))


def records(arity):
    while data := sys.stdin.buffer.read(8 * (arity + 1) * BATCH):
        numbers = array.array("d", data)
        yield from zip(*[iter(numbers)] * (arity + 1))


def main():
    name = sys.argv[1]
    gmpy2.get_context().precision = PRECISION
    function, arity = (TWO[name], 2) if name in TWO else (ONE.get(name) or getattr(gmpy2, name), 1)
    worst, at = 0.0, (0.0,) * arity
    for *args, found in records(arity):
        truth = function(*map(mpfr, args))
        # The last place of the result is at most twice that of the truth: most results need no closer look.
        if found and math.isfinite(found) and abs(found - truth) <= 0.5 * worst * math.ulp(found):
            continue
        if (found_error := error(found, truth)) > worst:
            worst, at = found_error, args
    print(worst, *at)


if __name__ == "__main__":
    main()
