"""The command line, `python -m agents`; as in `hpo_gym.cli`, what takes long to import is imported inside commands."""
