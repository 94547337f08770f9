"""The library that looks for drift beside us in `make bench-drift`, in its own environment."""
