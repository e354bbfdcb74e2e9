"""Trained policies that come with the package, and the format they and everybody else's are kept in."""
