"""What trained policies are called: the agent, what it was trained on, and which tasks were left out."""

import re

import hpo_gym

TABLES = "tables"
"""In the place of a table's name, where weights were trained on several."""


def short_name(env_id: str) -> str:
    """The table that an environment searches, or its instance in small letters.

    Example:
        >>> short_name("hpo_gym/ConfigSelection-TSTSVM-v0"), short_name("hpo_gym/InRunControl-NoisyQuadratic-v0")
        ('tst-svm', 'noisy-quadratic')
    """
    name = env_id.rpartition(":")[2]
    declaration = hpo_gym.DECLARATIONS.get(name)
    if declaration is not None and declaration.table is not None and declaration.splits:
        return declaration.table
    instance = re.sub(r"-v[0-9]+$", "", name.rpartition("/")[2]).partition("-")[2] or name.rpartition("/")[2]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", instance).lower()


def weights_name(agent: str, env_id: str, fold: int = 0) -> str:
    """Of the weights that were trained without a fold of `agents.folds`; fold 0, the declared split, goes without say.

    Example:
        >>> weights_name("hyp-rl", "hpo_gym/ConfigSelection-HypRLNN-v0", 2)
        'hyp-rl-hyprl-nn-fold-2'
    """
    return _of_fold(f"{agent}-{short_name(env_id)}", fold)


def tables_name(agent: str, fold: int = 0) -> str:
    """Of the weights that were trained on several tables, each without the same fold.

    Example:
        >>> tables_name("searcher"), tables_name("searcher", 2)
        ('searcher-tables', 'searcher-tables-fold-2')
    """
    return _of_fold(f"{agent}-{TABLES}", fold)


def _of_fold(name: str, fold: int) -> str:
    return name + (f"-fold-{fold}" if fold else "")
