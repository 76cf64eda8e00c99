"""Arrays and settings of every wrong kind: named before a network is built, and nothing given is changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nst_keras import COLOR_METHODS, FORMULAS, style_transfer, transfer
from nst_keras.network import NETWORKS
from nst_keras.optimize import OPTIMIZERS
from nst_keras.support.settings import COMBINATIONS, MASK_MODES

PICTURE = np.linspace(0, 1, 40 * 48 * 3, dtype="float32").reshape(40, 48, 3)
KINDS = ("u1", "u2", ">u2", "f2", "f4", "f8", ">f4", "g", "i1", "i4", "u4", "i8", "?", "c8", "O", "U2", "M8[s]", "V3")
SHAPES = ((40, 48), (40, 48, 1), (40, 48, 3), (40, 48, 4), (48, 40, 3), (33, 32, 3))
WRONG_SHAPES = (
    (),
    (0,),
    (40,),
    (0, 0, 3),
    (40, 48, 2),
    (40, 48, 5),
    (40, 48, 0),
    (3, 40, 48),
    (31, 48, 3),
    (2, 40, 48, 3),
)
SPECIAL = (0.0, -0.0, 1.0, 1 + 1e-7, 1e-45, 1e-310, -1e-3, 1.001, 2.0, 255.0, 3e38, 1e300, np.inf, -np.inf, np.nan)
LAYOUTS = {
    "plain": lambda array: array,
    "Fortran": np.asfortranarray,
    "mirrored": lambda array: array[::-1] if array.ndim else array,
    "wider than it seems": lambda array: np.repeat(array, 2, axis=0)[::2] if array.ndim else array,
    "masked": np.ma.masked_array,
}


class Built(Exception):
    """The arguments passed all checks, and a network would be built."""


@pytest.fixture
def no_network(monkeypatch):
    def build_network(*arguments, **options):
        raise Built

    monkeypatch.setattr(transfer, "build_network", build_network)


@st.composite
def arrays(draw):
    """Arrays near to pictures, each right or wrong in shape, type, values or layout."""
    kind = np.dtype(draw(st.sampled_from(KINDS[:3] + KINDS[3:8] * 3 + KINDS)))
    array = np.zeros(draw(st.sampled_from(SHAPES * 3 + WRONG_SHAPES)), kind)
    if kind.kind in "uif":
        random = np.random.default_rng(draw(st.integers(0, 9))).uniform(size=array.shape)
        array[...] = random if kind.kind == "f" else random * np.iinfo(kind).max
    if kind.kind == "f" and array.size:
        with np.errstate(over="ignore"):
            array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from(SPECIAL))
    array = LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))](array)
    array.flags.writeable = draw(st.booleans())
    return array


def is_picture(array):
    """What `load_image` promises to take, said in another way."""
    if array.dtype.kind == "f":
        values = np.asarray(array, "float64")
        if not (np.isfinite(values) & (values >= -1e-6) & (values <= 1 + 1e-6)).all():
            return False
    elif array.dtype.str[1:] not in ("u1", "u2"):
        return False
    return array.ndim in (2, 3) and min(array.shape[:2]) >= 32 and array.shape[2:] in ((), (1,), (3,), (4,))


def contents(array):
    return array.dtype, array.shape, array.strides, array.flags.writeable, array.tobytes()


@pytest.mark.filterwarnings("ignore::nst_keras.MaskWarning", "ignore:overflow encountered in cast")
def test_arrays(no_network, tries, tally):
    counts = {"refused": 0, "taken": 0}

    @settings(max_examples=tries(500, 80))
    @given(arrays(), st.sampled_from(["content", "style", "init", "masks"]))
    def check(array, role):
        before = contents(array)
        options = {"content": PICTURE, "style": PICTURE, "size": 48} | {role: [array] if role == "masks" else array}
        if role == "masks" and is_picture(array):  # which must also have the content's proportions, and not be black
            return
        with pytest.raises((Built, ValueError)) as caught:
            style_transfer(**options)
        assert contents(array) == before
        refused = caught.type is not Built
        counts["refused" if refused else "taken"] += 1
        assert refused != is_picture(array), caught.value
        if refused:
            message = str(caught.value)
            assert message.startswith(role)
            assert any(word in message for word in ("must", "more than", "holds NaN or infinite"))
            height, width = (*array.shape, 0, 0)[:2]
            actual = str(array.dtype), str(array.shape), f"{width}×{height}", " to ", "holds"
            assert any(text in message for text in actual)

    check()
    assert min(counts.values()) > tries(500, 80) / 10
    tally(
        "generated arrays as content, style, init and mask",
        sum(counts.values()),
        f"{counts['refused']} refused with argument, expectation and what came, {counts['taken']} taken; none changed",
    )


def misspelt(names):
    """A letter missing, doubled, exchanged with the next, or all of them capitals."""

    def wrong(name, at):
        at = at % (len(name) - 1)
        return st.sampled_from(
            [
                name[:at] + name[at + 1 :],
                name[:at] + name[at] + name[at:],
                name[:at] + name[at + 1] + name[at] + name[at + 2 :],
                name.upper(),
            ]
        )

    texts = st.tuples(st.sampled_from(sorted(names)), st.integers(0, 20)).flatmap(lambda pair: wrong(*pair))
    return texts.filter(lambda text: text not in names)


NOT_NUMBERS = st.sampled_from(
    [True, "1", [1.0], np.ones(3), {}, 1j, float("nan"), float("inf"), np.float64("nan"), b"1"]
)
NOT_WHOLE = NOT_NUMBERS | st.floats(40, 50).filter(lambda x: x != int(x)) | st.sampled_from([None, 40.0])
NEGATIVE = st.floats(max_value=-1e-300, allow_infinity=False)
NOT_NAMES = st.sampled_from([1, 2.5, True, [], ["lite"], np.array(["lite", "adam"]), {}, b"lite", ""])
NOT_LAYERS = st.sampled_from(
    [3, "color", [], ["color", "color"], [3], [["color", "color"]], np.arange(3), [None], [""]]
)
MISSPELT = {
    "network": NETWORKS,
    "formula": FORMULAS,
    "optimizer": OPTIMIZERS,
    "combine": COMBINATIONS,
    "mask_mode": MASK_MODES,
    "preserve_color": COLOR_METHODS,
    "pooling": ("average", "max"),
    "init": ("content", "style", "noise", "blend"),
}
WRONG = dict.fromkeys(MISSPELT, NOT_NAMES) | {
    "size": NOT_WHOLE | st.integers(max_value=31),
    "iterations": NOT_WHOLE | st.integers(max_value=0),
    "seed": NOT_WHOLE | st.integers(max_value=-1),
    "scales": NOT_WHOLE | st.integers(max_value=0) | st.sampled_from(["autom", ""]),
    "content_weight": NOT_NUMBERS | NEGATIVE,
    "style_weight": NOT_NUMBERS | NEGATIVE,
    "tv_weight": NOT_NUMBERS | NEGATIVE,
    "style_scale": NOT_NUMBERS | NEGATIVE | st.floats(4.001, 1e308) | st.just(None),
    "style_weights": NOT_NUMBERS.filter(lambda x: not isinstance(x, list))
    | st.sampled_from([[0.0], [-1], [1, 1], ["1"], [None]]),
    "shares": NOT_NUMBERS | st.sampled_from([{"styl": 1}, {"style": -1}, {"style": "1"}, {"tv": 0}, {1: 1}, {}]),
    "content_layers": NOT_LAYERS,
    "style_layers": NOT_LAYERS,
    "masks": st.sampled_from([3, "mask.png", [], [None, None], [3], ["nothing.png"], {}, np.ones((40, 48))]),
    "style_masks": st.sampled_from([3, "mask.png", [], [None, None], [3], ["nothing.png"], {}, np.ones((40, 48))]),
    "weights": st.sampled_from([3, "", "nothing.npz", "/", b"lite.npz", [], True, "x" * 5000, "nul\0"]),
    "callback": st.sampled_from([True, 3, "print", [], {}]),
    "color_strength": (NOT_NUMBERS | NEGATIVE | st.floats(1.001, 1e308)).filter(lambda x: x is not True),
}
CONTEXT = {"color_strength": {"preserve_color": "cholesky"}, "mask_mode": {"masks": [PICTURE[..., 0]]}}


def shown(value, message):
    """Whether an error message shows what came, or its kind where that is long."""
    texts = [repr(value), str(value), type(value).__name__]
    if isinstance(value, (list, dict, np.ndarray)):
        texts += [str(len(value)), *(repr(item) for item in value), *(repr(item) for item in dict(enumerate(value)))]
        texts += [repr(item) for item in value.values()] if isinstance(value, dict) else []
    return any(text in message for text in texts)


def test_settings(no_network, tries, tally):
    tried = []

    def check(name, value):
        options = {"content": PICTURE, "style": PICTURE, "size": 48} | CONTEXT.get(name, {}) | {name: value}
        with pytest.raises(ValueError) as caught:
            style_transfer(**options)
        message = str(caught.value)
        assert name in message
        assert shown(value, message), message
        assert any(text in message for text in ("must", "no such file", "no layer")), message
        tried.append((name, str(value)))
        return message

    def check_misspelt(name, value):
        message = check(name, value)
        assert any(f"Did you mean {known!r}?" in message for known in MISSPELT[name]), message

    some = settings(max_examples=tries(60, 6))
    for name, wrong in WRONG.items():
        some(given(st.just(name), wrong)(lambda name, value: check(name, value) and None))()
    for name, known in MISSPELT.items():
        some(given(st.just(name), misspelt(known))(check_misspelt))()
    tally(
        f"wrong values of {len(WRONG)} settings, and misspelt ones of {len(MISSPELT)}",
        len(set(tried)),
        "refused with setting, expectation, what came and the nearest name; no network was built",
    )
