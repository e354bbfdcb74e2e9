"""Presets are read strictly: whatever is unknown or mistyped is an error of one line that says where and what to do."""

import pytest

import hpo_gym
from agents.training.preset import PresetError, describe_preset, preset_names, read_preset

NANO = "hpo_gym/InRunControl-Nano-v0"
MICRO = "hpo_gym/InRunControl-Micro-v0"
MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"

GOOD = """
algorithm = "grpo"
description = "mine"

[in-run-control]
n_episodes = 80
policy = "JelPolicy"
env = { action = "shared" }
algorithm = { group_size = 4, gamma = 1.0 }

["hpo_gym/InRunControl-Micro-v0"]
n_episodes = 16
algorithm = { gamma = 0.9 }
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD)
    return tmp_path


def test_jel_is_what_its_paper_says():
    preset = read_preset("jel", NANO)
    assert (preset.algorithm, preset.policy, preset.n_episodes) == ("grpo", "JelPolicy", 50 * 8)
    assert preset.env == {"action": "shared", "observation": ["progress"]}
    assert preset.settings == {
        "group_size": 8,
        "n_groups": 1,
        "paired": False,
        "baseline": "step",
        "scale": "none",
        "length_normalisation": False,
        "gamma": 0.99,
        "n_epochs": 4,
        "batch_size": 64,
        "learning_rate": 3e-4,
        "clip_range": 0.2,
        "ent_coef": 0.0,
    }


@pytest.mark.parametrize("agent", preset_names())
def test_every_preset_that_ships_can_be_read_for_each_environment_of_its_families(agent):
    assert len(describe_preset(agent)) > 10
    n_readable = 0
    for env_id in hpo_gym.DECLARATIONS:
        try:
            preset = read_preset(agent, env_id)
        except PresetError as error:
            assert "nothing for" in str(error)  # noqa: PT017 - of the families that it is not for
            continue
        n_readable += 1
        assert preset.agent == agent
    assert n_readable > 0


def test_an_environment_overrides_its_family_and_the_user_overrides_both(folder):
    assert read_preset("mine", NANO, folder=folder).settings == {"group_size": 4, "gamma": 1.0}
    micro = read_preset("mine", MICRO, folder=folder)
    assert (micro.n_episodes, micro.settings) == (16, {"group_size": 4, "gamma": 0.9})
    changes = {"n_episodes": 8, "algorithm.gamma": 0.5, "env.observation": ["progress", "loss"]}
    changed = read_preset("mine", MICRO, changes, folder=folder)
    assert (changed.n_episodes, changed.settings["gamma"], changed.settings["group_size"]) == (8, 0.5, 4)
    assert changed.env == {"action": "shared", "observation": ["progress", "loss"]}


def test_a_preset_file_of_ones_own_is_read_by_its_path(folder):
    assert read_preset(str(folder / "mine.toml"), NANO).agent == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('algorithm = "grpo"', 'algorithm = "gpro"', r"mine.toml: algorithm = 'gpro' \(did you mean 'grpo'\?\)"),
        ('description = "mine"', "", "mine.toml: key 'description' is missing"),
        ("[in-run-control]", "[in-run-controll]", r"unknown key 'in-run-controll' \(did you mean 'in-run-control'\?\)"),
        ("Micro-v0", "Mirco-v0", r"unknown key 'hpo_gym/InRunControl-Mirco-v0' \(did you mean"),
        ("n_episodes = 80", "n_episode = 80", r"unknown key 'in-run-control.n_episode' \(did you mean 'n_episodes'"),
        ("n_episodes = 80", "", "key 'n_episodes' is missing"),
        ("n_episodes = 80", "n_episodes = 0", "n_episodes = 0: a whole number, 1 or more, is needed"),
        ("group_size = 4", "group_sise = 4", r"unknown key 'algorithm.group_sise' \(did you mean 'group_size'\?\)"),
        ("group_size = 4", 'group_size = "four"', "algorithm.group_size = 'four': something like 8 is needed"),
        ("gamma = 1.0", "gamma = true", "algorithm.gamma = True: something like 0.99 is needed"),
        ('env = { action = "shared" }', 'env = "shared"', "env = 'shared': a table is needed"),
        ('policy = "JelPolicy"', "policy = 3", "policy = 3: a name is needed"),
        ("[in-run-control]", "[in-run-control", "mine.toml: not TOML"),
    ],
)
def test_a_mistake_in_a_preset_is_named(folder, old, new, message):
    (folder / "mine.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(PresetError, match=message) as caught:
        read_preset("mine", NANO, folder=folder)
    assert "\n" not in str(caught.value)


def test_what_there_is_no_preset_for_is_named(folder):
    with pytest.raises(PresetError, match=r"no preset named 'jle' \(did you mean 'jel'\?\); there are dr-grpo, .*jel"):
        read_preset("jle", NANO)
    with pytest.raises(PresetError, match=r"nothing for hpo_gym/ConfigSelection-HPOBenchMLP-v0.*it has in-run-control"):
        read_preset("mine", MLP, folder=folder)
    with pytest.raises(PresetError, match="did you mean 'hpo_gym/InRunControl-Nano-v0'"):
        read_preset("jel", "hpo_gym/InRunControl-Nan-v0")
    with pytest.raises(PresetError, match=r"mine.toml with algorithm.gama set: unknown key 'algorithm.gama'"):
        read_preset("mine", NANO, {"algorithm.gama": 1.0}, folder=folder)
