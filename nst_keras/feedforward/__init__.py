"""Feed-forward transfer and super-resolution: a trained network paints a picture in one pass.

Johnson, Alahi, Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", arXiv:1603.08155.

    from nst_keras.feedforward import apply, load_network
    picture = apply(load_network("woodblock_sea"), "photograph.jpg", size=512)
"""

from .network import apply, load_network, save_network, trained_networks
from .training import train

__all__ = ["apply", "load_network", "save_network", "train", "trained_networks"]
