"""numba: loops, compiled with fastmath, and in parallel where there is more than one thread."""

import math
import os

import numba
import numpy as np
from common import serve
from numba import prange

THREADS = int(os.environ.get("NUMBA_NUM_THREADS", "1"))


def jit(function):
    return numba.njit(fastmath=True, parallel=THREADS > 1, error_model="numpy")(function)


def into(kernel):
    """A kernel that writes into its last arguments, as many as there are results."""
    def make(*arrays):
        results = [array for array in arrays if isinstance(array, np.ndarray)][-count:]

        def run():
            kernel(*arrays)
            return results

        run()
        return run

    count = getattr(kernel, "results", 1)
    return make


def value(kernel):
    def make(*arrays):
        kernel(*arrays[:-1])
        return lambda: [kernel(*arrays[:-1])]

    return make


def mapped(function):
    """`function` of each element."""
    function = numba.njit(fastmath=True, error_model="numpy")(function)

    @jit
    def kernel(x, out):
        for i in prange(x.size):
            out[i] = function(x[i])

    return into(kernel)


@jit
def saxpy(x, y, out):
    a = np.float32(2.5)
    for i in prange(x.size):
        out[i] = a * x[i] + y[i]


@jit
def total(x):
    s = x.dtype.type(0)
    for i in prange(x.size):
        s += x[i]
    return s


@jit
def dot(x, y):
    s = x.dtype.type(0)
    for i in prange(x.size):
        s += x[i] * y[i]
    return s


@jit
def norm(x, y):
    s = x.dtype.type(0)
    for i in prange(x.size):
        s += math.sqrt(x[i] * x[i] + y[i] * y[i])
    return s


