"""The figures of a submission follow from its actions alone, to the bit, and from nothing that it says."""

import datetime
import json
import shutil

import numpy as np
import pytest
from small_board import RUN, SEARCH, random_episodes, small_store, write_submission

from agents.catalogue import resolve
from hpo_gym.evaluation.evaluate import evaluate_protocol
from leaderboards.baselines import baselines_of, make_baselines, record_baselines
from leaderboards.errors import BoardError, SubmissionError
from leaderboards.intake import read_submission
from leaderboards.make import make_from_file
from leaderboards.record import read_record
from leaderboards.replay import configurations, replay
from leaderboards.store import Store
from leaderboards.verify import check_policy, verify, verify_all, verify_subset

DAY = datetime.date(2026, 1, 31)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with both boards and some baselines, their records included: copied for tests that write."""
    folder = tmp_path_factory.mktemp("store")
    store = small_store(folder / "store")
    agents = ("random", "average-rank", "greedy-rank", "controller-off", "hand-tuned", "jel", "sb3-dqn")
    wanted = {SEARCH: agents[:3], RUN: agents[3:6]}
    for board_id, chosen in wanted.items():
        board = store.boards[board_id]
        made = list(make_baselines(Store(store.folder), board, folder / "cache", agents=chosen, date=DAY))
        assert len(made) == len(chosen)
        assert len(list(record_baselines(store, board))) == len(chosen)
        assert list(record_baselines(store, board)) == []
    return store.folder


@pytest.fixture
def store(kept, tmp_path):
    return Store(shutil.copytree(kept, tmp_path / "store"))


def path_of(store, board_id, agent):
    return store.submission_path(store.boards[board_id], f"{DAY}-{agent}")


def handed_in(store, board_id=SEARCH, **changes):
    """A stranger's submission, read."""
    folder = write_submission(store.folder.parent / "inbox", store.boards[board_id], **changes)
    return read_submission(folder, store)


@pytest.mark.parametrize(
    ("board_id", "agent"),
    [
        (SEARCH, "random"),
        (SEARCH, "average-rank"),
        (SEARCH, "greedy-rank"),
        (RUN, "controller-off"),
        (RUN, "hand-tuned"),
        (RUN, "jel"),
    ],
)
def test_a_baseline_verified_from_its_actions_has_the_figures_that_its_evaluation_reported(kept, board_id, agent):
    store = Store(kept)
    board = store.boards[board_id]
    references = {rival: resolve(rival).build for rival in board.rivals}
    told = evaluate_protocol(board.protocol, agent, resolve(agent).build, references=references, progress=False)
    found = read_record(store.record_path(board, f"{DAY}-{agent}")).result(board)
    assert found.metrics == told.metrics
    assert found.per_task == told.per_task
    assert found.regret_curves == told.regret_curves
    assert found.score_curves == told.score_curves
    assert found.loss_curves == told.loss_curves
    assert found.applied == told.applied


def test_submissions_that_are_verified_together_have_the_figures_of_those_verified_alone(store):
    board = store.boards[SEARCH]
    theirs = [handed_in(store, agent=f"agent-{i}", seed=i) for i in range(4)]
    together = verify_all(theirs, store)
    assert together == [verify(submission, store) for submission in theirs]
    assert len({record.metrics[board.primary_metric].mean for record in together}) == 4


def test_a_record_comes_back_from_its_file_as_it_was(store):
    for board_id, agent in ((SEARCH, "random"), (RUN, "jel")):
        record = verify(read_submission(path_of(store, board_id, agent), store), store)
        record.write(store.folder / "copy.json")
        assert read_record(store.folder / "copy.json") == record
        assert record.first_difference(read_record(store.record_path(store.boards[board_id], f"{DAY}-{agent}"))) == ""


def test_points_of_the_unit_cube_have_the_figures_of_the_rows_that_they_stand_for(store, tmp_path):
    points = handed_in(store, kind="unit_cube", agent="by-points")
    (batches,) = replay([points])
    rows = [
        {"task": batch.task_id, "seed": seed, "actions": tried.tolist()}
        for batch in batches
        for seed, tried in enumerate(configurations(points.board, points.env_kwargs, batch))
    ]
    by_rows = handed_in(store, agent="by-rows", episodes=rows)
    assert verify(points, store).courses == verify(by_rows, store).courses


