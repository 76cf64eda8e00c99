"""The exercises: stubs fail with help, solutions pass, and usual mistakes are recognised, each with its own hint.

The wrong answers are written here as a learner would write them, not as in answers.py.
"""

import itertools
import re
import sys

import nbformat
import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "notebooks" / "exercises"))
from answers import EXERCISES
from checks import check, enlarge, tiny_network, verdict

FOLDER = ROOT / "notebooks" / "exercises"


def functions_of(name):
    """{name: function} that the notebook's cells define, in order; the last cell of the solutions is left out."""
    cells = [cell for cell in nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells if cell.cell_type == "code"]
    namespace = {}
    for cell in cells[: len(EXERCISES) + 1]:
        exec(cell.source, namespace)
    return {name: namespace[name] for name in namespace if name in EXERCISES}


def positions(F):
    return F.reshape(-1, F.shape[-1])


def gradient_by_difference(F, A):
    def loss(F):
        return np.sum((F.T @ F - A) ** 2) / (4 * F.size**2)

    steps = np.eye(F.size).reshape(-1, *F.shape) * 1e-5
    central = [(loss(F + step) - loss(F - step)) / 2e-5 for step in steps]
    return np.where(F > 0, np.reshape(central, F.shape), 0)


def colored(style, content, root=np.linalg.cholesky, ridge=1e-5, mean=True):
    s, c = positions(style).T, positions(content).T
    A = root(np.cov(c, bias=True) + ridge * np.eye(3)) @ np.linalg.inv(root(np.cov(s, bias=True) + ridge * np.eye(3)))
    new = A @ (s - s.mean(axis=1, keepdims=True)) + mean * c.mean(axis=1, keepdims=True)
    return new.T.reshape(style.shape)


def chained(maps):
    return [np.einsum("hwi,hwj->ij", a, enlarge(b, a.shape)) / a[..., 0].size for a, b in itertools.pairwise(maps)]


def broken(image, content, style, *, squares=np.square, cut=lambda F: F.reshape(-1, 2), mean=True, sign=1):
    F, P, S = [tiny_network(np.array(picture)) for picture in (image, content, style)]
    content_term = np.sum(squares(F - P)) if squares else (F - P).sum() ** 2
    G, A = (cut(F).T @ cut(F) / (len(cut(F)) if mean else 1) for F in (F, S))
    return content_term + sign * 10 * np.square(G - A).sum()


def scrambled(F):
    return F.reshape(2, -1).T


def paired(maps, cut):
    return [(positions(a), cut(a, enlarge(b, a.shape))) for a, b in itertools.pairwise(maps)]


def in_place(x, g, rate):
    x -= rate * g
    return x.clip(0, 1)


def colors_in_place(style, content):
    style -= style.mean(axis=(0, 1))
    return style


