"""Widgets for notebooks; they need anywidget: `pip install anywidget`.

Not loaded with the package: `from nst_keras.widgets import MaskPainter`.
"""

from .painter import MaskPainter

__all__ = ["MaskPainter"]