def test_stated_scores_count_for_nothing_but_must_be_those_of_the_replay(store):
    board = store.boards[SEARCH]
    episodes = random_episodes(board, seed=3)
    silent = verify(handed_in(store, agent="silent", episodes=episodes), store)
    (batches,) = replay([handed_in(store, agent="silent-too", episodes=episodes)])
    scores = {batch.task_id: batch.scores.tolist() for batch in batches}
    honest = [{**e, "scores": scores[e["task"]][e["seed"]]} for e in episodes]
    assert verify(handed_in(store, agent="honest", episodes=honest), store).metrics == silent.metrics
    rounded = [{**e, "scores": [round(score, 7) for score in e["scores"]]} for e in honest]
    assert verify(handed_in(store, agent="rounded", episodes=rounded), store).metrics == silent.metrics
    honest[17]["scores"][2] += 0.01
    liar = handed_in(store, agent="liar", episodes=honest)
    with pytest.raises(SubmissionError, match=r"task 'phoneme', seed 7: field 'scores': number 3 is .* its replay"):
        verify(liar, store)


def test_too_few_stated_scores_are_refused_too(store):
    episodes = random_episodes(store.boards[RUN])
    episodes[4]["scores"] = [0.5]
    with pytest.raises(SubmissionError, match=r"seed 4: field 'scores': number 1 is 0.5, its replay gives"):
        verify(handed_in(store, RUN, episodes=episodes), store)


def test_weights_that_do_what_the_actions_say_are_better_evidence(store):
    assert verify(read_submission(path_of(store, RUN, "jel"), store), store).tier == "re-run"
    assert verify(read_submission(path_of(store, RUN, "hand-tuned"), store), store).tier == "replayed"


