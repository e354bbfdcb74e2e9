"""Evaluations: which tasks, who is trained on what, and figures that do not depend on how they were computed."""

import numpy as np
import pytest
import toy_search
from toy_search import ENV_ID, SCORES, build_fitted, build_forgetful, build_in_order, build_seeded

import hpo_gym  # noqa: F401 - registers the environments
from hpo_gym.engines import EngineError
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.evaluate import evaluate, evaluate_protocol
from hpo_gym.evaluation.metrics import expected_random_regret
from hpo_gym.evaluation.protocol import Protocol

EMBEDDED = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


def run(builder=build_in_order, name="agent", env_id=ENV_ID, **options):
    return evaluate(name, builder, env_id, **{"n_seeds": 3, "progress": False, **options})


def figures(result):
    return result.model_dump(exclude={"wall_s"})


def test_a_fixed_order_gives_the_figures_done_by_hand():
    # a: .1 .5 .3 .9 of [.1, .9]; regret 1 .5 .5 0.   b: .6 .2 .4 .4 of [.2, .7]; regret .2 throughout.
    result = run(split="train", n_seeds=2)
    assert result.budget == 4
    assert result.regret_curves["a"][0] == pytest.approx([1.0, 0.5, 0.5, 0.0])
    assert result.score_curves["b"] == [[0.6] * 4] * 2
    assert result.metrics["normalized_regret@1"].mean == pytest.approx(0.6)
    assert result.metrics["normalized_regret@4"].mean == pytest.approx(0.1)
    assert result.metrics["area_under_regret@4"].mean == pytest.approx((0.5 + 0.2) / 2)
    assert result.metrics["mean_performance@2"].mean == pytest.approx((0.5 + 0.6) / 2)
    assert result.metrics["return"].mean == pytest.approx((1.8 + 1.6) / 2)
    assert result.per_task["a"]["normalized_regret@2"] == pytest.approx(0.5)
    assert result.metrics["normalized_regret@4"].low == pytest.approx(0.1)
    assert {name.partition("@")[2] for name in result.metrics if "@" in name} == {"1", "2", "4"}


def test_rank_and_beat_random_compare_the_tasks_means():
    class Third:
        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            return np.full(len(observation), 3), state

    def build_third(context):
        return Third()

    build_third.is_fitted_on_tasks = False
    # after 1 trial: a .1 against .9 (lost), b .6 against .4 (won), c .5 against .25 (won)
    result = run(split="all", n_seeds=2, references={"random": build_third})
    assert result.metrics["beat_random@1"].mean == pytest.approx(2 / 3)
    assert result.metrics["rank@1"].mean == pytest.approx((2 + 1 + 1) / 3)
    assert result.per_task["a"]["rank@1"] == 2.0
    assert result.reference_agents == ["random"]


def test_large_scores_of_one_task_do_not_blur_those_of_another(monkeypatch):
    monkeypatch.setattr(toy_search, "SCORES", {"a": [1e9, 0, 0, 0, 0], "b": [0.123456, 0.1234, 0, 0, 0]})

    class Second:
        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            return np.ones(len(observation), np.int64), state

    def build_second(context):
        return Second()

    build_second.is_fitted_on_tasks = False
    result = run(split="all", n_seeds=2, references={"random": build_second})
    assert result.per_task["b"]["mean_performance@1"] == 0.123456
    assert result.per_task["b"]["rank@1"] == 1.0


def test_an_agent_that_is_its_own_reference_ties_with_itself():
    result = run(build_seeded, name="random", split="all", references={"random": build_seeded})
    assert result.metrics["beat_random@2"].mean == 0.5
    assert result.metrics["beat_random@2"].low == 0.5
    assert "rank@2" not in result.metrics


@pytest.mark.parametrize(
    ("options", "evaluated", "builds"),
    [
        ({"split": "test"}, ["c"], [("a", "b")]),
        ({"split": "train"}, ["a", "b"], [("a", "b")]),
        ({"split": "all"}, ["a", "b", "c"], [("b", "c"), ("a", "c"), ("a", "b")]),
        ({"split": "all", "tasks": ["c"]}, ["c"], [("a", "b")]),
    ],
)
def test_a_split_says_what_is_evaluated_and_what_may_be_learned_from(options, evaluated, builds):
    toy_search.BUILDS.clear()
    result = run(build_fitted, n_seeds=1, **options)
    assert list(result.per_task) == evaluated
    assert builds == toy_search.BUILDS


def test_leave_one_task_out_builds_once_where_the_builder_learns_from_no_task():
    contexts = []

    def build(context: AgentContext):
        contexts.append(context)
        return toy_search.InOrder()

    build.is_fitted_on_tasks = False
    run(build, split="all", n_seeds=1)
    assert [context.train_tasks for context in contexts] == [()]


def test_what_an_agent_did_on_one_task_does_not_change_the_next():
    alone = run(build_forgetful, split="all", tasks=["c"])
    among_others = run(build_forgetful, split="all", tasks=["a", "b", "c"])
    assert among_others.score_curves["c"] == alone.score_curves["c"]


def test_two_processes_give_the_same_figures_as_one_to_the_bit():
    options = {"split": "all", "n_seeds": 4, "references": {"random": build_seeded}}
    one, two = run(build_forgetful, **options), run(build_forgetful, workers=2, **options)
    assert figures(one) == figures(two)


