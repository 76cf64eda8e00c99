"""The state of a training run, kept in a file so that it can go on. Loaded on demand."""

import json
from dataclasses import asdict

import numpy as np

from ..optimize import Step
from ..support.files import packed_arrays, parsed, read_arrays, write_file

RECORD = {"settings": dict, "history": list}


def save_checkpoint(path, settings, variables, history, strategy):
    """Write all that a run is continued from; of a cluster's workers only the first does."""
    resolver = strategy.cluster_resolver
    if resolver is not None and resolver.task_id:
        return
    record = json.dumps({"settings": settings, "history": [asdict(step) for step in history]})
    arrays = {f"variable_{i}": np.asarray(variable) for i, variable in enumerate(variables)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, packed_arrays({"record": np.frombuffer(record.encode(), "uint8")} | arrays))


def restore_checkpoint(path, settings, variables):
    """Set the variables to those of a checkpoint; its history."""
    names = [f"variable_{i}" for i in range(len(variables))]
    try:
        arrays = read_arrays(path, ["record", *names])
        record = parsed(arrays["record"].tobytes(), RECORD, path)
        kept, history = record["settings"], [Step(**step) for step in record["history"]]
    except (ValueError, TypeError) as error:
        raise ValueError(f"checkpoint: {error} Delete it to start anew.") from error
    values = [arrays[name] for name in names]
    ours = json.loads(json.dumps(settings))
    other = [name for name in ours if kept.get(name) != ours[name]]
    if other or [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        differences = "; ".join(f"{name} {kept.get(name)!r} there, {ours[name]!r} here" for name in other)
        raise ValueError(
            f"checkpoint {str(path)!r} is of another run: {differences}. Choose another folder, or delete it."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return history