def test_weights_that_act_otherwise_are_refused(store):
    board = store.boards[RUN]
    ours = path_of(store, RUN, "jel")
    theirs = write_submission(store.folder.parent / "inbox", board, agent="almost-jel")
    lines = [json.loads(line) for line in (ours / "episodes.jsonl").read_text().splitlines()]
    for line in lines:
        del line["scores"]
    lines[5]["actions"][3][0] += 0.01
    (theirs / "episodes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("policy.json", "policy.safetensors"):
        shutil.copyfile(ours / name, theirs / name)
    with pytest.raises(SubmissionError, match=r"policy.safetensors: task '', seed 5: the weights act otherwise"):
        verify(read_submission(theirs, store), store)


def test_weights_that_act_under_other_options_are_refused(store):
    board = store.boards[RUN]
    theirs = write_submission(store.folder.parent / "inbox", board, agent="almost-jel", kind="discrete")
    for name in ("policy.json", "policy.safetensors"):
        shutil.copyfile(path_of(store, RUN, "jel") / name, theirs / name)
    with pytest.raises(SubmissionError, match=r"submission.toml: field 'env_kwargs' is .*discrete.*; the weights act"):
        check_policy(read_submission(theirs, store))


def test_weights_that_have_seen_what_is_judged_are_refused(store):
    from agents.pretrained.shipped import SHIPPED

    board = store.boards[SEARCH]
    theirs = write_submission(store.folder.parent / "inbox", board, agent="cribber")
    for suffix in (".json", ".safetensors"):
        shutil.copyfile(SHIPPED / f"searcher-tables-fold-1{suffix}", theirs / f"policy{suffix}")
    with pytest.raises(SubmissionError, match=r"policy.json: the weights were trained on '\S+', which is judged here"):
        verify(read_submission(theirs, store), store)


def test_a_random_subset_is_held_against_the_record(store):
    run = read_submission(path_of(store, RUN, "jel"), store)
    assert verify_subset(run, store, seeds=[7, 2]) <= 1e-9
    search = read_submission(path_of(store, SEARCH, "random"), store)
    assert verify_subset(search, store, seeds=[4]) == 0.0


def test_a_record_that_says_something_else_than_the_replay_is_refused(store):
    board = store.boards[RUN]
    path = store.record_path(board, f"{DAY}-jel")
    record = read_record(path)
    course = record.courses[""]
    better = [value * 0.9 for value in course.outcomes["final_loss"]]
    forged = course.model_copy(update={"outcomes": {**course.outcomes, "final_loss": better}})
    record.model_copy(update={"courses": {"": forged}}).write(path)
    with pytest.raises(SubmissionError, match=r"differs from field 'courses' by .*; small-run-v1 allows 1e-09"):
        verify_subset(read_submission(path_of(store, RUN, "jel"), store), store, seeds=[0])


def test_without_the_records_of_the_rivals_nothing_can_be_compared(tmp_path):
    store = small_store(tmp_path / "store")
    with pytest.raises(BoardError, match=r"rival 'random' has no record in .*: make the baselines"):
        verify(handed_in(store), store)


def test_a_board_with_other_data_than_this_machine_has_is_not_verified(store):
    submission = handed_in(store)
    object.__setattr__(submission, "board", submission.board.model_copy(update={"data": "sha256:0"}))
    with pytest.raises(BoardError, match=r"small-search-v1: its data is 'sha256:0'; this machine has 'sha256:\w+'"):
        verify(submission, store)


def test_a_run_that_diverges_has_fewer_actions_and_no_more(store):
    board = store.boards[RUN]

    def wild(agent, n):
        """A hundred times the tuned rate, n times."""
        episodes = [{"task": "", "seed": seed, "actions": [[1.0, 1.0]] * n} for seed in board.seeds]
        folder = write_submission(store.folder.parent / "inbox", board, agent=agent, episodes=episodes)
        with (folder / "submission.toml").open("a") as file:
            file.write('[env_kwargs]\nrecipe = "hand-tuned"\n')
        return read_submission(folder, store)

    with pytest.raises(SubmissionError, match=r"field 'actions' has 12, but the episode ended after 1"):
        verify(wild("too-long", 12), store)
    record = verify(wild("wild", 1), store)
    assert record.is_reference
    assert record.metrics["diverged"].mean == 1.0
    assert np.isfinite(record.metrics["final_loss"].mean)


def test_a_run_that_is_not_over_is_refused(store):
    episodes = random_episodes(store.boards[RUN])
    episodes[3]["actions"] = episodes[3]["actions"][:5]
    with pytest.raises(SubmissionError, match=r"seed 3: field 'actions' has 5, but the episode goes on"):
        verify(handed_in(store, RUN, episodes=episodes), store)


def test_a_file_of_another_language_becomes_a_submission(store, tmp_path):
    board = store.boards[SEARCH]
    path = tmp_path / "theirs.jsonl"
    path.write_text("".join(json.dumps(episode) + "\n" for episode in random_episodes(board)))
    facts = {
        "board": SEARCH,
        "agent": "from-afar",
        "authors": ("A. Person",),
        "date": DAY,
        "licence": "MIT",
        "training_compute": "none",
        "external_data": "none",
    }
    made = make_from_file(path, store=store, folder=tmp_path / "out", **facts)
    assert made.path == tmp_path / "out" / f"{DAY}-from-afar"
    assert verify(made, store).tier == "replayed"
    path.write_text("{}\n")
    with pytest.raises(SubmissionError, match=r"theirs\.jsonl, line 1: field 'task' is missing"):
        make_from_file(path, store=store, folder=tmp_path / "out", **{**facts, "agent": "broken"})
    assert [p.name for p in (tmp_path / "out").iterdir()] == [f"{DAY}-from-afar"]


def test_every_agent_of_the_catalogue_that_plays_a_board_is_a_baseline_of_it():
    from agents.catalogue import CATALOGUE

    for board in Store().latest:
        agents = {baseline.entry.name for baseline in baselines_of(board)}
        assert agents == {entry.name for entry in CATALOGUE.values() if entry.plays in ("", board.family)}
