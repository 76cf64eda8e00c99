"""The parts of a network: its layers, weights and receptive fields."""
