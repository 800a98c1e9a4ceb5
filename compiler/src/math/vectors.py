"""Writes vectors/*.txt: arguments and true results of the library functions, from mpmath.

    pip install mpmath
    python3 vectors.py

A line holds the format, the bits of the arguments, the bits of the result rounded to nearest, and the true result
less the rounded one, in units in the last place of the true one.
"""

import itertools
import pathlib
import random
from fractions import Fraction

from mpmath import mp, mpf

mp.prec = 320
RANDOM_POINTS = 100


class Format:
    def __init__(self, name, digits, least, greatest):
        self.name, self.digits, self.least, self.greatest = name, digits, least, greatest
        self.width = 32 if name == "f32" else 64

    def bits(self, exact):
        """The bits of an exactly representable number, infinities too."""
        sign = 1 << (self.width - 1) if exact < 0 else 0
        exact, stored = abs(exact), self.digits - 1
        if mp.isinf(exact):
            return sign | ((1 << (self.width - self.digits)) - 1) << stored
        place = self.place(exact)
        # A normal number's leading digit adds one to the exponent field.
        return sign | ((place - self.least) << stored) + int(mp.ldexp(exact, -place))

    def place(self, value):
        """The exponent of the last place of `value`."""
        return max(exponent_of(value) - self.digits + 1, self.least) if value else self.least

    def round(self, value):
        """The nearest number of the format, ties to even."""
        if mp.isinf(value) or value == 0:
            return value
        place = self.place(value)
        nearest = mp.ldexp(mp.nint(mp.ldexp(value, -place)), place)
        return mp.sign(value) * mp.inf if abs(nearest) > self.greatest else nearest


def exact(text):
    return mpf(float.fromhex(text))


def exponent_of(value):
    return mp.frexp(value)[1] - 1


FORMATS = [
    Format("f32", 24, -149, mpf(2) ** 128 - mpf(2) ** 104),
    Format("f64", 53, -1074, mpf(2) ** 1024 - mpf(2) ** 971),
]


def uniform(low, high):
    return lambda form: mpf(random.uniform(low, high))


def scaled(low, high, sign=True):
    """Numbers of either sign, or positive ones, whose exponents are uniform from `low` to `high`."""
    def draw(form):
        value = mp.ldexp(mpf(random.uniform(1, 2)), random.randint(low, high))
        return -value if sign and random.random() < 0.5 else value
    return draw


def anything(sign=True):
    return lambda form: scaled(form.least, exponent_of(form.greatest), sign)(form)


def cbrt(x):
    return mp.sign(x) * mp.cbrt(abs(x))


def fmod(x, y):
    x, y = (Fraction(int(mp.ldexp(v, 1100))) for v in (x, y))
    rest = abs(x) % abs(y)
    return mp.sign(x) * mp.ldexp(mpf(rest.numerator) / rest.denominator, -1100) if rest else mpf(0)


def mixed(*draws):
    """Each of these in turn."""
    turns = itertools.cycle(draws)
    return lambda form: next(turns)(form)


def edges(*values):
    """Numbers around these."""
    def draw(form):
        value = form.round(random.choice([mpf(v) for v in values]))
        return value + random.randint(-3, 3) * mpf(2) ** form.place(value)
    return draw


EXP = mixed(uniform(-1, 1), uniform(-87, 88), uniform(-745, 709), scaled(-60, 4),
            edges(-88, -104, -745, -708.4, 88.7, 709.78))
POSITIVE = mixed(uniform(0.5, 2), uniform(0.99, 1.01), anything(False),
                 edges(1, 0.7071067811865476, 1.4142135623730951))
ANGLE = mixed(uniform(-1, 1), uniform(-100, 100), anything(), scaled(10, 40), scaled(-30, 5),
              edges(*[k * mp.pi / 2 for k in (1, 2, 3, 4, 7, 100, 12345, 1000003, 2**28 + 1)], 131072, 2.0**30))
