"""Widgets for notebooks: a painter of masks, and a desk to try settings with. They need `pip install anywidget`."""

from .painter import MaskPainter  # first: it explains what to do without anywidget

from .desk import MixingDesk  # isort: skip

__all__ = ["MaskPainter", "MixingDesk"]
