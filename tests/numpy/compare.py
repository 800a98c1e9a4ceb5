"""Runs the classics on arrays of a million elements and compares the results with NumPy.

Usage: compare.py [--pkc PATH] [NAME ...]

For each kernel of tests/kernels/classics, inputs are made by a seed and stored as .npy, `pkc run` reads them and stores
its results, and NumPy, in 64 bits wherever pk has 32, computes the same. What must agree how well is stated with each
kernel; integers must agree exactly. All differences are printed; the exit code is 1 if any is too large.
"""

import argparse
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
MILLION = 1_000_000


def random(seed, *shape, dtype=np.float32, low=-1.0, high=1.0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def wide(array):
    return np.asarray(array, dtype=np.float64)


# One function per kernel: the arguments, the expected results by field ("" if there is only one), and the tolerance,
# relative to the largest expected magnitude, since the tree of pk and the loops of NumPy round differently.


def saxpy():
    a, x, y = np.float32(0.1), random(1, MILLION), random(2, MILLION)
    return dict(a=a, x=x, y=y), {"": a * x + y}, 0.0


def dot():
    x, y = random(1, MILLION), random(2, MILLION)
    return dict(x=x, y=y), {"": wide(x) @ wide(y)}, 1e-6


def dot_explicit():
    return dot()


def l2():
    x = random(3, MILLION, dtype=np.float64)
    return dict(x=x), {"": np.linalg.norm(x)}, 1e-14


def mean_var():
    x = random(4, MILLION, dtype=np.float64, low=5.0, high=9.0)
    return dict(x=x), {"mean": x.mean(), "var": x.var()}, 1e-12


def peak():
    x = random(5, MILLION)
    return dict(x=x), {"value": x.max(), "index": x.argmax()}, 0.0


def softmax():
    a = random(6, 1000, 1000, low=-20.0, high=20.0)
    e = np.exp(wide(a) - wide(a).max(axis=1, keepdims=True))
    return dict(a=a), {"": e / e.sum(axis=1, keepdims=True)}, 2e-6


def black_scholes():
    s, k = random(7, MILLION, low=50.0, high=150.0), random(8, MILLION, low=50.0, high=150.0)
    t, rate, vol = random(9, MILLION, low=0.1, high=2.0), np.float32(0.05), np.float32(0.2)
    # The constant of the kernel, which is not quite the root of a half.
    cdf = lambda d: 0.5 * np.vectorize(math.erfc)(-d * float(np.float32(0.70710678)))
    sd = wide(vol) * np.sqrt(wide(t))
    d1 = (np.log(wide(s) / wide(k)) + (wide(rate) + 0.5 * wide(vol) ** 2) * wide(t)) / sd
    discounted = wide(k) * np.exp(-wide(rate) * wide(t))
    call = wide(s) * cdf(d1) - discounted * cdf(d1 - sd)
    put = discounted * cdf(sd - d1) - wide(s) * cdf(-d1)
    return dict(s=s, k=k, t=t, rate=rate, vol=vol), {"call": call, "put": put}, 1e-6


def mandelbrot():
    w, h, limit = 1000, 1000, 64
    f = np.float32
    cr = f(3) * np.arange(w, dtype=f)[None, :] / f(w) - f(2) + np.zeros((h, 1), f)
    ci = f(2) * np.arange(h, dtype=f)[:, None] / f(h) - f(1) + np.zeros((1, w), f)
    zr, zi, steps = np.zeros_like(cr), np.zeros_like(ci), np.zeros((h, w), np.int32)
    with np.errstate(over="ignore", invalid="ignore"):
        inside = np.ones((h, w), bool)
        for _ in range(limit):
            inside &= zr * zr + zi * zi <= 4
            steps += inside
            zr, zi = zr * zr - zi * zi + cr, f(2) * zr * zi + ci
    return dict(w=w, h=h, limit=limit), {"": steps}, 0.0


def prefix():
    x = np.random.default_rng(10).integers(-(2**31), 2**31, MILLION, dtype=np.int32)
    return dict(x=x), {"": np.cumsum(x, dtype=np.int64)}, 0.0


def positives():
    x = random(11, MILLION)
    return dict(x=x), {"": x[x > 0]}, 0.0


def histogram():
    x, lo, hi, bins = random(12, MILLION, low=-1.0, high=11.0), np.float32(0), np.float32(10), 100
    index = np.floor((x - lo) / (hi - lo) * np.float32(bins)).astype(np.int64)
    counts = np.bincount(index[(0 <= index) & (index < bins)], minlength=bins)
    return dict(x=x, lo=lo, hi=hi, bins=bins), {"": counts}, 0.0


def jacobi():
    u = random(13, 1000, 1000)
    p = np.pad(u, 1, mode="edge")
    mean = np.float32(0.25) * (((p[:-2, 1:-1] + p[2:, 1:-1]) + p[1:-1, :-2]) + p[1:-1, 2:])
    return dict(u=u), {"": mean}, 0.0


def accel():
    # Every point meets every other: 2000 points are four million pairs.
    p, eps = random(14, 2000, 3), np.float32(0.01)
    forces = np.empty((2000, 3))
    for i, point in enumerate(wide(p)):
        d = wide(p) - point
        forces[i] = (d / ((d * d).sum(axis=1) + float(eps))[:, None] ** 1.5).sum(axis=0)
    return dict(p=p, eps=eps), {"": forces}, 1e-5


def matmul():
    a, b = random(15, 1000, 1000), random(16, 1000, 1000)
    return dict(a=a, b=b), {"": wide(a) @ wide(b)}, 1e-5


def nearest():
    # Coordinates are small integers, so that distances are exact and ties have to go to the lowest index.
    rng = np.random.default_rng(17)
    p, c = (rng.integers(0, 100, shape).astype(np.float32) for shape in [(MILLION // 2, 2), (32, 2)])
    distance = np.stack([((wide(p) - wide(centre)) ** 2).sum(axis=1) for centre in c])
    return dict(p=p, c=c), {"": distance.argmin(axis=0)}, 0.0


def philox(seed, index):
    """Philox4x32-10: four words for each index."""
    mask = np.uint64(0xFFFFFFFF)
    low, high = lambda word: word & mask, lambda word: word >> np.uint64(32)
    c = [low(index), high(index), np.zeros_like(index), np.zeros_like(index)]
    k = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        p, q = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [high(q) ^ c[1] ^ np.uint64(k[0]), low(q), high(p) ^ c[3] ^ np.uint64(k[1]), low(p)]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def pi():
    n, seed = MILLION, 42
    w = philox(seed, np.arange(n, dtype=np.uint64))
    unit = lambda low, high: ((high << np.uint64(32) | low) >> np.uint64(11)) * 2.0**-53
    u, v = unit(w[0], w[1]), unit(w[2], w[3])
    return dict(n=n, seed=seed), {"": 4.0 * np.count_nonzero(u * u + v * v <= 1.0) / n}, 0.0


KERNELS = [
    saxpy, dot, dot_explicit, l2, mean_var, peak, softmax, black_scholes, mandelbrot, prefix, positives, histogram,
    jacobi, accel, matmul, nearest, pi,
]  # fmt: skip


def run(pkc, name, args, fields, folder):
    """The results of the kernel by field."""
    command = [pkc, "run", ROOT / "tests/kernels/classics" / f"{name}.pk"]
    for arg, value in args.items():
        source = value
        if np.ndim(value):
            source = folder / f"{arg}.npy"
            np.save(source, value)
        command += ["--arg", f"{arg}={source}"]
    files = {field: folder / f"out-{field}.npy" for field in fields}
    for field, file in files.items():
        command += ["--out", f"{field}={file}" if field else file]
    subprocess.run(command, check=True)
    return {field: np.load(file) for field, file in files.items()}


def difference(found, expected):
    """The largest difference, relative to the largest expected magnitude; infinite if the shapes differ."""
    if np.shape(found) != np.shape(expected):
        return math.inf
    if np.issubdtype(np.asarray(expected).dtype, np.integer):
        return 0.0 if np.array_equal(found, expected) else math.inf
    scale = max(np.max(np.abs(wide(expected)), initial=0.0), np.finfo(np.float64).tiny)
    return float(np.max(np.abs(wide(found) - wide(expected)), initial=0.0) / scale)


def compare(pkc, kernel):
    """Whether the results of a kernel agree with NumPy."""
    args, expected, tolerance = kernel()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = run(pkc, kernel.__name__, args, expected, pathlib.Path(folder))
        seconds = time.perf_counter() - start
    agrees = True
    for field, value in expected.items():
        error = difference(found[field], value)
        fits = error <= tolerance
        agrees &= fits
        name = f"{kernel.__name__}.{field}" if field else kernel.__name__
        verdict = "ok" if fits else "WRONG"
        print(f"{name:20} difference {error:.1e}, allowed {tolerance:.0e}, {seconds:5.1f} s  {verdict}", flush=True)
    return agrees


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pkc", default=ROOT / "target/release/pkc", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    chosen = [kernel for kernel in KERNELS if not options.names or kernel.__name__ in options.names]
    if not chosen:
        parser.error(f"no such kernel; there are {', '.join(kernel.__name__ for kernel in KERNELS)}")
    results = [compare(options.pkc, kernel) for kernel in chosen]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