OTHER_RIGHT_ANSWERS = {
    "mean_gram_matrix": lambda F: np.einsum("hwi,hwj->ij", F, F).astype("float32") / (F.shape[0] * F.shape[1]),
    "gram_gradient": gradient_by_difference,
    "chain_matrices": lambda maps: tuple(chained(maps)),
    "match_colors": colored,
    "objective": broken,
    "receptive_field": lambda layers: float(1 + sum((k - 1) * 2 ** (i // 2) for i, (k, _) in enumerate(layers))),
}
WRONG_ANSWERS = {
    "content_loss": {
        "the ½": lambda F, P: ((F - P) ** 2).sum(),
        "this is a mean; equation 1 sums over": lambda F, P: ((F - P) ** 2).mean(),
        "squares the sum": lambda F, P: (F - P).sum() ** 2 / 2,
        "opposite sign": lambda F, P: 0.5 * (F - P).sum(),
        "absolute": lambda F, P: 0.5 * np.abs(F - P).sum(),
        "a square root too many": lambda F, P: np.linalg.norm(F - P),
        "½‖F − P‖": lambda F, P: np.linalg.norm(F - P) / 2,
    },
    "mean_gram_matrix": {
        "missing normalisation": lambda F: np.tensordot(F, F, ((0, 1), (0, 1))),
        "transposed: F Fᵀ": lambda F: positions(F) @ positions(F).T / 12,
        "mixes the channels": lambda F: F.reshape(2, 12) @ F.reshape(2, 12).T / 12,
        "divided by N,": lambda F: positions(F).T @ positions(F) / 2,
        "divided by h:": lambda F: positions(F).T @ positions(F) / len(F),
        "divided by M·N": lambda F: positions(F).T @ positions(F) / F.size,
        "covariance": lambda F: (positions(F) - F.mean((0, 1))).T @ (positions(F) - F.mean((0, 1))) / 12,
        "itself only": lambda F: (F * F).mean(axis=(0, 1)),
        "`F.T @ F` of three axes": lambda F: F.T @ F / len(F),
        "`F @ F.T` of three axes": lambda F: F @ F.T / 12,
    },
    "gram_gradient": {
        "sign is turned": lambda F, A: -gradient_by_difference(F, A),
        "ReLU is missing": lambda F, A: F @ (F.T @ F - A) / F.size**2,
        "missing normalisation": lambda F, A: (F > 0) * (F @ (F.T @ F - A)),
        "nothing is divided": lambda F, A: (F > 0) * (4 * F @ (F.T @ F - A)),
        "divided by NM": lambda F, A: (F > 0) * (F @ (F.T @ F - A)) / F.size,
        "4 times too small": lambda F, A: (F > 0) * (F @ (F.T @ F - A)) / (4 * F.size**2),
        "4 times too large": lambda F, A: (F > 0) * (4 * F @ (F.T @ F - A)) / F.size**2,
        "twice too large": lambda F, A: 2 * gradient_by_difference(F, A),
        "divided by NM, and E has N²M². Besides, the ReLU is missing": lambda F, A: F @ (F.T @ F - A) / F.size,
        "transposed": lambda F, A: (((F.T @ F - A) @ F.T) * (F.T > 0)) / F.size**2,
        "does not fit": lambda F, A: (F.T @ F - A) @ F,
        "half of it": lambda F, A: gradient_by_difference(F, A) / 2,
        "G is a mean": lambda F, A: (F > 0) * (F @ (F.T @ F / len(F) - A)) / F.size**2,
    },
    "total_variation": {
        "around the border": lambda x: sum(np.square(x - np.roll(x, 1, a)).sum() for a in (0, 1)),
        "absolute": lambda x: sum(np.abs(np.diff(x, axis=a)).sum() for a in (0, 1)),
        "means": lambda x: sum(np.square(np.diff(x, axis=a)).mean() for a in (0, 1)),
        "in a column are missing": lambda x: np.square(x[:, 1:] - x[:, :-1]).sum(),
        "ups and downs cancel": lambda x: (x[:, 1:] - x[:, :-1]).sum() + (x[1:] - x[:-1]).sum(),
        "last axis, the colours": lambda x: np.square(np.diff(x)).sum(),
        "this is its square root": lambda x: np.sqrt(sum(np.square(np.diff(x, axis=a)).sum() for a in (0, 1))),
        "√(dx² + dy²) for each pixel": lambda x: np.hypot(np.diff(x, axis=1)[:-1], np.diff(x, axis=0)[:, :-1]).sum(),
        "‖dx‖ + ‖dy‖": lambda x: sum(np.linalg.norm(np.diff(x, axis=a)) for a in (0, 1)),
    },
    "descent_step": {
        "uphill": lambda x, g, rate: (x + rate * g).clip(0, 1),
        "leave [0, 1]": lambda x, g, rate: x - rate * g,
        "η is missing": lambda x, g, rate: (x - g).clip(0, 1),
        "step alone": lambda x, g, rate: g * rate,
        "at least 0, and at most 1": lambda x, g, rate: np.maximum(0, x - rate * g),
        "changes its input": in_place,
    },
    "receptive_field": {
        "strides are ignored": lambda layers: 1 + sum(k - 1 for k, _ in layers),
        "do not add up": lambda layers: sum(k for k, _ in layers),
        "do not multiply": lambda layers: np.prod([k for k, _ in layers]),
        "product of strides": lambda layers: np.prod([s for _, s in layers]),
        "start with 1": lambda layers: sum((k - 1) * 2 ** (i // 2) for i, (k, _) in enumerate(layers)),
        "not k · t": lambda layers: 1 + sum(k * 2 ** (i // 2) for i, (k, _) in enumerate(layers)),
    },
    "shifted_gram_matrix": {
        "added to the Gram matrix": lambda F, s: positions(F).T @ positions(F) / 12 + s,
        "sign is turned": lambda F, s: positions(F - s).T @ positions(F - s) / 12,
        "only the second": lambda F, s: positions(F).T @ positions(F + s) / 12,
        "only the first": lambda F, s: positions(F + s).T @ positions(F) / 12,
        "subtracts the means": lambda F, s: np.cov(positions(F).T, bias=True),
        "missing normalisation": lambda F, s: positions(F + s).T @ positions(F + s),
        "second ReLU": lambda F, s: positions((F + s).clip(0)).T @ positions((F + s).clip(0)) / 12,
        "divided by N,": lambda F, s: positions(F + s).T @ positions(F + s) / 2,
        "divided by h:": lambda F, s: positions(F + s).T @ positions(F + s) / len(F),
        "divided by M·N": lambda F, s: positions(F + s).T @ positions(F + s) / F.size,
        "`F.T @ F` of three axes": lambda F, s: (F + s).T @ (F + s) / len(F),
    },
    "chain_matrices": {
        "replaces them": lambda maps: [np.einsum("hwi,hwj->ij", F, F) / F[..., 0].size for F in maps],
        "all pairs": lambda maps: [*chained(maps[:2]), *chained([maps[0], maps[2]]), *chained(maps[1:])],
        "transposed": lambda maps: [matrix.T for matrix in chained(maps)],
        "missing normalisation": lambda maps: [matrix * 24 for matrix in chained(maps)],
        "deeper layer's positions": lambda maps: [chained(maps)[0], 4 * chained(maps)[1]],
        "enlarge it first": lambda maps: [positions(a).T @ positions(b) / 24 for a, b in itertools.pairwise(maps)],
        "own number of channels": lambda maps: [
            a.T @ b for a, b in paired(maps, lambda a, b: b.reshape(-1, a.shape[-1]))
        ],
        "three axes": lambda maps: [a.T @ enlarge(b, a.shape) / 24 for a, b in itertools.pairwise(maps)],
        "takes a shape": lambda maps: [positions(a).T @ positions(enlarge(b, a)) for a, b in itertools.pairwise(maps)],
        "the last layer has no next one": lambda maps: [maps[i + 1] for i in range(len(maps))],
        "one pair is missing": lambda maps: chained(maps)[:1],
    },
    "guided_gram_matrix": {
        "divided by all positions": lambda F, T: np.einsum("hw,hwi,hwj->ij", T**2, F, F) / T.size,
        "divided by ΣT;": lambda F, T: np.einsum("hw,hwi,hwj->ij", T**2, F, F) / T.sum(),
        "missing normalisation": lambda F, T: np.einsum("hw,hwi,hwj->ij", T**2, F, F),
        "only one factor": lambda F, T: np.einsum("hw,hwi,hwj->ij", T, F, F) / (T**2).sum(),
        "black and white": lambda F, T: F[T >= 0.5].T @ F[T >= 0.5] / (T >= 0.5).sum(),
        "takes black": lambda F, T: np.einsum("hw,hwi,hwj->ij", (1 - T) ** 2, F, F) / ((1 - T) ** 2).sum(),
        "third axis": lambda F, T: positions(T * F),
        "`F.T @ F` of three axes": lambda F, T: (T[..., None] * F).T @ (T[..., None] * F) / (T**2).sum(),
    },
    "match_colors": {
        "pixels @ A.T": lambda s, c: (s - s.mean((0, 1))) @ color_matrix(s, c) + c.mean((0, 1)),
        "multiplies stacks": lambda s, c: color_matrix(s, c) @ (s - s.mean((0, 1))) + c.mean((0, 1)),
        "A @ pixels does not fit": lambda s, c: color_matrix(s, c) @ positions(s - s.mean((0, 1))),
        "μ_C is not added": lambda s, c: colored(s, c, mean=False),
        "it is μ_C": lambda s, c: colored(s, c, mean=False) + s.mean((0, 1)),
        "Cholesky factors": lambda s, c: colored(s, c, root=lambda covariance: covariance),
        "add 1e-5": lambda s, c: colored(s, c, ridge=0),
        "lower triangular": lambda s, c: colored(s, c, root=lambda covariance: np.linalg.cholesky(covariance).T),
        "changes its input": colors_in_place,
    },
    "objective": {
        "changes its input": lambda i, c, s: tiny_network(i).sum(),
        "still wrong: the content term. The first of these: (Σ(F − P))²": lambda *pictures: broken(
            *pictures, squares=None
        ),
        "still wrong: the reshape. ": lambda *pictures: broken(*pictures, cut=scrambled),
        "still wrong: the Gram matrices. ": lambda *pictures: broken(*pictures, mean=False),
        "divided by N,": lambda *pictures: broken(*pictures, cut=lambda F: F.reshape(-1, 2) * (F.size / 4) ** 0.5),
        "divided by M·N": lambda *pictures: broken(*pictures, cut=lambda F: F.reshape(-1, 2) / 2**0.5),
        "F @ F.T is (M, M)": lambda *pictures: broken(
            *pictures, cut=lambda F: F.reshape(-1, 2).T, squares=None, sign=-1
        ),
        "still wrong: the sum of the terms. ": lambda *pictures: broken(*pictures, sign=-1),
        "still wrong: the reshape, the sum of the terms. ": lambda *pictures: broken(*pictures, cut=scrambled, sign=-1),
    },
}


def color_matrix(style, content):
    factors = [
        np.linalg.cholesky(np.cov(positions(picture).T, bias=True) + 1e-5 * np.eye(3)) for picture in (style, content)
    ]
    return factors[1] @ np.linalg.inv(factors[0])


def answer(name, function):
    def answered(*arguments):
        return function(*arguments)

    answered.__name__ = name
    return verdict(answered)


def test_every_stub_fails_and_says_what_is_asked_for():
    stubs = functions_of("exercises")
    assert stubs.keys() == EXERCISES.keys()
    for name, stub in stubs.items():
        solved, message = verdict(stub)
        assert not solved
        if name == "objective":
            assert "changes its input" in message
        else:
            assert f"{name} returns nothing yet.\n  Asked for: {EXERCISES[name].asks}; see notebook" in message


def test_every_solution_passes():
    solutions = functions_of("solutions")
    assert list(solutions) == list(functions_of("exercises"))
    assert {name: verdict(solution) for name, solution in solutions.items()} == {
        name: (True, f"✓ {name}: correct.") for name in EXERCISES
    }


@pytest.mark.parametrize("name", OTHER_RIGHT_ANSWERS)
def test_other_ways_to_write_it_pass(name):
    assert answer(name, OTHER_RIGHT_ANSWERS[name]) == (True, f"✓ {name}: correct.")


@pytest.mark.parametrize("name", EXERCISES)
def test_usual_mistakes_get_their_own_hint(name):
    hints = []
    assert len(WRONG_ANSWERS[name]) >= 5
    for expected, function in WRONG_ANSWERS[name].items():
        solved, message = answer(name, function)
        assert not solved
        assert expected in message, f"{expected}\n{message}"
        hints.append(message.split("Hint: ")[1])
    assert len(set(hints)) == len(hints)


@pytest.mark.parametrize("name", EXERCISES)
def test_no_mistake_is_taken_for_the_answer_or_for_another(name):
    """What each mistake gives, given back to the check, leads to that mistake's hint."""
    exercise = EXERCISES[name]
    for hint in exercise.solve(*exercise.cases[0])[1]:

        def mistaken(*arguments, hint=hint):
            value = exercise.solve(*arguments)[1][hint]
            if isinstance(value, Exception):
                raise value
            return value

        assert answer(name, mistaken)[1].endswith(f"Hint: {hint}")


def test_a_message_shows_input_expected_and_got():
    message = answer("mean_gram_matrix", lambda F: np.einsum("hwi,hwj->ij", F, F))[1]
    assert message == (
        "✗ mean_gram_matrix: not yet.\n"
        "  Asked for: G/M = FᵀF / M, shape (N, N); see notebook 03.\n"
        "  Input:    [[[0 2] [4 1] [3 0] [2 4]] [[1 3] [0 2] [4 1] [3 0]] [[2 4] [1 3] [0 2] [4 1]]]\n"
        "  Expected: [[6.33333 2.83333] [2.83333 5.41667]]\n"
        "  Got:      [[76 34] [34 65]]\n"
        "  Hint: missing normalisation: this is FᵀF, the sum over positions; divide it by M = h·w."
    )


def test_layers_are_shown_as_they_are_written_and_numbers_with_every_digit_that_counts():
    assert "  Input:    [(3, 1)]\n  Expected: 3\n  Got:      5\n" in answer("receptive_field", lambda layers: 5)[1]
    almost = answer("descent_step", lambda x, g, rate: np.clip(x - rate * g, 0, 1) * 0.9997)[1]
    expected, got = (re.search(rf"{line}: +(.+)", almost)[1] for line in ("Expected", "Got"))
    assert expected != got


def test_what_is_no_usual_mistake_still_gets_help():
    for function, expected in {
        "a name": (lambda F: unknown, "NameError: name 'unknown' is not defined\n  Hint: this is an error"),  # noqa: F821
        "shapes": (lambda F: F @ np.eye(5), "Hint: print the shape of each factor"),
        "a shape": (lambda F: np.ones((2, 3)), "the shape should be (2, 2), and is (2, 3)"),
        "words": (lambda F: "the Gram matrix", "ValueError: could not convert string to float"),
        "NaN": (lambda F: np.full((2, 2), np.nan), "pencil and paper"),
    }.values():
        assert expected in answer("mean_gram_matrix", function)[1]
    assert "a list of 2 is asked for; this has 5" in answer("chain_matrices", lambda maps: [np.eye(2)] * 5)[1]
    assert "There is no exercise 'gram'. Keep the stub's name" in answer("gram", np.eye)[1]


def test_check_prints_the_verdict(capsys):
    solution = functions_of("solutions")["content_loss"]
    capsys.readouterr()
    check(solution)
    assert capsys.readouterr().out == "✓ content_loss: correct.\n"
