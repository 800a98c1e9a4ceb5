#!/usr/bin/env python3
"""Writes the inputs of the examples into examples/data.

Needs nothing but Python: the files are small, and `.npy` is a short header before the raw elements.
Run it again and the same files come out, byte for byte.
"""

import csv
import math
import struct
from pathlib import Path

DATA = Path(__file__).parent / "data"


def npy(name, code, shape, elements):
    """Writes an array in version 1.0 of the format; `code` is that of the module struct."""
    dtype = {"f": "<f4", "d": "<f8", "i": "<i4"}[code]
    dims = ", ".join(str(extent) for extent in shape) + ("," if len(shape) == 1 else "")
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({dims}), }}"
    # The elements begin at a multiple of 64 bytes.
    padding = -(10 + len(header) + 1) % 64
    header = (header + " " * padding + "\n").encode("latin-1")
    elements = list(elements)
    assert len(elements) == math.prod(shape)
    with open(DATA / name, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        file.write(struct.pack(f"<{len(elements)}{code}", *elements))


def noise(seed):
    """Numbers in [0, 1) from a linear congruential generator: random enough for an example, and the same anywhere."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 40) / 2**24


def take(count, numbers):
    return [next(numbers) for _ in range(count)]


def main():
    DATA.mkdir(exist_ok=True)
    npy("x.npy", "f", (256,), take(256, noise(1)))
    npy("y.npy", "f", (256,), (2 * v - 1 for v in take(256, noise(2))))
    # Bell-shaped, around 5: the mean of twelve is close enough to a normal distribution.
    numbers = noise(3)
    npy("samples.npy", "d", (200,), (sum(take(12, numbers)) - 1 for _ in range(200)))
    npy("scores.npy", "f", (4, 6), (round(8 * v - 4, 2) for v in take(24, noise(4))))
    # A cold plate with one hot edge.
    npy("plate.npy", "f", (8, 8), (100.0 if row == 0 else 0.0 for row in range(8) for _ in range(8)))
    with open(DATA / "options.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["spot", "strike", "years"])
        for step in range(9):
            table.writerow([100, 80 + 5 * step, 0.25 * (1 + step % 4)])


if __name__ == "__main__":
    main()
