"""Controlled training runs are judged on run seeds held out, against the run without a controller and a tuned one."""

import numpy as np
import pytest
import toy_run
from toy_run import CAP, ENV_ID, REFERENCES, build_diverging, build_half, build_off, build_tuned

from hpo_gym.evaluation.episode import read_episodes
from hpo_gym.evaluation.episode_batch import batch_of_episodes
from hpo_gym.evaluation.errors import EvaluationError, WrongChoiceError
from hpo_gym.evaluation.evaluate import evaluate, evaluate_protocol
from hpo_gym.evaluation.protocol import Protocol
from hpo_gym.evaluation.result import EvaluationResult


def run(builder=build_half, name="half", **options):
    return evaluate(name, builder, ENV_ID, **{"n_seeds": 6, "progress": False, "references": REFERENCES, **options})


def figures(result):
    return result.model_dump(exclude={"wall_s"})


def test_the_figures_are_those_done_by_hand():
    result = run()
    start = np.array(result.loss_curves[""])[:, 0]
    assert result.metrics["validation_bpb"].mean == pytest.approx(2 * 0.8**3 * start.mean())
    assert result.metrics["return"].mean == pytest.approx((1 - 0.8**3) * start.mean())
    assert result.metrics["improvement_over_off"].mean == pytest.approx(1 - (0.8 / 0.9) ** 3)
    assert result.metrics["improvement_over_off"].low == pytest.approx(result.metrics["improvement_over_off"].high)
    assert result.metrics["normalized_score"].mean == pytest.approx((0.9**3 - 0.8**3) / (0.9**3 - 0.5**3))
    assert result.metrics["diverged"].mean == 0.0
    assert result.metrics["training_cost"].mean == 5.5
    assert result.reference_agents == ["controller-off", "hand-tuned"]


def test_what_was_applied_and_every_loss_are_kept_seed_by_seed():
    result = run()
    np.testing.assert_allclose(result.applied[""]["n_updates"], np.tile([10, 20, 30], (6, 1)))
    np.testing.assert_allclose(result.applied[""]["lr_scale"], np.full((6, 3), 10.0))
    losses = np.array(result.loss_curves[""])
    np.testing.assert_allclose(losses, losses[:, :1] * 0.8 ** np.arange(4))
    np.testing.assert_allclose(result.outcomes[""]["validation_bpb"], 2 * losses[:, -1])
    assert result.outcomes[""]["floor_bits_per_byte"] == [0.1] * 6


def test_the_references_score_0_and_1():
    off, tuned = run(build_off, "controller-off"), run(build_tuned, "hand-tuned")
    assert off.metrics["normalized_score"].mean == 0.0
    assert off.metrics["improvement_over_off"].mean == 0.0
    assert tuned.metrics["normalized_score"].mean == pytest.approx(1.0)
    assert tuned.metrics["normalized_score"].low == pytest.approx(1.0)
    assert tuned.is_reference
    assert not off.is_reference


def test_without_references_there_is_nothing_to_be_better_than():
    assert not {"improvement_over_off", "normalized_score"} & run(references={}).metrics.keys()
    only_off = run(references={"controller-off": build_off}).metrics
    assert "improvement_over_off" in only_off
    assert "normalized_score" not in only_off


def test_a_score_without_its_references_is_refused_before_anything_is_played():
    protocol = Protocol(env_id=ENV_ID, n_seeds=1, metrics=("normalized_score",))
    with pytest.raises(EvaluationError, match="'normalized_score' compares with 'hand-tuned': give it as a reference"):
        evaluate_protocol(protocol, "half", unused, references={"controller-off": build_off})


def unused(context):
    raise AssertionError("nobody was to be built")


def test_references_that_come_out_alike_give_no_scale():
    result = run(references={"controller-off": build_off, "hand-tuned": build_off})
    assert "normalized_score" not in result.metrics


def test_a_run_that_diverges_counts_with_the_cap_and_its_neighbours_go_on():
    result = run(build_diverging, "diverging")
    assert result.metrics["diverged"].mean == 1.0
    assert result.metrics["validation_bpb"].mean == 2 * CAP
    assert [len(curve) for curve in result.loss_curves[""]] == [2] * 6
    assert result.metrics["normalized_score"].mean < 0


def test_test_runs_are_held_out_of_what_may_be_trained_on(monkeypatch):
    seen = {"train": set(), "test": set()}
    reset = toy_run.ToyRunEnv.reset

    def watched(self, *, seed=None, options=None):
        observation, info = reset(self, seed=seed, options=options)
        seen[self.split].add(info["run_seed"])
        return observation, info

    monkeypatch.setattr(toy_run.ToyRunEnv, "reset", watched)

    def build(context):
        env = context.make_training_env()
        for seed in range(20):
            env.reset(seed=seed)
        return toy_run.Holds(0.0, 0.0)

    assert run(build).split == "test"
    assert max(seen["train"]) < 100 <= min(seen["test"])
    before = set(seen["test"])
    run(split="train")
    assert seen["test"] == before


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"split": "all"}, "has no tasks, so none can be left out: split 'test'"),
        ({"tasks": ["a"]}, "has no tasks to choose from"),
    ],
)
def test_a_choice_of_tasks_where_there_are_none_is_refused(options, complaint):
    with pytest.raises(WrongChoiceError, match=complaint):
        run(**options)


def test_seeds_are_played_in_shares_and_the_figures_depend_on_neither_shares_nor_processes(monkeypatch):
    shared = run()
    assert figures(run(workers=2)) == figures(shared)
    monkeypatch.setattr(toy_run.ToyRunEnv, "preferred_members", 6)
    assert figures(run()) == figures(shared)


class StopsOnce(toy_run.Holds):
    """Writes down how many episodes it begins, and is interrupted at its second batch."""

    def __init__(self, log):
        super().__init__(0.5, 0.0)
        self.log = log

    def start_episodes(self, seeds):
        with self.log.open("a") as log:
            log.write(str(len(seeds)))
        if len(self.log.read_text()) == 2:
            raise KeyboardInterrupt


def test_an_interrupted_evaluation_goes_on_with_the_next_share_of_seeds(tmp_path):
    path, log = tmp_path / "e.jsonl", tmp_path / "log"

    def build(context):
        return StopsOnce(log)

    with pytest.raises(KeyboardInterrupt):
        run(build, references={}, episodes_path=path)
    resumed = run(build, references={}, episodes_path=path)
    assert log.read_text() == "333"
    assert resumed.loss_curves == run().loss_curves
    assert [episode.seed for episode in read_episodes(path)] == list(range(6))
    run(build, references={}, episodes_path=tmp_path / "whole.jsonl")
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_episodes_and_results_come_back_from_their_files(tmp_path):
    result = run(build_diverging, "diverging", episodes_path=tmp_path / "e.jsonl")
    result.write(tmp_path / "r.json")
    assert EvaluationResult.read(tmp_path / "r.json") == result
    episodes = list(read_episodes(tmp_path / "e.jsonl"))
    assert [list(episode.losses) for episode in episodes] == result.loss_curves[""]
    for back, episode in zip(batch_of_episodes(episodes).episodes(), episodes, strict=True):
        assert (back.losses, back.applied, back.outcomes) == (episode.losses, episode.applied, episode.outcomes)
