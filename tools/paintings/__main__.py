"""Run `paint.py`: `python -m tools.paintings`."""

from .paint import main

main()
