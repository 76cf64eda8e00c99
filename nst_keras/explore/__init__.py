"""What the units of a network respond to: Zeiler & Fergus 2013, arXiv:1311.2901."""

from ..networks.receptive_fields import receptive_field
from .units import Patch, maximize_activation, top_patches

__all__ = ["Patch", "maximize_activation", "receptive_field", "top_patches"]
