"""NumPy: one call for each operation, results and temporaries in place where it can."""

import numpy as np
from common import serve


def ufunc(function):
    return lambda *arrays: lambda: [function(*arrays[:-1], out=arrays[-1])]


def saxpy(x, y, out):
    def run():
        np.multiply(x, x.dtype.type(2.5), out=out)
        return [np.add(out, y, out=out)]

    return run


def norm(x, y, out):
    return lambda: [np.sum(np.sqrt(x * x + y * y))]


def prices(spot, strike, years, call, put):
    f = spot.dtype.type

    def normal(d):
        k = f(1) / (f(1) + f(0.2316419) * np.abs(d))
        tail = f(1.330274429)
        for c in (-1.821255978, 1.781477937, -0.356563782, 0.31938153):
            tail = tail * k + f(c)
        upper = f(0.3989422804014327) * np.exp(f(-0.5) * d * d) * (k * tail)
        return np.where(d > 0, f(1) - upper, upper)

    def run():
        deviation = f(0.3) * np.sqrt(years)
        d = (np.log(spot / strike) + f(0.065) * years) / deviation
        p, q = normal(d), normal(d - deviation)
        paid = strike * np.exp(f(-0.02) * years)
        np.subtract(spot * p, paid * q, out=call)
        np.subtract(paid * (f(1) - q), spot * (f(1) - p), out=put)
        return [call, put]

    return run


def horner(x, out):
    coefficients = [-0.0625, 0.0666, -0.0714, 0.0769, -0.083, 0.09, -0.1, 0.111, -0.125, 0.142, -0.166, 0.2, -0.25]
    coefficients += [0.33, -0.5, 1.0]

    def run():
        out.fill(0.0588)
        for c in coefficients:
            np.multiply(out, x, out=out)
            np.add(out, np.float32(c), out=out)
        return [out]

    return run


def scramble(x, out):
    def run():
        v = x.copy()
        for _ in range(8):
            v ^= v << np.uint32(13)
            v ^= v >> np.uint32(17)
            v ^= v << np.uint32(5)
        out[:] = v
        return [out]

    return run


def mandelbrot(n, limit, out):
    axis = np.arange(n, dtype="f4") * np.float32(2.5 / n)
    c = ((axis - np.float32(2))[None, :] + 1j * (axis - np.float32(1.25))[:, None]).astype("c8")

    def run():
        out.fill(0)
        active, z, points = np.arange(c.size), np.zeros(c.size, "c8"), c.ravel()
        steps = out.ravel()
        for _ in range(limit):
            inside = z.real * z.real + z.imag * z.imag <= 4
            active, z, points = active[inside], z[inside], points[inside]
            z = z * z + points
            steps[active] += 1
        return [out]

    return run


def softmax(a, out):
    def run():
        np.exp(a - a.max(axis=1, keepdims=True), out=out)
        return [np.divide(out, out.sum(axis=1, keepdims=True), out=out)]

    return run


def stencil(a, out):
    def run():
        around = a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:]
        return [np.add(np.float32(0.5) * a[1:-1, 1:-1], np.float32(0.125) * around, out=out)]

    return run


def accelerations(x, y, z, mass, *out):
    def run():
        for start in range(0, x.size, 64):  # blocks that stay in the cache
            block = slice(start, start + 64)
            deltas = [v[None, :] - v[block, None] for v in (x, y, z)]
            square = sum(d * d for d in deltas) + np.float32(1e-3)
            weight = mass[None, :] / (square * np.sqrt(square))
            for result, d in zip(out, deltas):
                result[block] = (weight * d).sum(axis=1)
        return list(out)

    return run


KERNELS = {
    "saxpy": saxpy,
    "total": lambda x, out: lambda: [x.sum()],
    "dot": lambda x, y, out: lambda: [np.dot(x, y)],
    "norm": norm,
    "peak": lambda x, out: lambda: [x.argmax()],
    "scramble": scramble,
    "horner": horner,
    "pow32": ufunc(np.power),
    "mandelbrot": mandelbrot,
    "row_sums": lambda a, out: lambda: [a.sum(axis=1, out=out)],
    "column_sums": lambda a, out: lambda: [a.sum(axis=0, out=out)],
    "softmax": softmax,
    "scan32": lambda x, out: lambda: [np.cumsum(x, out=out)],
    "histogram": lambda x, out: lambda: [np.bincount(x, minlength=256)],
    "stencil": stencil,
    "accelerations": accelerations,
    "product": ufunc(np.matmul),
}
KERNELS["dot64"], KERNELS["scan_int"] = KERNELS["dot"], KERNELS["scan32"]
KERNELS["prices32"] = KERNELS["prices64"] = prices
for name in ("exp", "log", "sin", "tanh"):
    KERNELS[name + "32"] = KERNELS[name + "64"] = ufunc(getattr(np, name))

serve(f"NumPy {np.__version__}", KERNELS)
