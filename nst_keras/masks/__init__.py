"""Masks: load, make, select and check them; the regions where each style of a transfer applies."""
