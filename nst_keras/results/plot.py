"""Figures of the package and the notebooks, and the progress bar.

Each `plot_…` function returns a Matplotlib figure that is not registered with pyplot: a notebook shows it once, as a
cell's last line; elsewhere `save_figure` writes it.
"""

import contextlib
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from ..image import save_image
from ..support.types import ImageArray, PathLike

STYLE = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


@contextlib.contextmanager
def styled_figure(width: float, height: float) -> Iterator[Figure]:
    """Give a new figure of that size in inches, to be drawn within the `with` block in this package's style."""
    plt.close(plt.figure())  # loads the backend: its settings for notebooks would be undone within the context
    with plt.style.context(STYLE):
        figure = plt.figure(figsize=(width, height))
        yield figure
    plt.close(figure)


def plot_images(pictures: Mapping[str, np.ndarray], *, columns: int | None = None, height: float = 2.6) -> Figure:
    """Plot pictures, {title: image (H, W, 3) or (H, W)}, side by side under their titles.

    `columns` is the number of pictures in a row, all of them by default; `height` is that of a row, in inches.
    """
    if not pictures:
        raise ValueError("pictures must hold at least one {title: image}; got none.")
    columns = columns or len(pictures)
    rows = [list(pictures.items())[i : i + columns] for i in range(0, len(pictures), columns)]
    width = max(sum(picture.shape[1] / picture.shape[0] for _, picture in row) for row in rows)
    with styled_figure(width * height, (height + 0.3) * len(rows)) as figure:
        for band, row in zip(figure.subfigures(len(rows), squeeze=False)[:, 0], rows, strict=True):
            _row_of_images(band, dict(row))
    return figure


def plot_losses(history: Sequence) -> Figure:
    """Plot every term over the iterations, on a logarithmic axis; dotted lines mark where the size changes."""
    with styled_figure(8, 3.5) as figure:
        _loss_curves(figure.subplots(), history)
    return figure


def plot_comparison(
    content: ImageArray | None, styles: Sequence[ImageArray], result: ImageArray, history: Sequence
) -> Figure:
    """Plot content (if there is one) | styles | result, and the loss curves below."""
    titles = ["style"] if len(styles) == 1 else [f"style {i}" for i in range(1, len(styles) + 1)]
    pictures = {} if content is None else {"content": content}
    pictures = pictures | dict(zip(titles, styles, strict=True)) | {"result": result}
    height = 12 / sum(picture.shape[1] / picture.shape[0] for picture in pictures.values())
    with styled_figure(12, height + 0.3 + 3) as figure:
        above, below = figure.subfigures(2, height_ratios=[height + 0.3, 3])
        _row_of_images(above, pictures)
        _loss_curves(below.subplots(), history)
    return figure


def save_figure(figure: Figure, path: PathLike) -> None:
    """Write a figure as a picture, whole or not at all; see `save_image`."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    save_image(np.asarray(canvas.buffer_rgba())[..., :3].astype("float32") / 255, path)


class ProgressBar:
    """A callback that shows the size, the loss and the time left, in terminals and notebooks.

    It appears with the first step, and closes itself at the end of the work; `close()` closes it earlier.
    """

    LAYOUT = "{percentage:3.0f}% |{bar}| {desc} [{elapsed}, {remaining} left]"

    def __init__(self):
        self._bar = None

    def __call__(self, step):
        if self._bar is None:
            silent = sys.stderr is None  # a program without a console
            self._bar = tqdm(total=1.0, bar_format=self.LAYOUT, smoothing=0.1, dynamic_ncols=True, disable=silent)
        self._bar.set_description_str(f"{step.size} px, loss {step.total:.3g}", refresh=False)
        self._bar.update(step.progress - self._bar.n)
        if step.progress >= 1:
            self.close()

    def close(self) -> None:
        """Close the bar if it is shown."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _row_of_images(figure, pictures):
    ratios = [picture.shape[1] / picture.shape[0] for picture in pictures.values()]
    panels = figure.subplots(1, len(pictures), squeeze=False, width_ratios=ratios)[0]
    for axes, (title, picture) in zip(panels, pictures.items(), strict=True):
        axes.imshow(picture, vmin=0, vmax=1, cmap="gray", interpolation="antialiased")
        axes.set_title(title)
        axes.set_axis_off()


def _loss_curves(axes, history):
    iterations = [step.iteration for step in history]
    groups = sorted({name.split()[0] for step in history for name in step.terms})
    axes.plot(iterations, [step.total for step in history], color="black", label="total")
    for group in groups:
        values = [sum(v for name, v in step.terms.items() if name.split()[0] == group) for step in history]
        if any(values):  # a term of weight 0 has no place on a logarithmic axis
            axes.plot(iterations, values, label=group)
    for before, after in itertools.pairwise(history):
        if before.size != after.size:
            axes.axvline(after.iteration, color="gray", linestyle=":", linewidth=1)
    axes.set(yscale="log", xlabel="iteration", ylabel="weighted loss")
    axes.legend(ncols=4, loc="lower right", bbox_to_anchor=(1, 1))  # above the curves
