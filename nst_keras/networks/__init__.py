"""The parts of a network: its layers, its weights, what its positions see, and the precision it calculates in."""
