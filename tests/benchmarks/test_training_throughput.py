"""The measurement of throughput runs on any device; here on the smallest runs, as nothing is asserted of speed."""

import hpo_gym
from benchmarks.training_throughput import markdown, run
from hpo_gym.pretraining.config import ModelConfig

TINY = {"depth": 1, "dim": 32, "n_heads": 1, "vocab_size": 300, "sequence_length": 16, "batch_size": 2}


def test_every_mode_and_size_of_a_group_gets_a_line_with_its_shares(tmp_path):
    env_id = "hpo_gym/InRunControl-Micro-v0"
    found = run(env_id, TINY, [1, 2], ["plain", "graph"], n_updates=2, rounds=1, out=tmp_path / "page.md")
    assert [(row["mode"], row["n_members"]) for row in found["rows"]] == [
        ("plain", 1), ("plain", 2), ("graph", 1), ("graph", 2)
    ]  # fmt: skip
    for row in found["rows"]:
        assert 0 < row["update_s"] <= row["median_update_s"]
        assert abs(sum(row["shares"].values()) - 1) < 1e-9
    facts = {"flops_per_token": 10**6, "tokens_per_update": 32}
    assert markdown(env_id, facts, found).count("\n| ") == 5
    assert (tmp_path / "page.md").read_text().startswith(f"# Throughput: {env_id}")


def test_operations_of_a_token_are_counted_as_nanochat_counts_them():
    kwargs = hpo_gym.DECLARATIONS["hpo_gym/InRunControl-JEL73MDeploy-v0"].kwargs
    sizes = ("depth", "dim", "n_heads", "vocab_size", "sequence_length")
    assert round(ModelConfig(**{name: kwargs[name] for name in sizes}).flops_per_token / 1e5) == 1769
