"""What a running trial is going to try, in the study's storage before it has suggested anything.

Workers, threads or processes, see each other's claims, so that no two ask for the same configuration.
"""

import json
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from hpo_gym.integrations.optuna_sampler.space import UnitSpace, Values

_KEY = "learned_sampler:claim"
_LONGEST = 2000
"""Characters of a part: an attribute of a database takes 2,045."""


def claim(study: Study, trial: FrozenTrial, space: UnitSpace, values: Values) -> None:
    """Write down the values (d,) that a trial is going to try, in place of what it claimed before."""
    text = json.dumps(dict(zip(space.distributions, values.tolist(), strict=True)))
    parts = [text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST)]
    for number, part in enumerate(parts):
        content = part if number else f"{len(parts)}|{part}"
        study._storage.set_trial_system_attr(trial._trial_id, f"{_KEY}:{number}", content)


def claimed_params(trial: FrozenTrial, space: UnitSpace) -> dict[str, Any]:
    """The parameters of a space that a trial has suggested, and of the others what it claims."""
    n_parts, _, text = trial.system_attrs.get(f"{_KEY}:0", "0|").partition("|")
    text += "".join(trial.system_attrs.get(f"{_KEY}:{number}", "") for number in range(1, int(n_parts)))
    try:
        claimed = json.loads(text or "{}")
    except json.JSONDecodeError:  # another worker is just writing it
        claimed = {}
    params = {
        name: distribution.to_external_repr(claimed[name])
        for name, distribution in space.distributions.items()
        if name in claimed and distribution._contains(claimed[name])
    }
    return {**params, **trial.params}
