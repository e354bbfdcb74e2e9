"""Search methods over a pool of configurations: the rivals that a learned policy must beat."""
