"""Parts that are not about style: settings, checks, files, pictures, the command line, threads, types, the version."""

__version__ = "1.0.0"
