"""Frozen evaluation protocols, the submissions to them, and the code that recomputes every score."""
