"""A progress bar for terminals and notebooks."""

from tqdm.auto import tqdm


class ProgressBar:
    """A callback that shows iteration, size, loss, and time left, in terminals and notebooks.

    It appears with the first step. It closes itself at the end of the work; `close()` does it before.
    """

    LAYOUT = "{percentage:3.0f}% |{bar}| {postfix} [{elapsed}, {remaining} left]"

    def __init__(self):
        self._bar = None

    def __call__(self, step):
        if self._bar is None:
            self._bar = tqdm(total=1.0, bar_format=self.LAYOUT, smoothing=0.1, dynamic_ncols=True)
        self._bar.postfix = f"{step.size} px, iteration {step.iteration}, loss {step.total:.4g}"
        self._bar.update(step.progress - self._bar.n)
        if step.progress >= 1:
            self.close()

    def close(self):
        if self._bar is not None:
            self._bar.close()
            self._bar = None
