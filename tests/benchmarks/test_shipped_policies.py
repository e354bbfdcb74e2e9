"""Only what a name stands for is put into the package under it."""

import pytest

from agents.catalogue import pretrained_names
from agents.folds import task_choice
from agents.pretrained.weights import read_weights
from agents.training.preset import read_preset
from agents.training.train import train
from benchmarks import shipped_policies
from benchmarks.shipped_policies import Policy, policies

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
XGB = "hpo_gym/ConfigSelection-HPOBenchXGB-v0"
QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
SMALL = {"n_episodes": 4, "n_envs": 4, "env.budget": 4, "algorithm.n_steps": 4, "algorithm.batch_size": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A short training of fold 1."""
    return train(
        read_preset("sb3-ppo", MLP, SMALL),
        MLP,
        out=tmp_path_factory.mktemp("runs") / "ppo",
        progress=False,
        task_choice=task_choice(MLP, 1),
    )


@pytest.fixture
def small_preset(monkeypatch):
    """The preset is as short as that training."""
    monkeypatch.setattr(
        shipped_policies,
        "read_preset",
        lambda agent, env_id: read_preset(agent, env_id, SMALL if agent == "sb3-ppo" else {}),
    )


def test_every_preset_has_a_name_for_each_fold_of_each_of_its_tables():
    known = policies()
    assert set(pretrained_names()) <= set(known)
    assert known["jel-nano"] == Policy(agent="jel", env_id="hpo_gym/InRunControl-Nano-v0")
    assert known["sb3-dqn-tst-svm-fold-4"].fold == 4
    assert not [name for name in known if name.startswith("jel-hpobench") or name.endswith("-table")]


def test_what_is_trained_on_several_tables_has_one_name_for_all_of_them():
    known = {name: policy for name, policy in policies().items() if policy.agent == "searcher"}
    assert set(known) == {"searcher-tables", *(f"searcher-tables-fold-{fold}" for fold in (1, 2, 3, 4))}
    assert {policy.env_id for policy in known.values()} == {"hpo_gym/ConfigSelection-TSTSVM-v0"}


@pytest.mark.usefixtures("small_preset")
def test_a_training_that_is_there_is_shipped_if_it_is_what_the_name_says(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped_policies, "SHIPPED", tmp_path)
    policy = Policy(agent="sb3-ppo", env_id=MLP, fold=1)
    assert policy.difference(folder) == ""
    shipped_policies.ship(policy, folder)
    assert read_weights(tmp_path / "sb3-ppo-hpobench-mlp-fold-1").description.env_id == MLP


def test_another_training_is_refused_with_what_tells_them_apart(folder):
    assert "training tasks is" in Policy(agent="sb3-ppo", env_id=MLP, fold=2).difference(folder)
    assert Policy(agent="sb3-ppo", env_id=MLP, fold=1).difference(folder).startswith("preset is")


@pytest.mark.usefixtures("small_preset")
def test_what_saw_other_tables_beside_than_its_preset_says_is_refused(folder, monkeypatch):
    monkeypatch.setattr(Policy, "tables", (MLP, XGB))
    try:
        difference = Policy(agent="sb3-ppo", env_id=MLP, fold=1).difference(folder)
    except FileNotFoundError as error:
        pytest.skip(f"the table is not here: {error}")
    assert difference.startswith(f"tasks beside is {{}}, not {{'{XGB}': (")
    assert "environment is" in Policy(agent="jel", env_id=QUADRATIC).difference(folder)


@pytest.mark.usefixtures("small_preset")
def test_the_command_ends_where_a_training_is_another(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped_policies, "SHIPPED", tmp_path)
    for name, is_right in (("sb3-ppo-hpobench-mlp-fold-1", True), ("sb3-ppo-hpobench-mlp", False)):
        monkeypatch.setattr("sys.argv", ["shipped_policies", name, "--trained", str(folder)])
        if is_right:
            shipped_policies.main()
        else:
            with pytest.raises(SystemExit, match=f"is not {name}: training tasks is"):
                shipped_policies.main()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]