@jit
def peak(x):
    places = np.zeros(THREADS, np.int64)
    for t in prange(THREADS):
        best = x.size * t // THREADS
        for i in range(best, x.size * (t + 1) // THREADS):
            if x[i] > x[best]:
                best = i
        places[t] = best
    best = places[0]
    for t in range(1, THREADS):
        if x[places[t]] > x[best]:
            best = places[t]
    return best


@jit
def scramble(x, out):
    for i in prange(x.size):
        v = x[i]
        for _ in range(8):
            # Shifts give 64 bits here.
            v ^= np.uint32(v << 13)
            v ^= np.uint32(v >> 17)
            v ^= np.uint32(v << 5)
        out[i] = v


def prices(scalar, normal):
    c = [scalar(v) for v in (0.3, 0.065, -0.02, 1.0)]
    vol, drift, rate, one = c
    normal = numba.njit(fastmath=True, error_model="numpy")(normal(scalar))

    @jit
    def kernel(spot, strike, years, call, put):
        for i in prange(spot.size):
            s, t = spot[i], years[i]
            deviation = vol * math.sqrt(t)
            d = (math.log(s / strike[i]) + drift * t) / deviation
            p, q = normal(d), normal(d - deviation)
            paid = strike[i] * math.exp(rate * t)
            call[i] = s * p - paid * q
            put[i] = paid * (one - q) - s * (one - p)

    kernel.results = 2
    return into(kernel)


def polynomial(f):
    root, c0, one, half = f(0.3989422804014327), f(0.2316419), f(1), f(-0.5)
    c1, c2, c3, c4, c5 = (f(v) for v in (0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429))

    def normal(d):
        k = one / (one + c0 * abs(d))
        upper = root * math.exp(half * d * d) * (k * (c1 + k * (c2 + k * (c3 + k * (c4 + k * c5)))))
        return one - upper if d > 0 else upper

    return normal


def error_function(f):
    half, one, scale = f(0.5), f(1), f(0.7071067811865476)
    return lambda d: half * (one + math.erf(d * scale))


HORNER = [0.0588, -0.0625, 0.0666, -0.0714, 0.0769, -0.083, 0.09, -0.1, 0.111, -0.125, 0.142, -0.166, 0.2, -0.25]
HORNER = np.array([*HORNER, 0.33, -0.5, 1.0], np.float32)


def horner(v):
    p = HORNER[0]
    for i in range(1, 17):
        p = p * v + HORNER[i]
    return p


@jit
def power(x, y, out):
    for i in prange(x.size):
        out[i] = x[i] ** y[i]


@jit
def mandelbrot(n, limit, out):
    scale = np.float32(2.5 / n)
    for y in prange(n):
        ci = np.float32(y) * scale - np.float32(1.25)
        for x in range(n):
            cr = np.float32(x) * scale - np.float32(2)
            zr = zi = np.float32(0)
            k = 0
            while k < limit and zr * zr + zi * zi <= np.float32(4):
                zr, zi = zr * zr - zi * zi + cr, np.float32(2) * zr * zi + ci
                k += 1
            out[y, x] = k


@jit
def row_sums(a, out):
    for i in prange(a.shape[0]):
        s = np.float32(0)
        for j in range(a.shape[1]):
            s += a[i, j]
        out[i] = s


@jit
def column_sums(a, out):
    for t in prange(THREADS):
        low, high = a.shape[1] * t // THREADS, a.shape[1] * (t + 1) // THREADS
        out[low:high] = 0
        for i in range(a.shape[0]):
            for j in range(low, high):
                out[j] += a[i, j]


@jit
def softmax(a, out):
    for i in prange(a.shape[0]):
        greatest = a[i, 0]
        for j in range(a.shape[1]):
            greatest = max(greatest, a[i, j])
        s = np.float32(0)
        for j in range(a.shape[1]):
            out[i, j] = math.exp(a[i, j] - greatest)
            s += out[i, j]
        for j in range(a.shape[1]):
            out[i, j] /= s


@jit
def scan(x, out):
    sums = np.zeros(THREADS + 1, x.dtype)
    if THREADS > 1:
        for t in prange(THREADS):
            s = x.dtype.type(0)
            for i in range(x.size * t // THREADS, x.size * (t + 1) // THREADS):
                s += x[i]
            sums[t + 1] = s
        for t in range(THREADS):
            sums[t + 1] += sums[t]
    for t in prange(THREADS):
        s = sums[t]
        for i in range(x.size * t // THREADS, x.size * (t + 1) // THREADS):
            s += x[i]
            out[i] = s


@jit
def histogram(x, out):
    bins = np.zeros((THREADS, 256), np.int64)
    for t in prange(THREADS):
        for i in range(x.size * t // THREADS, x.size * (t + 1) // THREADS):
            bins[t, x[i]] += 1
    out[:] = 0
    for t in range(THREADS):
        for b in range(256):
            out[b] += bins[t, b]


@jit
def stencil(a, out):
    for i in prange(out.shape[0]):
        for j in range(out.shape[1]):
            around = a[i, j + 1] + a[i + 2, j + 1] + a[i + 1, j] + a[i + 1, j + 2]
            out[i, j] = np.float32(0.5) * a[i + 1, j + 1] + np.float32(0.125) * around


@jit
def accelerations(x, y, z, mass, ax, ay, az):
    for i in prange(x.size):
        sx = sy = sz = np.float32(0)
        for j in range(x.size):
            dx, dy, dz = x[j] - x[i], y[j] - y[i], z[j] - z[i]
            square = dx * dx + dy * dy + dz * dz + np.float32(1e-3)
            weight = mass[j] / (square * math.sqrt(square))
            sx += weight * dx
            sy += weight * dy
            sz += weight * dz
        ax[i], ay[i], az[i] = sx, sy, sz


accelerations.results = 3


@jit
def product(a, b, out):
    for i in prange(a.shape[0]):
        out[i, :] = 0
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                out[i, j] += a[i, k] * b[k, j]


KERNELS = {
    "saxpy": into(saxpy),
    "total": value(total),
    "dot": value(dot),
    "dot64": value(dot),
    "norm": value(norm),
    "peak": value(peak),
    "scramble": into(scramble),
    "prices32": prices(np.float32, polynomial),
    "prices64": prices(np.float64, polynomial),
    "erf_prices32": prices(np.float32, error_function),
    "erf_prices64": prices(np.float64, error_function),
    "horner": mapped(horner),
    "tanh32": mapped(lambda v: math.tanh(v)),
    "pow32": into(power),
    "mandelbrot": into(mandelbrot),
    "row_sums": into(row_sums),
    "column_sums": into(column_sums),
    "softmax": into(softmax),
    "scan32": into(scan),
    "scan_int": into(scan),
    "histogram": into(histogram),
    "stencil": into(stencil),
    "accelerations": into(accelerations),
    "product": into(product),
}
KERNELS["exp32"] = KERNELS["exp64"] = mapped(lambda v: math.exp(v))
KERNELS["log32"] = KERNELS["log64"] = mapped(lambda v: math.log(v))
KERNELS["sin32"] = KERNELS["sin64"] = mapped(lambda v: math.sin(v))

serve(f"numba {numba.__version__}", KERNELS)
