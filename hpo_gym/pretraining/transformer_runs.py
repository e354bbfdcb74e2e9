"""From plain settings to a group of transformers in training, and what can be said of them beforehand."""

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hpo_gym.pretraining.config import ModelConfig
from hpo_gym.pretraining.recipe import Recipe
from hpo_gym.pretraining.runs import Runs

if TYPE_CHECKING:
    from hpo_gym.pretraining.run_data import RunData

MODEL_SETTINGS = ("depth", "dim", "n_heads", "vocab_size", "sequence_length", "window_pattern")
DATA_SETTINGS = ("batch_size", "corpus", "tokenizer", "max_bytes", "n_probe_batches", "n_validation_sequences")
HARDWARE_SETTINGS = ("device", "precision", "compile", "micro_batch_size", "graph", "attention")
TRANSFORMER_SETTINGS = (*MODEL_SETTINGS, *DATA_SETTINGS, *HARDWARE_SETTINGS)


def make_transformer_runs(n_members: int, *, recipe: Mapping[str, Any], n_updates: int, **settings: Any) -> Runs:
    """A group of pretraining runs.

    Args:
        n_members: G.
        recipe: of `Recipe`.
        n_updates: T.
        **settings: of `ModelConfig`, `open_run_data` and `RunSettings`.

    Raises:
        ValueError: a setting is out of its range.
        CorpusError: the text cannot be had, or is too small.
    """
    from hpo_gym.pretraining.run_group import RunGroup
    from hpo_gym.pretraining.run_settings import RunSettings

    hardware = {name: settings[name] for name in HARDWARE_SETTINGS if name in settings}
    run_settings = RunSettings(model=_model(settings), recipe=Recipe.of(recipe), n_updates=n_updates, **hardware)
    return RunGroup(n_members, run_settings, _data_opener(settings))


def transformer_facts(*, recipe: Mapping[str, Any], n_updates: int, **settings: Any) -> dict[str, Any]:
    """JSON-able facts of such runs, without torch and without their text.

    Returns:
        n_parameters, n_updates, tokens_per_update, n_tokens (of a whole run), flops_per_token, loss_at_start (nats:
        ln V, as the output head starts near zero), outcome (what `validate` gives).

    Raises:
        ValueError: a setting is out of its range.
    """
    model = _model(settings)
    Recipe.of(recipe)
    tokens_per_update = settings["batch_size"] * model.sequence_length
    return {
        "n_parameters": model.n_parameters,
        "n_updates": n_updates,
        "tokens_per_update": tokens_per_update,
        "n_tokens": n_updates * tokens_per_update,
        "flops_per_token": model.flops_per_token,
        "loss_at_start": math.log(model.vocab_size),
        "outcome": "validation_bpb",
    }


def transformer_data_id(**settings: Any) -> str:
    """The id of the corpus of such runs, which is opened for it.

    Raises:
        CorpusError: the text cannot be had, or is too small.
    """
    return _data_opener(settings)().corpus.corpus_id


def _model(settings: Mapping[str, Any]) -> ModelConfig:
    return ModelConfig(**{name: settings[name] for name in MODEL_SETTINGS if name in settings})


def _data_opener(settings: Mapping[str, Any]) -> "partial[RunData]":
    from hpo_gym.pretraining.run_data import open_run_data

    chosen = {name: settings[name] for name in DATA_SETTINGS if name in settings}
    return partial(
        open_run_data, **chosen, vocab_size=settings["vocab_size"], sequence_length=settings["sequence_length"]
    )
