"""What the user's guide is built with: pages drawn from docstrings, declarations, catalogue and manifest."""
