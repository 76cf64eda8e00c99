"""What a run gives back: the `Result`, its figures, and the folders in which runs are kept."""
