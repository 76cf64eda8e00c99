"""Large pictures: tiles, L-BFGS in float32, and the memory that a run takes."""
