"""Speed, measured side by side in one run: `python -m benchmarks` runs all and rewrites docs/results/speed.md."""
