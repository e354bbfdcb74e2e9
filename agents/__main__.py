"""`python -m agents`: train agents, judge and watch them, reproduce papers."""

from agents.cli.application import main

main()
