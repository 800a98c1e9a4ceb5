"""JAX: array expressions under `jit`. How many threads XLA takes is up to the processors that it may use."""

import jax
import jax.numpy as jnp
import numpy as np
from common import serve
from jax.scipy.special import erf

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)


def compiled(function):
    """`function` gives one result, or a tuple of them."""
    function = jax.jit(function)

    def make(*arrays):
        arrays = [jnp.asarray(array) for array in arrays if array is not None]
        jax.block_until_ready(function(*arrays))
        return lambda: jax.tree.leaves(jax.block_until_ready(function(*arrays)))

    return make


def kernel(count):
    """A kernel of so many arguments; the places for results are not used."""
    return lambda function: lambda *arrays: compiled(function)(*arrays[:count])


def prices(normal):
    def function(spot, strike, years):
        f = spot.dtype.type
        deviation = f(0.3) * jnp.sqrt(years)
        d = (jnp.log(spot / strike) + f(0.065) * years) / deviation
        p, q = normal(d, f), normal(d - deviation, f)
        paid = strike * jnp.exp(f(-0.02) * years)
        return spot * p - paid * q, paid * (f(1) - q) - spot * (f(1) - p)

    return kernel(3)(function)


def polynomial(d, f):
    k = f(1) / (f(1) + f(0.2316419) * jnp.abs(d))
    tail = f(1.330274429)
    for c in (-1.821255978, 1.781477937, -0.356563782, 0.31938153):
        tail = tail * k + f(c)
    upper = f(0.3989422804014327) * jnp.exp(f(-0.5) * d * d) * (k * tail)
    return jnp.where(d > 0, f(1) - upper, upper)


def error_function(d, f):
    return f(0.5) * (f(1) + erf(d * f(0.7071067811865476)))


COEFFICIENTS = [-0.0625, 0.0666, -0.0714, 0.0769, -0.083, 0.09, -0.1, 0.111, -0.125, 0.142, -0.166, 0.2, -0.25, 0.33]


def horner(x):
    p = np.float32(0.0588)
    for c in [*COEFFICIENTS, -0.5, 1.0]:
        p = p * x + np.float32(c)
    return p


def scramble(x):
    for _ in range(8):
        x = x ^ (x << 13)
        x = x ^ (x >> 17)
        x = x ^ (x << 5)
    return x


def mandelbrot(n, limit, _):
    axis = jnp.arange(n, dtype="f4") * np.float32(2.5 / n)
    shape = (n, n)
    cr = jnp.broadcast_to(axis[None, :] - np.float32(2), shape)
    ci = jnp.broadcast_to(axis[:, None] - np.float32(1.25), shape)

    def step(_, state):
        zr, zi, k = state
        inside = zr * zr + zi * zi <= 4
        moved = zr * zr - zi * zi + cr, np.float32(2) * zr * zi + ci
        return jnp.where(inside, moved[0], zr), jnp.where(inside, moved[1], zi), k + inside

    def function():
        zeros = jnp.zeros(shape, "f4")
        return jax.lax.fori_loop(0, limit, step, (zeros, zeros, jnp.zeros(shape, "i4")))[2]

    return compiled(function)()


def softmax(a):
    e = jnp.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def stencil(a):
    around = a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:]
    return np.float32(0.5) * a[1:-1, 1:-1] + np.float32(0.125) * around


def accelerations(x, y, z, mass):
    dx, dy, dz = (v[None, :] - v[:, None] for v in (x, y, z))
    square = dx * dx + dy * dy + dz * dz + np.float32(1e-3)
    weight = mass[None, :] / (square * jnp.sqrt(square))
    return tuple((weight * d).sum(axis=1) for d in (dx, dy, dz))


one, two = kernel(1), kernel(2)
KERNELS = {
    "saxpy": two(lambda x, y: np.float32(2.5) * x + y),
    "total": one(jnp.sum),
    "dot": two(lambda x, y: (x * y).sum()),
    "norm": two(lambda x, y: jnp.sqrt(x * x + y * y).sum()),
    "peak": one(jnp.argmax),
    "scramble": one(scramble),
    "prices32": prices(polynomial),
    "prices64": prices(polynomial),
    "erf_prices32": prices(error_function),
    "erf_prices64": prices(error_function),
    "horner": one(horner),
    "pow32": two(jnp.power),
    "mandelbrot": mandelbrot,
    "row_sums": one(lambda a: a.sum(axis=1)),
    "column_sums": one(lambda a: a.sum(axis=0)),
    "softmax": one(softmax),
    "scan32": one(jnp.cumsum),
    "scan_int": one(lambda x: jnp.cumsum(x, dtype=x.dtype)),
    "histogram": one(lambda x: jnp.bincount(x, length=256)),
    "stencil": one(stencil),
    "accelerations": kernel(4)(accelerations),
    "product": two(jnp.matmul),
}
KERNELS["dot64"] = KERNELS["dot"]
for name in ("exp", "log", "sin", "tanh"):
    KERNELS[name + "32"] = KERNELS[name + "64"] = one(getattr(jnp, name))

serve(f"JAX {jax.__version__}", KERNELS)
