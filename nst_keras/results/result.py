"""The result of a run."""

from dataclasses import dataclass, field

from matplotlib.figure import Figure
from PIL import Image

from ..image import save_image, to_pil
from ..support.types import ImageArray, PathLike
from .plot import plot_comparison, plot_losses
from .recorder import Step


@dataclass(frozen=True)
class Result:
    """The result of a run.

    `style_transfer(content, style, **result.settings)` repeats a run of `style_transfer` without a checkpoint. (Arrays
    given as `init`, `masks` or `style_masks`, and a model given as `network`, are not kept.)
    """

    image: ImageArray = field(repr=False)  #: the picture, (H, W, 3) float32 in [0, 1]
    history: list[Step] = field(repr=False)  #: one step for each iteration, without its image
    settings: dict  #: the keyword arguments of the run, with layers and shares spelled out
    inputs: list[str]  #: the files that content, styles, masks, init (and weights) were read from
    interrupted: bool  #: ended by Ctrl-C, a stop button or `StopIteration`; `image` is then the best one until there
    content: ImageArray | None = field(repr=False)  #: at the result's size; None for a texture
    styles: list[ImageArray] = field(repr=False)  #: the pictures at the last scale, in the colours that were used
    notes: list[str] = field(default_factory=list)  #: hints about the run, such as that colours were clipped

    def save(self, path: PathLike, *, dpi: int | None = None) -> None:
        """Write the image to a file, never over one of the run's inputs. See `save_image`."""
        save_image(self.image, path, inputs=self.inputs, dpi=dpi)

    def keep(self, folder: PathLike) -> None:
        """Write all of the run into a new or empty folder; see `nst_keras.results.runs` for what is in it."""
        from .runs import keep_result

        keep_result(self, folder)

    @classmethod
    def load(cls, folder: PathLike) -> "Result":
        """Return the result in a folder that `keep`, or a run with `checkpoint=folder`, has written; exact to the bit.

        Missing, damaged or hostile files raise a `ValueError`; nothing in them is executed.
        """
        from .runs import read_result

        return cls(**read_result(folder))

    def show(self) -> Image.Image:
        """Return a PIL image: a notebook shows it as a cell's last line; its own `.show()` opens a window."""
        return to_pil(self.image)

    def plot_losses(self) -> Figure:
        """Plot every term over the iterations; see `nst_keras.results.plot.plot_losses`."""
        return plot_losses(self.history)

    def compare(self) -> Figure:
        """Plot content | styles | result, and the loss curves below."""
        return plot_comparison(self.content, self.styles, self.image, self.history)