def test_an_error_in_a_worker_process_is_the_agent_s_own():
    def build(context):
        return Wrong()

    with pytest.raises(
        EvaluationError, match=r"agent 'agent', task '[ab]', trial 1, seed 0: action 99 is not in Discrete"
    ):
        run(build, split="train", workers=2)


class Wrong:
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.full(len(observation), 99), state


def test_cheap_trials_are_judged_at_whole_costs():
    result = run(split="train", tasks=["a"], budget=2, env_kwargs={"trial_cost": 0.5})
    # four trials of half the cost: .1 .5 | .3 .9
    assert result.budget == 2
    assert result.score_curves["a"][0] == [0.5, 0.9]
    assert result.env_kwargs == {"trial_cost": 0.5, "budget": 2}


def test_an_episode_that_ends_early_keeps_its_incumbent():
    result = run(split="train", tasks=["a"], budget=5, env_kwargs={"ends_at_best": True})
    assert result.score_curves["a"][0] == [0.1, 0.5, 0.5, 0.9, 0.9]


def test_an_environment_without_trials_has_a_return_and_no_curves():
    class Push:
        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            return (observation[:, 2] > 0).astype(np.int64), state

    result = run(lambda context: Push(), env_id="CartPole-v1")
    assert list(result.metrics) == ["return"]
    assert result.budget == 0
    assert result.regret_curves == {}
    assert list(result.per_task) == [""]


def test_a_protocol_s_metrics_and_seeds_are_used():
    protocol = Protocol.make(env_id=ENV_ID, split="train", n_seeds=2, first_seed=5, metrics=("rank@3", "return"))
    result = evaluate_protocol(protocol, "agent", build_in_order, references={"random": build_seeded}, progress=False)
    assert list(result.metrics) == ["rank@3", "return"]
    assert result.seeds == [5, 6]
    assert result.per_task["a"].keys() == {"rank@3", "return"}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"tasks": ["a"]}, "no task 'a' in split 'test'; it is a train task"),
        ({"split": "all", "tasks": ["a", "a"]}, "task 'a' is asked for twice"),
        ({"split": "tests"}, "key 'split': Input should be 'test', 'all' or 'train'"),
        ({"n_seeds": 0}, "key 'n_seeds'"),
        ({"workers": 0}, "workers=0: one or more is needed"),
        ({"env_kwargs": {"tasks": ["a"]}}, "'tasks' is set by the evaluation"),
        ({"env_id": "CartPole-v1", "tasks": ["a"]}, "CartPole-v1 has no tasks to choose from"),
        ({"env_kwargs": {"trail_cost": 1}}, "unexpected keyword argument 'trail_cost'"),
        ({"builder": lambda context: None}, "the builder of agent 'agent' returned NoneType: it has no predict"),
        ({"env_id": "hpo_gym/Nothing-v0"}, "hpo_gym/Nothing-v0 cannot be made with these options: "),
        ({"env_id": EMBEDDED, "env_kwargs": {"reward": "no"}}, "reward='no' is not one of"),
        ({"env_kwargs": {"trial_cost": float("nan")}}, "environment options must be JSON values"),
    ],
)
def test_what_cannot_be_evaluated_is_said_in_one_line(options, complaint):
    with pytest.raises((EvaluationError, EngineError)) as error:
        run(**options)
    assert complaint in str(error.value)
    assert "environment creator" not in str(error.value)  # Gymnasium adds all keyword arguments to a TypeError


def test_an_agent_s_need_that_contradicts_the_options_is_said():
    def build(context):
        return toy_search.InOrder()

    build.env_kwargs = {"trial_cost": 1.0}
    with pytest.raises(EvaluationError, match=r"agent 'agent' needs the environment option trial_cost=1.0, but 0.5"):
        run(build, env_kwargs={"trial_cost": 0.5})


def test_a_builder_that_learns_from_tasks_is_refused_where_there_are_none(monkeypatch):
    monkeypatch.setattr(toy_search, "SCORES", {"a": SCORES["a"]})
    with pytest.raises(EvaluationError, match=r"'agent' is fitted on tasks, but .* leaves none to train on"):
        run(build_fitted, split="all")


def test_random_draws_on_the_embedded_table_cost_what_the_closed_form_says():
    import gymnasium as gym

    class Draws:
        def start_episodes(self, seeds):
            self.rngs = [np.random.default_rng(seed) for seed in seeds]

        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            return np.array([rng.integers(30_000) for rng in self.rngs]), state

    def build(context):
        return Draws()

    build.is_fitted_on_tasks = False
    result = run(build, env_id=EMBEDDED, split="all", tasks=["vehicle", "car"], n_seeds=200, budget=10)
    env = gym.make(EMBEDDED).unwrapped
    expected = np.mean([expected_random_regret(env.evaluations(t).scores, 10) for t in result.per_task], axis=0)
    for k in (1, 5, 10):
        found = result.metrics[f"normalized_regret@{k}"]
        assert found.mean == pytest.approx(expected[k - 1], abs=1.2 * (found.high - found.low))
    assert result.metrics["return"].mean == pytest.approx(1 - result.metrics["normalized_regret@10"].mean)
