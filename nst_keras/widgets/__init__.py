"""Widgets for notebooks: a painter of masks, and a desk to try settings with. They need `pip install anywidget`."""

try:
    from .desk import MixingDesk
    from .painter import MaskPainter, MaskPairPainter
except ImportError as error:
    raise ImportError(
        "The widgets need anywidget: pip install anywidget, then restart the kernel. Without it, select_scribble, "
        "select_polygon, select_color and the others of nst_keras.masks.selections make masks."
    ) from error

__all__ = ["MaskPainter", "MaskPairPainter", "MixingDesk"]
