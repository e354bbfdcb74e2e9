"""What a suggestion costs: episodes are timed trial by trial, and trainings are counted by their agent."""

import json
from pathlib import Path

from benchmarks.suggestion_cost import Contestant, from_catalogue, lines_of, minutes_of

ENV_ID = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


def test_every_trial_of_an_episode_is_timed() -> None:
    contestant = from_catalogue("random")(ENV_ID)
    for seed in range(2):
        contestant.play(ENV_ID, "kc1", seed, n_trials=3)
    assert {trial: len(values) for trial, values in contestant.ms.items()} == {1: 2, 2: 2, 3: 2}


def test_a_column_is_the_median_of_its_trials_and_episodes() -> None:
    contestant = Contestant(agent=None, env_kwargs={}, ms={1: [7.0], 9: [1.0, 2.0], 10: [3.0, 9.0], 11: [4.0, 8.0]})
    contestant.ms |= {48: [5.0], 49: [5.0], 50: [6.0]}
    assert [contestant.median_ms(column) for column in (1, 10, 50)] == [7.0, 3.5, 5.0]
    table = list(lines_of(ENV_ID, {"random": contestant}))
    assert table[0] == "## HPOBenchMLP, pools of 30,000"
    assert table[4] == "| random | 7.0 | 3.5 | 5.0 |"
    assert table[6].startswith("No such agent here: searcher, ")


def test_minutes_are_of_finished_trainings_of_that_agent_alone(tmp_path: Path) -> None:
    for name, is_finished in (
        ("searcher-0123abcd", True),
        ("searcher-4567abcd", False),
        ("searcher-plus-0123abcd", True),
    ):
        folder = tmp_path / "searchers" / name / "fold-0" / "seed-0"
        folder.mkdir(parents=True)
        (folder / "training.jsonl").write_text("".join(json.dumps({"cpu_s": s}) + "\n" for s in (60.0, 90.0)))
        if is_finished:
            (folder / "policy.json").touch()
    assert minutes_of("searcher", tmp_path) == [1.5]
