"""Parts that are not about style: settings and checks of arguments, files, decoding of pictures, types, versions."""

__version__ = "0.1.0"
