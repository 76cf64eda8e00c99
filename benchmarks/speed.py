"""Measure the time and memory of style transfer, and compare them with goals: `make bench`.

    python benchmarks/speed.py [--quick] [--print]

Machines differ and run other programs, so what is compared takes turns, and a ratio is computed in each turn. A table
shows the median, and the smallest and the largest. The first turn warms up and does not count. The floor is a lower
bound for every program that uses the network: one forward pass through the bare layers, and the gradient with respect
to the image. VGG19 has random weights, which cost the same as trained ones.

- evaluations: one value and gradient, against the floor; peak memory in a process of its own
- optimisers: what they add to an evaluation, and the loss after the same number of iterations
- command: from the start of Python to the written picture, and the parts of that time
- print: one iteration at 4096 × 4096 pixels in tiles; only with --print, since it takes minutes

The tables are printed, and written into benchmarks/README.md together with the commit and the machine; the same figures
go to benchmarks/speed.json. With --quick nothing is written.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONTENT, STYLE = ROOT / "images" / "cat.jpg", ROOT / "images" / "impasto_night.jpg"
FIGURES, PAGE = ROOT / "benchmarks" / "speed.json", ROOT / "benchmarks" / "README.md"
TABLES = re.compile(r"(?<=<!-- written by make bench -->\n).*?(?=<!-- end -->)", re.DOTALL)
TURNS = 5


def in_turns(functions, turns=TURNS):
    """Return {name: seconds of each turn} of functions that take turns, after one turn that warms up."""
    seconds = {name: [] for name in functions}
    for _ in range(turns + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return {name: values[1:] for name, values in seconds.items()}


def spread(values, digits=2):
    """Return the median and the range as text."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def ratios(values, others):
    return [value / other for value, other in zip(values, others, strict=True)]


def pictures(size):
    """Return content and style with `size` × `size` pixels."""
    from nst_keras import load_image, resize

    return [resize(load_image(path), (size, size)) for path in (CONTENT, STYLE)]


def network_for(name):
    from nst_keras import build_network
    from nst_keras.network import LAYERS

    layers = [layer for part in LAYERS[name] for layer in part]
    return build_network(name, layers, weights=None if name == "lite" else "random")


def objective_for(network, content, style):
    """Return the default objective of `style_transfer`."""
    from nst_keras import FORMULAS, Objective, content_terms, style_targets, style_terms, total_variation_term
    from nst_keras.network import LAYERS

    weights, (content_layers, style_layers) = FORMULAS["relative"], LAYERS[network.name]
    terms = content_terms(network, content, content_layers, weights.content_weight)
    terms += style_terms(style_targets(network, style, style_layers), weights.style_weight)
    return Objective(network, [*terms, total_variation_term(weights.tv_weight)], content.shape)


