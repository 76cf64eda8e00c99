"""Pixels as a wave of numbers without bounds, for an optimiser that is slow with bounds."""

import numpy as np

SHARPNESS = np.float32(0.999)  # k; near 0 the wave is a sine, at 1 a zigzag
EDGE = 0.002  # half a grey level


def wave(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute x = ½ + arcsin(k sin y) / (2 arcsin k), between 0 and 1, and dx/dy, in float32; k is SHARPNESS.

    x goes up and down along straight lines with rounded corners, so that all pixels change alike. (MINUIT has the sine:
    James & Roos 1975, Comput. Phys. Commun. 10, 343. Its slope is small also for dark and bright greys.)
    """
    y = y.astype("float32")
    inner, width = SHARPNESS * np.sin(y), 2 * np.arcsin(SHARPNESS)
    return 0.5 + np.arcsin(inner) / width, SHARPNESS * np.cos(y) / np.sqrt(1 - inner**2) / width


def unbounded(x: np.ndarray) -> np.ndarray:
    """Compute y with wave(y) = x, in float64. Where x is 0 or 1, dx/dy would be 0, so x is first moved by EDGE."""
    x = np.clip(x, EDGE, 1 - EDGE, dtype="float64")
    return np.arcsin(np.sin((2 * x - 1) * np.arcsin(SHARPNESS)) / SHARPNESS)
