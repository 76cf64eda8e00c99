"""Widgets for notebooks; they need anywidget: `pip install anywidget`.

Not loaded with the package: `from nst_keras.widgets import MaskPainter, MixingDesk`.
"""

from .painter import MaskPainter  # first, as it says what to do without anywidget

from .desk import MixingDesk  # isort: skip

__all__ = ["MaskPainter", "MixingDesk"]
