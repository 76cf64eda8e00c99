"""Checks of the exercises: `check(function)` says at once whether it is right, and if not, what was probably done.

Whoever gets the same numbers as a usual mistake has probably made it, and reads its hint. Answers and mistakes are in
answers.py. NumPy is all that is needed.
"""

import copy

import numpy as np
from answers import EXERCISES, enlarge, tiny_network

__all__ = ["check", "enlarge", "tiny_network", "verdict"]


def check(function):
    """Print whether the function, known by its name, solves its exercise."""
    print(verdict(function)[1])


def verdict(function):
    """(whether it is solved, the message)."""
    name = function.__name__
    if name not in EXERCISES:
        return False, f"✗ There is no exercise {name!r}. Keep the stub's name: one of {', '.join(EXERCISES)}."
    exercise = EXERCISES[name]
    asked = f"  Asked for: {exercise.asks}; see notebook {exercise.notebook}."
    got = []
    for case in exercise.cases:
        arguments = copy.deepcopy(case)
        got.append(_outcome(function, arguments))
        if got[-1] is None:
            return False, f"✗ {name} returns nothing yet.\n{asked}"
        if not all(_same(_arrays(one), _arrays(other)) for one, other in zip(arguments, case, strict=True)):
            return False, (
                f"✗ {name} changes its input: after the call, an argument is no longer what it was.\n  Hint: `x -= m`, "
                "`x[...] = 0` and some functions work in place.\n  Write `x = x - m`, or give them a copy, x.copy()."
            )
    solved = [exercise.solve(*case) for case in exercise.cases]
    right = [_arrays(answer) for answer, _ in solved]
    wrong = next((i for i, outcome in enumerate(got) if not _same(outcome, right[i])), None)
    if wrong is None:
        return True, f"✓ {name}: correct."
    lines = [
        f"✗ {name}: not yet.",
        asked,
        f"  Input:    {'; '.join(map(_shown, exercise.cases[wrong]))}",
        f"  Expected: {_shown(right[wrong])}",
        f"  Got:      {_shown(got[wrong])}",
        f"  Hint: {_hint(got, [mistakes for _, mistakes in solved], got[wrong], right[wrong])}",
    ]
    return False, "\n".join(lines)


def _hint(got, mistakes, outcome, right):
    for hint in mistakes[0]:
        if all(_same(one, _arrays(of_case[hint])) for one, of_case in zip(got, mistakes, strict=True)):
            return hint
    if isinstance(outcome, ValueError):
        return "print the shape of each factor just before the line that fails."
    if isinstance(outcome, Exception):
        return "this is an error of Python, not a wrong number. Read its message, and look at the names in it."
    if len(outcome) != len(right):
        return f"a list of {len(right)} is asked for; this has {len(outcome)}."
    if any(one.shape != other.shape for one, other in zip(outcome, right, strict=True)):
        shapes = (", ".join(str(array.shape) for array in arrays) for arrays in (right, outcome))
        return "the shape should be {}, and is {}.".format(*shapes)
    return "none of the usual mistakes. Work out one expected number from the input with pencil and paper."


def _outcome(function, arguments):
    """What it returns, as a list of arrays; None for nothing; the exception, if it raises one."""
    try:
        result = function(*arguments)
        return None if result is None or result is Ellipsis else _arrays(result)
    except Exception as error:
        return error


def _arrays(result):
    """A list of arrays, of one as of several."""
    if isinstance(result, Exception):
        return result
    return [np.asarray(part, "float64") for part in (result if isinstance(result, list | tuple) else [result])]


def _same(one, other):
    if isinstance(one, Exception) or isinstance(other, Exception):
        # Errors are alike if they say the same words. T * F and F * T name the shapes in another order.
        return type(one) is type(other) and sorted(str(one).split()) == sorted(str(other).split())
    if [array.shape for array in one] != [array.shape for array in other]:
        return False
    return all(np.allclose(a, b, rtol=1e-4, atol=1e-9) for a, b in zip(one, other, strict=True))


def _shown(values):
    if isinstance(values, Exception):
        return f"{type(values).__name__}: {values}"
    if isinstance(values, list) and isinstance(values[0], tuple):  # layers, which are not numbers to compare
        return str(values)
    # Six digits show every difference that counts as one: see rtol above.
    with np.printoptions(formatter={"float": "{:.6g}".format}, threshold=24, edgeitems=2):
        return ", ".join(" ".join(np.array2string(array).split()) for array in _arrays(values))
