"""What is not about style: checks of arguments, files that are written whole, run folders, versions."""
