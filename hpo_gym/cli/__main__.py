"""`python -m hpo_gym.cli` is `hpo-gym`."""

from hpo_gym.cli import main

main()
