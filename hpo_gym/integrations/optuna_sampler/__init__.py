"""The meta-trained searcher for people's own Optuna studies; docs/use_the_sampler.md shows how."""

from hpo_gym.integrations.optuna_sampler.past import Past, PastError, from_studies, from_table
from hpo_gym.integrations.optuna_sampler.sampler import LearnedSampler

__all__ = ["LearnedSampler", "Past", "PastError", "from_studies", "from_table"]
