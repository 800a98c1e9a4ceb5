"""What the peers share: the workloads of ../throughput with their inputs, and the conversation with bench-peers.

A peer is a script that calls `serve` with its version and a table: for each kernel by name a function that takes the arguments, and
arrays for the results, and gives a function to be timed. Compiling is not timed.
"""

import pathlib
import re
import sys
import time

import numpy as np

TYPES = {"f32": "f4", "f64": "f8", "i32": "i4", "i64": "i8", "u8": "u1", "u32": "u4"}
SAMPLE = 0.002  # seconds that a sample lasts at least
BUDGET = 0.2  # seconds that a workload is repeated for


class Workload:
    """A line `//@ ID TITLE: KERNEL NAME=VALUE …`."""

    def __init__(self, line, text):
        head, rest = line.split(": ", 1)
        self.id = head.split()[0]
        self.kernel, *settings = rest.split()
        self.settings = dict(setting.split("=") for setting in settings)
        signature = re.search(rf"^kernel {self.kernel}\((.*?)\) -> (.*?)(?: =.*| \{{)?$", text, re.M)
        self.params = re.findall(r"(\w+): (\[[^]]*\]|\w+)", signature[1])
        self.result = signature[2]

    def shape(self, dims):
        sizes = {name: int(value) for name, value in self.settings.items() if ".." not in value}
        return tuple(eval(dim, {}, sizes) for dim in dims.split(","))

    def inputs(self):
        return [self.input(name, ty, seed) for seed, (name, ty) in enumerate(self.params, 1)]

    def input(self, name, ty, seed):
        if not ty.startswith("["):
            return int(self.settings[name])
        scalar, dims = ty.strip("[]").split("; ")
        low, high = 0.0, 1.0 if scalar.startswith("f") else 100.0
        if name in self.settings:
            low, high = map(float, self.settings[name].split(".."))
        return random(TYPES[scalar], self.shape(dims), low, high, seed)

    def outputs(self):
        """Arrays for the results; a scalar is an array of no axes."""
        if not self.result.startswith("["):
            return [np.zeros((), TYPES[self.result])]
        element, dims = re.fullmatch(r"\[(.*); (.*?)\]", self.result).groups()
        return [np.zeros(self.shape(dims), TYPES[scalar]) for scalar in element.strip("()").split(", ")]


def random(dtype, shape, low, high, seed):
    """The numbers that measure/src/random.rs makes."""
    array = np.empty(np.prod(shape), dtype)
    for start in range(0, array.size, 1 << 20):
        chunk = array[start : start + (1 << 20)]
        z = np.arange(start, start + chunk.size, dtype="u8") + np.uint64((seed << 32) + 1)
        z *= np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        numbers = low + (high - low) * ((z >> np.uint64(11)) / 2.0**53)
        chunk[:] = numbers if chunk.dtype.kind == "f" else np.floor(numbers)
    return array.reshape(shape)


def workloads():
    folder = pathlib.Path(__file__).parent.parent / "throughput"
    for path in folder.glob("*.pk"):
        text = path.read_text()
        for line in re.findall(r"^//@ (.*)$", text, re.M):
            yield Workload(line, text)


def seconds(run):
    """The least time of a call, from samples of several."""
    def loop(count):
        start = time.perf_counter()
        for _ in range(count):
            run()
        return time.perf_counter() - start

    sample = getattr(run, "sample", loop)
    once = sample(1)
    count = int(SAMPLE / max(once, 1e-9)) + 1
    end = time.perf_counter() + BUDGET
    samples = [sample(count) for _ in range(3 if once < BUDGET else 1)]
    while time.perf_counter() < end:
        samples.append(sample(count))
    return min(samples) / count


def digest(results):
    """As benches/throughput/serve.rs has it: enough to see whether results agree."""
    for result in results:
        flat = np.asarray(result).astype("f8").ravel()
        yield from (flat.size, flat.sum(), abs(flat).sum(), flat[0], flat[flat.size // 2], flat[-1])


def serve(version, kernels):
    """Answers lines with the identifier of a workload: seconds and digest, or why there are none."""
    known = {workload.id: workload for workload in workloads()}
    last = run = None
    print("ready", version, flush=True)
    for line in sys.stdin:
        name = line.strip()
        try:
            if name != last:
                last = run = None
                workload = known[name]
                if workload.kernel not in kernels:
                    raise LookupError("not written for it")
                run = kernels[workload.kernel](*workload.inputs(), *workload.outputs())
                last = name
            results = run()
            time_of_run = seconds(run)
            answer = " ".join(repr(float(number)) for number in (time_of_run, *digest(results)))
        except Exception as error:  # whatever a system does not like is its answer
            answer = "- " + " ".join(f"{type(error).__name__}: {error}".split())[:200]
        print(name, answer, flush=True)
