"""numexpr: an expression as text. Its constants are arrays of the type of the others, or all would become f64."""

import numexpr
import numpy as np
from common import serve

TAIL = "(k*(c1+k*(c2+k*(c3+k*(c4+k*c5)))))"
CONSTANTS = {
    "zero": 0.0, "one": 1.0, "half": 0.5, "c0": 0.2316419, "c1": 0.31938153, "c2": -0.356563782, "c3": 1.781477937,
    "c4": -1.821255978, "c5": 1.330274429, "root": 0.3989422804014327, "rate": 0.02, "vol": 0.3, "drift": 0.065,
    "a": 2.5, "eighth": 0.125,
}  # fmt: skip


def constants(dtype):
    return {name: np.array(value, dtype) for name, value in CONSTANTS.items()}


def evaluate(text, out, **arrays):
    known = constants(out.dtype) | arrays
    return numexpr.evaluate(text, local_dict=known, out=out)


def expression(text, *names):
    return lambda *arrays: lambda: [evaluate(text, arrays[-1], **dict(zip(names, arrays)))]


def total(text, *names):
    # Reductions into a given array are not parallel either.
    return lambda *arrays: lambda: [numexpr.evaluate(f"sum({text})", local_dict=dict(zip(names, arrays)))]


def prices(spot, strike, years, call, put):
    deviation, d, e, p, q, paid, k = (np.empty_like(spot) for _ in range(7))

    def normal(d, out):
        evaluate("one/(one+c0*abs(d))", k, d=d)
        evaluate(f"root*exp(-half*d*d)*{TAIL}", out, d=d, k=k)
        evaluate("where(d>zero,one-u,u)", out, d=d, u=out)

    def run():
        evaluate("vol*sqrt(t)", deviation, t=years)
        evaluate("(log(s/x)+drift*t)/w", d, s=spot, x=strike, t=years, w=deviation)
        evaluate("d-w", e, d=d, w=deviation)
        normal(d, p), normal(e, q)
        evaluate("x*exp(-rate*t)", paid, x=strike, t=years)
        evaluate("s*p-x*q", call, s=spot, p=p, x=paid, q=q)
        evaluate("x*(one-q)-s*(one-p)", put, s=spot, p=p, x=paid, q=q)
        return [call, put]

    return run


def stencil(a, out):
    names = {"m": a[1:-1, 1:-1], "n": a[:-2, 1:-1], "s": a[2:, 1:-1], "w": a[1:-1, :-2], "e": a[1:-1, 2:]}
    return lambda: [evaluate("half*m+eighth*(n+s+w+e)", out, **names)]


KERNELS = {
    "saxpy": expression("a*x+y", "x", "y"),
    "total": total("x", "x"),
    "dot": total("x*y", "x", "y"),
    "dot64": total("x*y", "x", "y"),
    "norm": total("sqrt(x*x+y*y)", "x", "y"),
    "prices32": prices,
    "prices64": prices,
    "pow32": expression("x**y", "x", "y"),
    "stencil": stencil,
}
for name in ("exp", "log", "sin", "tanh"):
    KERNELS[name + "32"] = KERNELS[name + "64"] = expression(f"{name}(x)", "x")

serve(f"numexpr {numexpr.__version__}", KERNELS)
