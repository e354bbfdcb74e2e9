"""Trials that are really run: models of five families, fitted on OpenML tasks under limits of time and memory."""
