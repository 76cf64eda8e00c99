"""Feed-forward transfer and super-resolution: a trained network paints a picture in one pass.

Johnson, Alahi, Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", arXiv:1603.08155.

    from nst_keras.feedforward import apply, load_network
    picture = apply(load_network("woodblock_sea"), "photograph.jpg", size=512)
"""

# isort: off
from .network import Applied, apply, apply_to_files, load_network, network_settings, save_network
from .network import trained_networks, transform_network
from .training import PerceptualLosses, Training, shrunk, train

# fmt: off
__all__ = [
    "Applied", "PerceptualLosses", "Training", "apply", "apply_to_files", "load_network",
    "network_settings", "save_network", "shrunk", "train", "trained_networks", "transform_network",
]