def floor_of(network, content):
    """Return a function that runs the bare layers, and the gradient of the deepest with respect to the image."""
    import tensorflow as tf

    from nst_keras.networks.weights import constant_weights

    deepest, features_of = list(network.output)[-1], constant_weights(network)
    image = tf.constant(content[None])

    @tf.function(autograph=False)
    def floor(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            features = features_of(image)[deepest]
        return tape.gradient(features, image)

    return lambda: floor(image).numpy()


def evaluation(name, size):
    """Return the seconds of one value and gradient, and of its floor."""
    network, (content, style) = network_for(name), pictures(size)
    objective = objective_for(network, content, style)
    return in_turns({"ours": lambda: objective.evaluate(content), "floor": floor_of(network, content)})


def peak_memory():
    """Return the peak memory of this process in bytes."""
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def memory_of_an_evaluation(name, size):
    """Return by how many bytes an objective and two evaluations raise the peak memory of this process."""
    network, (content, style) = network_for(name), pictures(size)
    network(content[None, :32, :32])
    before = peak_memory()
    objective = objective_for(network, content, style)
    for _ in range(2):
        objective.evaluate(content)
    return peak_memory() - before


def optimisers(size, iterations):
    """Let each optimiser run from the content; return what it adds to an evaluation, as a share, and the last loss."""
    from nst_keras.optimize import OPTIMIZERS, minimize
    from nst_keras.results.recorder import Recorder

    content, style = pictures(size)
    objective = objective_for(network_for("lite"), content, style)
    evaluate, spent = objective.evaluate, 0.0

    def timed(image):
        nonlocal spent
        started = time.perf_counter()
        values = evaluate(image)
        spent += time.perf_counter() - started
        return values

    objective.evaluate = timed
    found = {name: {"added": [], "loss": 0.0} for name in OPTIMIZERS}
    for turn in range(TURNS + 1):
        for name in OPTIMIZERS:
            spent, started = 0.0, time.perf_counter()
            recorder = Recorder(objective, content, iterations)
            minimize(recorder, name)
            if turn:
                found[name]["added"].append((time.perf_counter() - started) / spent - 1)
            found[name]["loss"] = recorder.best_total
    return found


def command(size):
    """Paint and write a picture in this new process; return the seconds of the whole and of its parts."""
    import psutil

    born, started = psutil.Process().create_time(), time.perf_counter()
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as nst_keras does, when it is imported before TensorFlow
    import tensorflow  # noqa: F401

    tensorflow_there = time.perf_counter()
    from nst_keras import Objective, optimize, style_transfer

    imported = time.perf_counter()
    parts = {"TensorFlow": tensorflow_there - started, "import of nst_keras": imported - tensorflow_there}

    def timed(function, part):
        def call(*arguments, **options):
            started = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                parts[part] = parts.get(part, 0.0) + time.perf_counter() - started

        return call

    Objective.__init__ = timed(Objective.__init__, "compilation")
    Objective.evaluate = timed(Objective.evaluate, "evaluations")
    optimize.OPTIMIZERS["lbfgs"] = timed(optimize.lbfgs, "optimiser")
    with tempfile.TemporaryDirectory() as folder:
        style_transfer(CONTENT, STYLE, size=size).save(f"{folder}/picture.png")
    parts["optimiser"] -= parts["evaluations"]
    whole = time.time() - born
    return {"whole": whole} | parts | {"the rest": whole - sum(parts.values())}


def large_print(side, tile):
    """Return the seconds of one iteration of a square picture in tiles, and the peak memory of this process."""
    from nst_keras import style_transfer

    content, style = pictures(side)
    options = {"size": side, "scales": 1, "tile": tile, "optimizer": "lbfgs-float32"}
    steps = style_transfer(content, style, iterations=2, **options).history
    return {"seconds": (steps[-1].seconds / steps[-1].evaluations), "bytes": peak_memory()}


def in_a_child(function, *arguments):
    """Run a function in a fresh process, so that peak memory and imports are its own, and return its result."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


class Report:
    """Print tables for people, and keep the same figures for programs."""

    def __init__(self):
        self.figures, self.goals, self.lines = {}, [], []

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def table(self, *columns):
        self.say()
        self.row(*columns)
        self.say("|" + "---|" * len(columns))

    def row(self, *cells):
        self.say(f"| {' | '.join(str(cell) for cell in cells)} |")

    def goal(self, what, goal, values):
        reached = statistics.median(values)
        self.goals.append((what, f"≤ {goal:g}", spread(values), "" if reached <= goal else "not reached"))


def machine():
    """Return a description of the machine and of the versions of the libraries."""
    import keras
    import scipy
    import tensorflow as tf

    name = platform.processor() or platform.machine()
    if (cpus := Path("/proc/cpuinfo")).exists():
        name = re.search(r"model name\s*: (.+)", cpus.read_text())[1]
    gpus = ", ".join(device.name for device in tf.config.list_physical_devices("GPU")) or "no GPU"
    libraries = f"TensorFlow {tf.__version__}, Keras {keras.__version__}, scipy {scipy.__version__}"
    return (
        f"{name}, {os.cpu_count()} cores, {gpus}, {platform.system()}, Python {platform.python_version()}, {libraries}"
    )


def commit():
    """Return the short name of the commit, with a + if files have changed since."""
    git = ["git", "-C", str(ROOT)]
    name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "nst_keras"], check=False).returncode
    return name.strip() + "+" * bool(changed)


def evaluations_part(report, sizes, at):
    report.table("network", "px", "evaluation, ms", "× floor", "peak bytes a pixel")
    for name in ("lite", "vgg19"):
        for size in sizes if name == "lite" else (at,):
            seconds = in_a_child(evaluation, name, size)
            to_floor = ratios(seconds["ours"], seconds["floor"])
            memory = round(in_a_child(memory_of_an_evaluation, name, size) / size**2)
            milliseconds = 1000 * statistics.median(seconds["ours"])
            report.row(name, size, round(milliseconds), spread(to_floor), memory)
            report.figures[f"{name} {size}"] = {"ms": milliseconds, "to floor": to_floor, "bytes a pixel": memory}
            if size == at:
                report.goal(f"{name}, {size} px: evaluation / floor", 1.1 if name == "vgg19" else 1.25, to_floor)


def optimisers_part(report, size, iterations):
    found = in_a_child(optimisers, size, iterations)
    report.table(f"optimiser, lite, {size} px", "added to an evaluation, × evaluation", f"loss after {iterations}")
    for name, values in found.items():
        report.row(name, spread(values["added"]), f"{values['loss']:.2f}")
    report.figures["optimisers"] = found


def command_part(report, at):
    runs = [in_a_child(command, at) for _ in range(TURNS)]
    report.table(f"from the command to a picture of {at} px", "seconds")
    for part in runs[0]:
        report.row(part, spread([run[part] for run in runs], 1))
    report.figures["command"] = runs
    report.goal(f"command to a written picture of {at} px, seconds", 12, [run["whole"] for run in runs])


def print_part(report, side, tile):
    found = in_a_child(large_print, side, tile)
    report.table("print", "evaluation, s", "peak memory of the process, GB")
    report.row(
        f"{side} × {side} px, tile={tile}, lbfgs-float32", round(found["seconds"]), f"{found['bytes'] / 1e9:.1f}"
    )
    report.figures["print"] = found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the script itself; writes nothing")
    parser.add_argument("--print", action="store_true", dest="large", help="also a picture of 4096 × 4096 pixels")
    options = parser.parse_args()
    sizes, at, small, iterations = ((64,), 64, 64, 5) if options.quick else ((256, 512, 1024), 512, 256, 20)
    report = Report()
    report.say(f"Commit {commit()}, {date.today():%B %Y}. {machine()}.")
    evaluations_part(report, sizes, at)
    optimisers_part(report, small, iterations)
    command_part(report, at)
    if options.large:
        print_part(report, *((128, 64) if options.quick else (4096, 1024)))
    report.table("goal", "", "reached", "")
    for goal in report.goals:
        report.row(*goal)
    if not options.quick:
        FIGURES.write_text(json.dumps({"made": report.lines[0]} | report.figures, indent=1) + "\n", encoding="utf-8")
        tables = "\n".join([*report.lines, "", ""])
        PAGE.write_text(TABLES.sub(lambda _: tables, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