SINE = mixed(uniform(-1, 1), scaled(-40, -1), edges(0.5, -0.5, 1, -1))
WIDE = mixed(uniform(-5, 5), anything(), scaled(-30, 10), edges(1, -1, 0.41421356237309503, 2.414213562373095))
BASE = mixed(uniform(0.5, 2), uniform(0, 100), anything(False), uniform(0.999, 1.001))
EXPONENT = mixed(uniform(-100, 100), uniform(-3, 3), uniform(-0.3, 0.3), uniform(-9000, 9000))

FUNCTIONS = {
    "exp": (mp.exp, EXP),
    "exp2": (lambda x: mpf(2) ** x, EXP),
    "exp10": (lambda x: mpf(10) ** x, mixed(uniform(-1, 1), uniform(-45, 38), uniform(-323, 308),
                                               edges(-37.9, -307.6))),
    "expm1": (mp.expm1, EXP),
    "log": (mp.log, POSITIVE),
    "log2": (lambda x: mp.log(x, 2), POSITIVE),
    "log10": (mp.log10, POSITIVE),
    "log1p": (mp.log1p, mixed(uniform(-0.99, 1), scaled(-60, -1), anything(False), edges(-0.5, 1, -0.9999999))),
    "sin": (mp.sin, ANGLE),
    "cos": (mp.cos, ANGLE),
    "tan": (mp.tan, ANGLE),
    "asin": (mp.asin, SINE),
    "acos": (mp.acos, SINE),
    "atan": (mp.atan, WIDE),
    "sinh": (mp.sinh, mixed(EXP, edges(1, 89.4, 710.4))),
    "cosh": (mp.cosh, mixed(EXP, edges(1, 89.4, 710.4))),
    "tanh": (mp.tanh, mixed(uniform(-1, 1), uniform(-22, 22), scaled(-60, 6), edges(9.01, 19.06))),
    "asinh": (mp.asinh, mixed(WIDE, edges(8192, 2.0**30))),
    "acosh": (mp.acosh, mixed(uniform(1, 2), uniform(1, 1.001), anything(False), edges(1, 8192, 2.0**30))),
    "atanh": (mp.atanh, SINE),
    "cbrt": (cbrt, mixed(WIDE, anything())),
    "erf": (mp.erf, mixed(uniform(-2, 2), uniform(-7, 7), scaled(-1074, 2), edges(1, 4, 6))),
    "erfc": (mp.erfc, mixed(uniform(-2, 2), uniform(0, 10), uniform(0, 27), scaled(-60, 3),
                             edges(0.5, 9.3, 26.5, 27.2))),
    "pow": (mp.power, BASE, EXPONENT),
    "atan2": (mp.atan2, WIDE, WIDE),
    "hypot": (mp.hypot, WIDE, WIDE),
    "fmod": (fmod, mixed(anything(), uniform(-1000, 1000)), mixed(anything(), uniform(-10, 10))),
}

# The arguments nearest to a multiple of pi/2.
NEAREST = {"f32": ["0x1.f37c8ap+96", "0x1.f37c8ap+95"], "f64": ["0x1.6ac5b262ca1ffp+849"]}

