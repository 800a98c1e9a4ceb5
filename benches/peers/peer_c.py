"""C: the loops of reference.c, compiled by gcc and timed by themselves. An argument `strict` leaves out -ffast-math."""

import ctypes
import pathlib
import subprocess
import sys

import numpy as np
from common import serve, workloads

FLAGS = ["-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-lm"]
HERE = pathlib.Path(__file__).parent


def build(is_strict):
    folder = HERE.parent.parent / "target" / "bench-peers"
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / f"reference-{'strict' if is_strict else 'fast'}.so"
    flags = FLAGS if is_strict else ["-ffast-math", *FLAGS]
    subprocess.run(["gcc", HERE / "reference.c", "-o", library, *flags], check=True)
    return ctypes.CDLL(str(library))


def kernel(library, name):
    """Gives the function pointers to the arrays and the extents of the first array, or the scalars."""
    function = getattr(library, name)

    def make(*args):
        arrays = [arg for arg in args if isinstance(arg, np.ndarray)]
        scalars = [arg for arg in args if not isinstance(arg, np.ndarray)]
        results = arrays[len(arrays) - RESULTS[name] :]
        pointers = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
        extents = scalars or [extent for array in arrays for extent in array.shape]
        sizes = (ctypes.c_long * len(extents))(*extents)

        def sample(count):
            return library.repeat(function, pointers, sizes, ctypes.c_long(count))

        def run():
            sample(1)
            return results

        run.sample = sample
        run.arrays = arrays  # pointers alone would not keep them
        return run

    return make


RESULTS = {workload.kernel: len(workload.outputs()) for workload in workloads()}

if __name__ == "__main__":
    library = build("strict" in sys.argv[1:])
    library.repeat.restype = ctypes.c_double
    version = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    serve(f"gcc {version}", {name: kernel(library, name) for name in RESULTS if hasattr(library, name)})
