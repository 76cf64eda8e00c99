"""Measure the time and memory of style transfer, and compare them with goals: `make bench`.

    python benchmarks/speed.py [--quick] [--json FILE]

Every figure is a ratio within one run, because machines differ and run other programs. The compared functions take
turns, and the median over the rounds counts. The floor is a lower bound for every program that uses the network: one
forward pass through the bare layers, and the gradient with respect to the image. VGG19 has random weights, which cost
the same as trained ones.

- per evaluation: value and gradient, against the floor; peak memory in a process of its own
- patterns: the steps of other programs, written again here for VGG19
- optimisers: the time they add to an evaluation; the loss after the same number of iterations
- a run: time to a given loss at full size; share of time inside the network and scipy; total time of the command
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONTENT, STYLE = ROOT / "images" / "cat.jpg", ROOT / "images" / "impasto_night.jpg"


def in_turns(functions, rounds):
    """Return {name: median seconds} of functions that take turns, after a warm-up round."""
    seconds = {name: [] for name in functions}
    for _ in range(rounds + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


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

    deepest = list(network.output)[-1]
    image = tf.constant(content[None])

    @tf.function(autograph=False)
    def floor(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            features = network(image)[deepest]
        return tape.gradient(features, image)

    return lambda: floor(image).numpy()


def evaluation(name, size, rounds):
    """Return the milliseconds of one value and gradient, and of its floor."""
    network, (content, style) = network_for(name), pictures(size)
    objective = objective_for(network, content, style)
    functions = {"ours": lambda: objective.evaluate(content), "floor": floor_of(network, content)}
    return {key: 1000 * value for key, value in in_turns(functions, rounds).items()}


def peak_memory(name, size):
    """Return by how many bytes an objective and two evaluations raise the peak memory of this process."""
    network, (content, style) = network_for(name), pictures(size)
    network(content[None, :32, :32])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    objective = objective_for(network, content, style)
    for _ in range(2):
        objective.evaluate(content)
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def patterns(size, rounds):
    """Return the milliseconds of one step on VGG19, in the way of several programs."""
    import keras
    import tensorflow as tf

    content, style = pictures(size)
    network = network_for("vgg19")
    objective = objective_for(network, content, style)
    functions = {"ours": lambda: objective.evaluate(content)}
    variable, sgd = tf.Variable(content[None]), keras.optimizers.SGD(1e-9)

    def raw_gram(features):
        flat = tf.reshape(tf.transpose(features, (2, 0, 1)), (features.shape[-1], -1))
        return tf.matmul(flat, flat, transpose_b=True)

    def loss_of_batch(image):
        """Compute the loss as the Keras example does: content, style and result in one batch, at every step."""
        features = network(tf.concat([content[None], style[None], image], axis=0))
        deep = features["block4_conv2"]
        loss = tf.reduce_sum(tf.square(deep[2] - deep[0]))
        for layer in (f"block{i}_conv1" for i in range(1, 6)):
            loss += tf.reduce_sum(tf.square(raw_gram(features[layer][1]) - raw_gram(features[layer][2])))
        return loss

    @tf.function
    def value_and_gradient(image):
        with tf.GradientTape() as tape:
            loss = loss_of_batch(image)
        return loss, tape.gradient(loss, image)

    def keras_example():
        _, gradient = value_and_gradient(variable)
        sgd.apply([gradient], [variable])

    def eager():
        with tf.GradientTape() as tape:
            image = tf.constant(content[None])
            tape.watch(image)
            features = network(image)
            loss = sum(tf.reduce_sum(tf.square(raw_gram(features[f"block{i}_conv1"][0]))) for i in range(1, 6))
        tape.gradient(loss, image).numpy()

    functions |= {"three in a batch (Keras example)": keras_example, "eager, one image": eager}
    return {key: 1000 * value for key, value in in_turns(functions, rounds).items()}


def optimisers(size, iterations):
    """Run each optimiser from the content; return the milliseconds it adds to an evaluation, and its final loss."""
    from nst_keras.optimize import OPTIMIZERS, minimize
    from nst_keras.results.recorder import Recorder

    content, style = pictures(size)
    objective = objective_for(network_for("lite", "float32"), content, style)
    evaluate, found = objective.evaluate, {}
    for name in (*OPTIMIZERS, "lbfgs, restarted every 20"):
        spent = 0.0

        def timed(x):
            nonlocal spent
            started = time.perf_counter()
            values = evaluate(x)
            spent += time.perf_counter() - started
            return values

        objective.evaluate = timed
        started = time.perf_counter()
        restarts = iterations // 20 if "restarted" in name else 1
        image, evaluations = content, 0
        for _ in range(restarts):
            recorder = Recorder(objective, image, iterations // restarts)
            minimize(recorder, name.split(",")[0])
            image, evaluations = recorder.best_image, evaluations + recorder.evaluations
        total = time.perf_counter() - started
        found[name] = {
            "evaluation": 1000 * spent / evaluations,
            "added": 1000 * (total - spent) / iterations,
            "loss": recorder.best_total,
        }
    return found


def runs(size, max_iterations):
    """Time whole runs until they reach the default's final loss, and measure where the default spends its time."""
    from nst_keras import Objective, optimize, style_transfer

    spent = {"network": 0.0, "scipy": 0.0, "recorder": 0.0}

    def timed(function, part):
        def call(*arguments, **options):
            started = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent[part] += time.perf_counter() - started

        return call

    def steps_of(target=None, **settings):
        steps = []

        def record(step):
            steps.append(step)
            if target is not None and step.size == size and step.total <= target:
                raise StopIteration

        style_transfer(CONTENT, STYLE, size=size, callback=record, **settings)
        return steps

    steps_of(iterations=2)  # warm-up
    evaluate, minimize, recorder = Objective.evaluate, optimize.scipy_minimize, optimize.Recorder.__call__
    Objective.evaluate = timed(evaluate, "network")
    optimize.scipy_minimize = timed(minimize, "scipy")
    optimize.Recorder.__call__ = timed(recorder, "recorder")
    started = time.perf_counter()
    default = steps_of()
    wall = time.perf_counter() - started
    Objective.evaluate, optimize.scipy_minimize, optimize.Recorder.__call__ = evaluate, minimize, recorder
    # scipy calls the recorder, which calls the network; the time of the recorder itself is ours
    inside = spent["network"] + spent["scipy"] - spent["recorder"]
    target = default[-1].total
    variants = {
        "default": default,
        "lbfgs-float32": steps_of(target, optimizer="lbfgs-float32", iterations=max_iterations // 2),
        "single scale, scipy with bounds": steps_of(target, scales=1, iterations=max_iterations),
    }
    return {
        "loss": target,
        "inside": inside / wall,
        "network": spent["network"] / wall,
        "runs": {
            name: {
                "seconds": steps[-1].seconds,
                "evaluations": sum(step.size == size for step in steps),
                "reached": steps[-1].total <= target,
                "loss": steps[-1].total,
            }
            for name, steps in variants.items()
        },
    }


def cold_start(size):
    """Return the seconds from the start of the command to the written picture."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nst_keras", CONTENT, STYLE, "-o", f"{folder}/out.png", "--size", str(size)]
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        return time.perf_counter() - started


def in_a_child(function, *arguments):
    """Run a function in a fresh process, so that the peak memory is its own, and return its result."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


class Report:
    """Print tables for people, and keep the same figures for programs."""

    def __init__(self):
        self.figures, self.goals = {}, []

    def section(self, title, *columns):
        print(f"\n### {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)

    def row(self, *cells):
        print(
            f"| {' | '.join(f'{cell:.2f}' if isinstance(cell, float) else str(cell) for cell in cells)} |", flush=True
        )

    def goal(self, what, goal, reached, at_least=False):
        met = reached >= goal if at_least else reached <= goal
        self.goals.append({"what": what, "goal": goal, "at_least": at_least, "reached": reached, "met": met})

    def print_goals(self):
        self.section("Goals", "what", "goal", "reached", "")
        for goal in self.goals:
            sign = "≥" if goal["at_least"] else "≤"
            self.row(goal["what"], f"{sign} {goal['goal']:g}", goal["reached"], "" if goal["met"] else "not reached")


def machine():
    """Return a description of the machine and of the versions of the libraries."""
    import keras
    import scipy
    import tensorflow as tf

    versions = f"TensorFlow {tf.__version__}, Keras {keras.__version__}, scipy {scipy.__version__}"
    gpus = ", ".join(device.name for device in tf.config.list_physical_devices("GPU")) or "no GPU"
    return (
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {gpus}, {platform.system()}, {versions}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the script itself")
    parser.add_argument("--json", type=Path, default=ROOT / "out" / "speed.json")
    options = parser.parse_args()
    sizes, at, rounds, iterations, run_size = (
        ((64,), 64, 1, 20, 128) if options.quick else ((256, 512, 1024), 512, 10, 60, 384)
    )
    report = Report()
    print(machine())

    report.section("Per evaluation", "network", "px", "ms", "floor, ms", "ratio", "peak bytes a pixel")
    for name in ("lite", "vgg19"):
        for size in sizes:
            turns = max(2, rounds // (5 if name == "vgg19" else 1) // max(1, size // 512))
            value, floor = in_a_child(evaluation, name, size, turns).values()
            memory = in_a_child(peak_memory, name, size) / size**2
            report.row(name, size, round(value), round(floor), value / floor, round(memory))
            report.figures[f"{name} {size}"] = {"ms": value, "floor": floor, "bytes_a_pixel": memory}
            if size == at:
                report.goal(f"{name}, {size} px: evaluation / floor", 1.1 if name == "vgg19" else 1.2, value / floor)

    milliseconds = in_a_child(patterns, at, max(1, rounds // 4))
    ours, example = milliseconds["ours"], milliseconds["three in a batch (Keras example)"]
    report.figures["patterns"] = milliseconds
    report.section(f"One step on VGG19 at {at} px", "pattern", "ms", "× ours")
    for name, value in milliseconds.items():
        report.row(name, round(value), value / ours)
    report.goal("Keras example / ours", 2.7, example / ours, at_least=True)

    found = in_a_child(optimisers, at, iterations)
    report.figures["optimisers"] = found
    report.section(f"Optimisers, lite at {at} px, {iterations} iterations", "", "evaluation, ms", "added, ms", "loss")
    for name, values in found.items():
        report.row(name, round(values["evaluation"]), round(values["added"]), values["loss"])

    found = in_a_child(runs, run_size, 10 * iterations)
    report.figures["runs"] = found
    report.section(
        f"Runs on lite at {run_size} px to the default's loss", "", "seconds", "full-size iterations", "loss"
    )
    for name, values in found["runs"].items():
        note = "" if values["reached"] else " (did not get there)"
        report.row(name + note, values["seconds"], values["evaluations"], values["loss"])
    single = found["runs"]["single scale, scipy with bounds"]["seconds"]
    report.goal("default / single scale with bounds, seconds", 1 / 3, found["runs"]["default"]["seconds"] / single)
    report.goal("share of time inside the network and scipy", 0.8, found["inside"], at_least=True)

    report.goal(f"command to a written {at} px picture, seconds", 20, cold_start(at))
    report.print_goals()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"machine": machine(), "goals": report.goals} | report.figures, indent=1))


if __name__ == "__main__":
    main()
