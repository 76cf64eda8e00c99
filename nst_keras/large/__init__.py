"""Large pictures and slow machines: tiles, L-BFGS in float32, memory, and estimates of time."""
