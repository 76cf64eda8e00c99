"""The parts of a network: its layers, weights, receptive fields and precision."""
