"""Recipes that paint the bundled style pictures with NumPy, SciPy and Pillow: `python -m tools.paintings`."""
