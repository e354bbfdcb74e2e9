"""A protocol file is read strictly: what is wrong is named."""

import pytest

from hpo_gym.evaluation.errors import RecordError
from hpo_gym.evaluation.protocol import Protocol

GOOD = """
version = 1
env_id = "Toy/Search-v0"
tasks = ["a", "b"]
n_seeds = 3
first_seed = 100
metrics = ["normalized_regret@2", "return"]
[env_kwargs]
reward = "score"
"""


def test_a_protocol_file_fixes_tasks_seeds_and_options(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(GOOD)
    protocol = Protocol.read(path)
    assert protocol.tasks == ("a", "b")
    assert protocol.seeds == (100, 101, 102)
    assert protocol.env_kwargs == {"reward": "score"}
    assert (protocol.split, protocol.budget, protocol.torch_threads) == ("test", None, 1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("n_seeds = 3", "n_seed = 3"), "unknown key 'n_seed'; allowed are budget"),
        (("n_seeds = 3", "n_seeds = 0"), "key 'n_seeds': Input should be greater than or equal to 1, got 0"),
        (("n_seeds = 3", 'n_seeds = "3"'), "key 'n_seeds': Input should be a valid integer, got '3'"),
        (("n_seeds = 3", 'split = "tests"'), "key 'split': Input should be 'test', 'all' or 'train'"),
        (('env_id = "Toy/Search-v0"', ""), "key 'env_id' is missing"),
        (("version = 1", ""), "key 'version' is missing"),
        (("version = 1", "version = 2"), "key 'version'"),
        (("return", "regret"), "unknown metric 'regret'; there are normalized_regret@K"),
        (("regret@2", "regret@x"), "unknown metric 'normalized_regret@x'"),
        (('reward = "score"', "budget = 3"), "key 'env_kwargs': 'budget' is set by the evaluation"),
        (("version = 1", "version"), "not TOML"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(tmp_path, change, complaint):
    path = tmp_path / "p.toml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(RecordError) as error:
        Protocol.read(path)
    assert str(error.value).startswith(str(path))
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
