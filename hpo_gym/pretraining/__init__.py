"""The training run that gets controlled: a transformer's pretraining in groups, and its closed-form stand-in."""
