"""Parts that are not about style: settings and checks of arguments, files, decoding of pictures, types, versions."""
