"""OpenML: its tasks with their data and splits, and its evaluations, through OpenML's own client."""