# The worst arguments that searches found, like that of `cargo bench --bench accuracy`.
WORST = {
    "exp": {"f32": ["0x1.da72c4p+5"], "f64": ["0x1.0739441e3ec68p+9"]},
    "exp2": {"f32": ["-0x1.f9de5ep+6"], "f64": ["0x1.30004d948f8dfp+3"]},
    "exp10": {"f32": ["0x1.4583b4p+4"], "f64": ["0x1.05b527d8a8615p+2"]},
    "expm1": {"f32": ["0x1.11f3c8p+4"], "f64": ["0x1.3041dc8e61fcap+5"]},
    "log": {"f32": ["0x1.69cf3ep+0"], "f64": ["0x1.686fbce4c154dp+0"]},
    "log2": {"f32": ["0x1.667cc2p+0"], "f64": ["0x1.670e7e9bea9d9p+0"]},
    "log10": {"f32": ["0x1.546492p+0"], "f64": ["0x1.670a552a31425p+0"]},
    "log1p": {"f32": ["0x1.a1171ap-2"], "f64": ["-0x1.7d187704e1ccfp-2"]},
    "tan": {"f32": ["0x1.467f8ep+97"], "f64": ["0x1.f4a6de74bccc5p+1"]},
    "erf": {"f32": ["0x1.0e7d78p+0"], "f64": ["-0x1.e54ccab7345e8p-1"]},
    "erfc": {"f32": ["0x1.b89d82p+0"], "f64": ["0x1.00aa1d8de3e0ep-1"]},
    "asin": {"f32": ["0x1.0c3408p-1"], "f64": ["-0x1.07e46072c134ep-1"]},
    "acos": {"f32": ["0x1.338f0ap-1"], "f64": ["0x1.1c45fce9f42cap-1"]},
    "atan": {"f32": ["-0x1.aca3b6p-2"], "f64": ["-0x1.ababa7dfdad99p-2"]},
    "sinh": {"f32": ["-0x1.17469p+0"], "f64": ["-0x1.1efa018337f0fp+0"]},
    "cosh": {"f32": ["-0x1.dedbc4p-12"], "f64": ["0x1.57d70cad45fc9p-12"]},
    "tanh": {"f32": ["0x1.43183ap-1"], "f64": ["0x1.43bda9b3b562cp-1"]},
    "asinh": {"f32": ["0x1.2aa8fep+0"], "f64": ["0x1.2b26cce2c6a14p+0"]},
    "acosh": {"f32": ["0x1.078fe2p+0"], "f64": ["0x1.1b8523b7d42b4p+0"]},
    "atanh": {"f32": ["0x1.000022p-25"], "f64": ["-0x1.070e8c7d463a1p-54"]},
    "cbrt": {"f32": ["0x1.f5fa26p+25"], "f64": ["0x1.cffa40c148925p+1"]},
    "pow": {"f32": ["0x1.8p+0", "-0x1.b04abcp+7"], "f64": ["0x1.6a09e667f4313p-1", "-0x1.f7e37b7d05229p+10"]},
    "atan2": {"f32": ["-0x1.a9116ep-126", "0x1.e05f14p-119"],
             "f64": ["-0x1.cfc2ce7b65b96p-1021", "0x1.be0144133d0cap+0"]},
    "hypot": {"f32": ["0x1.356f6cp-127", "0x1.74b0b4p-127"],
             "f64": ["0x1.2171c6682d4d3p+3", "-0x1.2dc3bd4cae01ap+5"]},
    "sin": {"f32": ["-0x1.ea0454p+125"], "f64": ["-0x1.2c1ebade6f015p+1"]},
    "cos": {"f32": ["0x1.78a73p+109"], "f64": ["0x1.0752e4f67680cp+4"]},
}


def points(name, form):
    """Arguments in the format whose results are real."""
    random.seed(f"{name} {form.name}")
    function, *draws = FUNCTIONS[name]
    found = [tuple(map(exact, WORST[name][form.name]))] if name in WORST else []
    if name in ("sin", "cos", "tan"):
        found += [(exact(text),) for text in NEAREST[form.name]]
    wanted = len(found) + RANDOM_POINTS
    while len(found) < wanted:
        args = tuple(form.round(draw(form)) for draw in draws)
        if all(a != 0 and not mp.isinf(a) for a in args) and true_result(function, args) is not None:
            found.append(args)
    return found


def true_result(function, args):
    """The result, or None where it is not real."""
    try:
        result = function(*args)
    except (ValueError, ZeroDivisionError):
        return None
    return result if isinstance(result, mpf) and not mp.isnan(result) and not mp.isinf(result) else None


def line(form, args, result):
    rounded = form.round(result)
    residue = 0 if mp.isinf(rounded) else mp.ldexp(result - rounded, -form.place(result))
    words = [f"{form.bits(value):0{form.width // 4}x}" for value in (*args, rounded)]
    return " ".join([form.name, *words, f"{float(residue):.4f}"])


def main():
    folder = pathlib.Path(__file__).parent / "vectors"
    for name, (function, *_) in FUNCTIONS.items():
        lines = [line(form, args, function(*args)) for form in FORMATS for args in points(name, form)]
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
