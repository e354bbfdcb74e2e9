"""`hpo-gym leaderboard`: what each command prints, writes and refuses, and with which exit code."""

import http.client
import json
import shutil
import sys
import threading
from pathlib import Path

import pytest
from small_board import RUN, SEARCH, random_episodes, small_store, write_submission
from test_cli import Outcome

from hpo_gym.cli import leaderboard_make
from leaderboards.board import FROZEN
from leaderboards.record import read_record
from leaderboards.serve import server_for
from leaderboards.store import Store

DAY = "2026-01-31"
FACTS = ("--authors", "A. Person, B. Person", "--licence", "MIT", "--training-compute", "none")
FACTS = (*FACTS, "--external-data", "none", "--date", DAY)

AGENTS = '''
"""Agents that choose a random schedule; one is interrupted once, while it plays."""
from pathlib import Path
import numpy as np

class Random:
    def start_episodes(self, seeds):
        self.rngs = [np.random.default_rng(seed) for seed in seeds]
        with Path("started.txt").open("a") as file:
            file.write(f"{len(seeds)}\\n")

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.array([rng.integers(30_000) for rng in self.rngs]), state

class Interrupted(Random):
    def start_episodes(self, seeds):
        super().start_episodes(seeds)
        if Path("started.txt").read_text().count("\\n") == 2:
            raise KeyboardInterrupt

def build(context):
    return Random()

def build_interrupted(context):
    return Interrupted()
'''


def leaderboard(*arguments: str | Path) -> Outcome:
    """A command on the store in the current folder."""
    return Outcome("leaderboard", *map(str, arguments), "--store", "store")


def make(*arguments: str | Path) -> Outcome:
    return leaderboard("make", *FACTS, "--out", "made", *arguments)


def written(board_id: str = SEARCH, **changes: object) -> Path:
    """A submission in the current folder, as a stranger wrote it."""
    return write_submission(Path("inbox"), Store(Path("store")).boards[board_id], **changes)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of both boards and their rivals, made by the command."""
    folder = tmp_path_factory.mktemp("kept")
    small_store(folder / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        outcome = leaderboard(
            "baselines", "--agents", "random,average-rank,controller-off,hand-tuned,cosine", "--date", DAY
        )
    assert outcome.code == 0, outcome.err
    assert f"{SEARCH}: wrote {DAY}-random" in outcome.out
    assert f"{RUN}: verified {DAY}-cosine" in outcome.out
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        again = leaderboard("baselines", "--agents", "random,cosine")
    assert again.out == f"{RUN}: nothing to make or to verify\n{SEARCH}: nothing to make or to verify\n"
    return folder


@pytest.fixture
def store(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A copy of it in the current folder, beside a module of agents."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_agents.py").write_text(AGENTS)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "own_agents", raising=False)
    return Store(shutil.copytree(kept / "store", tmp_path / "store"))


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store without submissions, whose pages are written in no time."""
    monkeypatch.chdir(tmp_path)
    return small_store(tmp_path / "store")


@pytest.mark.parametrize(
    "command", ["list", "show", "make", "check", "verify", "render", "serve", "baselines", "freeze"]
)
def test_every_command_has_a_help_with_an_example(command: str) -> None:
    outcome = Outcome("leaderboard", command, "--help")
    assert outcome.code == 0
    assert f"Usage: hpo-gym leaderboard {command}" in outcome.out
    assert f"Example: hpo-gym leaderboard {command}" in " ".join(outcome.out.split())


def test_list_and_show_tell_what_is_played_and_who_stands_where(store: Store) -> None:
    rows = {row["id"]: row for row in json.loads(leaderboard("list", "--json").out)}
    assert rows[SEARCH]["n_submissions"] == 2
    assert rows[RUN]["tasks"] == [""]
    assert rows[RUN]["env_kwargs"] == {"split": "test"}
    told = leaderboard("list").out
    assert "3 tasks x 10 seeds" in told
    assert "10 runs" in told
    shown = leaderboard("show", "small-run").out
    assert "lower is better" in shown
    entries = {entry["agent"]: entry for entry in json.loads(leaderboard("show", RUN, "--json").out)["entries"]}
    assert [entries[name]["rank"] for name in ("cosine", "controller-off", "hand-tuned")] == [1, 2, None]
    assert entries["cosine"]["evidence"] == "replayed"


def test_a_board_without_submissions_says_how_to_begin(empty: Store) -> None:
    assert f"hpo-gym leaderboard make {RUN} AGENT" in leaderboard("show", RUN).out


def test_what_there_is_not_is_wrong_usage_with_a_suggestion(store: Store) -> None:
    leaderboard("show", "small-serch-v1").fails(2, f"did you mean '{SEARCH}'?")
    Outcome("leaderboard", "list", "--store", "nowhere").fails(2, "--store nowhere", "boards")
    make(SEARCH, "randm").fails(2, "did you mean 'random'?")
    make(SEARCH, "controller-off", "--name", "off").fails(2, "is for in-run-control")
    leaderboard("baselines", "--agents", "randm").fails(2, "did you mean 'random'?")
    leaderboard("verify").fails(2, "folders, or --board BOARD, or --all")
    leaderboard("check").fails(2, "folders")
    leaderboard("verify", "--all", "--subset", "2", "--record").fails(2, "--record")
    leaderboard("verify", "--all", "--record", "--no-rerun").fails(2, "--no-rerun")
    leaderboard("verify", "--board", RUN, "--seeds", "3,77").fails(2, "--seeds 77", "0 to 9")


def test_an_agent_is_made_checked_verified_and_recorded(store: Store) -> None:
    made = make(SEARCH, "own_agents:build", "--code", "https://example.org/agent")
    assert made.code == 0, made.err
    folder = Path("made") / f"{DAY}-own-agents"
    assert f"wrote {folder}: 30 episodes, 150 actions" in made.out
    assert f"next: hpo-gym leaderboard verify {folder} --store store" in made.out
    assert 'authors = ["A. Person", "B. Person"]' in (folder / "submission.toml").read_text()
    assert leaderboard("check", folder).out == f"{folder.name}: in order for {SEARCH}: 30 episodes, 150 actions\n"
    found = leaderboard("verify", folder)
    assert found.code == 0, found.err
    assert "replayed" in found.out
    assert "of 3: hpo-gym leaderboard show" in found.out
    assert "Not recorded" in found.out
    assert "next: commit it as leaderboards/submissions" in found.out
    shutil.copytree(folder, store.folder / "submissions" / SEARCH / folder.name)
    assert "Recorded in" in leaderboard("verify", store.folder / "submissions" / SEARCH / folder.name, "--record").out
    again = leaderboard("verify", "--board", SEARCH)
    assert again.out.count("the same to the bit as the record that is kept") == 3
    assert leaderboard("verify", "--all", "--subset", "2").out.count("the same to the bit as the record") == 6


def test_a_trained_policy_is_submitted_with_its_weights_and_run_again(store: Store) -> None:
    shipped = Path(leaderboard_make.__file__).parents[2] / "agents" / "pretrained"
    Path("policy").mkdir()
    for suffix in ("json", "safetensors"):
        shutil.copyfile(shipped / f"jel-noisy-quadratic.{suffix}", Path("policy") / f"policy.{suffix}")
    made = make(RUN, "policy")
    assert made.code == 0, made.err
    assert "with weights" in made.out
    assert "re-run (its weights act so again)" in leaderboard("verify", f"made/{DAY}-policy").out
    assert "replayed" in leaderboard("verify", f"made/{DAY}-policy", "--no-rerun").out
    assert make(RUN, "policy", "--no-weights", "--name", "bare").code == 0
    assert not Path(f"made/{DAY}-bare/policy.json").exists()
    make(RUN, "cosine", "--with-weights", "--name", "bent").fails(2, "--with-weights")


def test_episodes_of_any_program_are_made_a_submission(store: Store) -> None:
    board = store.boards[SEARCH]
    lines = [json.dumps(episode) + "\n" for episode in random_episodes(board, kind="unit_cube")]
    Path("mine.jsonl").write_text("".join(lines))
    made = make(SEARCH, "--episodes", "mine.jsonl", "--name", "points", "--env", "action=unit_cube")
    assert made.code == 0, made.err
    assert leaderboard("verify", f"made/{DAY}-points").code == 0
    make(SEARCH, "--episodes", "mine.jsonl", "--name", "rows").fails(1, "mine.jsonl", "--env action=unit_cube")
    Path("short.jsonl").write_text("".join(lines[:-1]))
    short = ("--episodes", "short.jsonl", "--name", "short", "--env", "action=unit_cube")
    make(SEARCH, *short).fails(1, "short.jsonl: 1 of the board's 30 episodes")
    make(SEARCH, *short, "--env", "colour=red").fails(1, "'colour'")
    make(SEARCH, "--episodes", "none.jsonl", "--name", "none").fails(2, "none.jsonl", "no such file")
    make(SEARCH, "--episodes", "mine.jsonl").fails(2, "--name")
    make(SEARCH, "--episodes", "mine.jsonl", "--name", "a", "--with-weights").fails(2, "no weights")
    make(SEARCH, "random", "--name", "a", "--env", "action=unit_cube").fails(2, "--episodes")
    make(SEARCH, "random", "--episodes", "mine.jsonl").fails(2, "either AGENT or --episodes")
    assert sorted(path.name for path in Path("made").iterdir()) == [f"{DAY}-points"]


def test_what_would_be_refused_is_refused_before_anything_is_played(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leaderboards.play.evaluate_protocol", lambda *_, **__: pytest.fail("it was played"))
    make(SEARCH, "random").fails(1, "'random' is reserved")
    make(SEARCH, "own_agents:build", "--name", "rand.om").fails(1, "--name 'rand.om'", "'random' is reserved")
    make(SEARCH, "own_agents:build", "--name", "My Agent").fails(2, "--name: ", "lower-case", "'My Agent'")
    make(SEARCH, "own_agents:build", "--code", "http://example.org").fails(2, "https://")
    make(SEARCH, "own_agents:build", "--description", "<b>").fails(2, "angle bracket")
    make(SEARCH, "own_agents:build", "--licence", "my own").fails(2, "SPDX")
    make(SEARCH, "own_agents:build", "--date", "31.1.2026").fails(2, "--date 31.1.2026")
    leaderboard("make", SEARCH, "own_agents:build", "--licence", "MIT").fails(
        2, "--authors", "--training-compute", "--external-data"
    )
    write_submission(store.folder / "submissions" / SEARCH, store.boards[SEARCH], agent="theirs", authors=["Other"])
    make(SEARCH, "own_agents:build", "--name", "the-irs").fails(1, "other authors")
    write_submission(Path("made"), store.boards[SEARCH], agent="mine", date=DAY)
    make(SEARCH, "own_agents:build", "--name", "mine").fails(1, "is there already")
    make(SEARCH, "own_agents:build", "--out", "own_agents.py").fails(2, "--out own_agents.py", "is not a folder")


def test_weights_that_saw_what_is_judged_are_told_before_they_play(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.catalogue.CatalogueEntry.tasks_seen", lambda *_: frozenset({"kc1"}))
    make(SEARCH, "own_agents:build").fails(1, "trained on 'kc1'")


def test_an_interrupted_make_goes_on_from_there(store: Store) -> None:
    make(SEARCH, "own_agents:build_interrupted").fails(1, "interrupted; the same command goes on")
    assert not Path("made").exists()
    again = make(SEARCH, "own_agents:build_interrupted")
    assert again.code == 0, again.err
    assert "going on with the episodes in build" in again.err
    assert Path("started.txt").read_text().split() == ["10"] * 4  # three tasks, one of them begun twice
    assert not list(leaderboard_make.UNFINISHED.glob("*/*"))


def test_a_refusal_names_the_folder_and_leaves_the_others_standing(store: Store) -> None:
    good, bad = written(agent="good"), written(agent="bad")
    (bad / "episodes.jsonl").write_text("{}\n")
    leaderboard("check", bad).fails(1, f"{bad}/episodes.jsonl, line 1: field 'task' is missing")
    leaderboard("check", "nowhere").fails(1, "nowhere", "no such file")
    both = leaderboard("check", good, bad)
    assert (both.code, both.err) == (1, "hpo-gym: 1 of 2 refused\n")
    assert both.out.splitlines()[0].startswith("refused: ")
    assert f"{good.name}: in order" in both.out
    leaderboard("verify", bad).fails(1, "line 1")
    assert f"{SEARCH} {good.name}: replayed" in leaderboard("verify", good, bad).out


def test_a_stated_score_that_is_not_so_is_refused_beside_those_that_are(store: Store) -> None:
    episodes = random_episodes(store.boards[SEARCH])
    lying = written(agent="lying", episodes=[{**episode, "scores": [0.99] * 5} for episode in episodes])
    honest = written(agent="honest")
    leaderboard("verify", lying).fails(1, "field 'scores'", "its replay gives")
    both = leaderboard("verify", lying, honest)
    assert (both.code, both.err) == (1, "hpo-gym: 1 of 2 refused\n")
    assert f"{honest.name}: replayed" in both.out
    assert "refused: " in both.out


def test_a_record_that_is_not_what_is_found_fails(store: Store) -> None:
    path = store.record_path(store.boards[RUN], f"{DAY}-cosine")
    right = path.read_text()
    record = read_record(path)
    figure = record.metrics["final_loss"].model_copy(update={"mean": 0.001})
    record.model_copy(update={"metrics": {**record.metrics, "final_loss": figure}}).write(path)
    told = leaderboard("verify", "--board", RUN)
    assert (told.code, told.err) == (1, "hpo-gym: 1 of 3 refused\n")
    assert "differs from the record that is kept" in told.out
    courses = {"": record.courses[""].model_copy(update={"outcomes": _shifted(record.courses[""].outcomes, 1e-12)})}
    record.model_copy(update={"courses": courses}).write(path)
    assert "within tolerance" in leaderboard("verify", store.folder / "submissions" / RUN / f"{DAY}-cosine").out
    assert leaderboard("verify", "--board", RUN, "--record").code == 0
    assert json.loads(path.read_text()) == json.loads(right)


def test_only_what_lies_in_the_store_is_recorded(store: Store) -> None:
    """Else the record would stand beside another submission of the same name, and take its figures."""
    folder = written(agent="elsewhere")
    leaderboard("verify", folder, "--record").fails(1, "--record", "elsewhere is not in the store; put it at")
    assert not store.record_path(store.boards[SEARCH], folder.name).exists()


def test_a_submission_that_is_not_in_order_is_told_beside_the_standings(store: Store) -> None:
    (store.folder / "submissions" / RUN / "2026-01-02-empty").mkdir()
    shown = leaderboard("show", RUN, "--json")
    assert (shown.code, len(json.loads(shown.out)["entries"])) == (0, 3)
    assert shown.err.startswith("left out: ")
    assert "2026-01-02-empty: lacks submission.toml" in shown.err


def _shifted(outcomes: dict[str, list[float]], by: float) -> dict[str, list[float]]:
    return {name: [value + by for value in values] for name, values in outcomes.items()}


def test_boards_without_their_data_are_left_out_and_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def state(declaration: object) -> dict[str, str]:
        is_run = getattr(declaration, "family", "") == "in-run-control"
        return {"state": "present" if is_run else "absent", "get": "" if is_run else "hpo-gym data get it"}

    monkeypatch.setattr("hpo_gym.cli.leaderboard_store.data_state", state)
    told = leaderboard("verify", "--all")
    assert told.code == 0, told.err
    assert f"{SEARCH}: 2 left out, its data is not here: hpo-gym data get it" in told.out
    assert told.out.count(f"{RUN} {DAY}-") == 3
    make(SEARCH, "own_agents:build").fails(1, "hpo-gym data get it")


def test_freeze_adds_boards_and_never_changes_one(store: Store) -> None:
    boards = store.folder / "boards"
    before = json.loads((boards / FROZEN).read_text())
    assert leaderboard("freeze").out == "every board is frozen already\n"
    text = (boards / f"{SEARCH}.toml").read_text().replace("small-search-v1", "small-search-v2")
    (boards / "small-search-v2.toml").write_text(text.replace("sizes = [30000]", "sizes = [29999]"))
    leaderboard("list").fails(1, FROZEN, "hpo-gym leaderboard freeze")
    leaderboard("freeze").fails(1, "small-search-v2", "'actions.index'", "Discrete(30000)")
    (boards / "small-search-v2.toml").write_text(text)
    assert leaderboard("freeze").out == "froze small-search-v2\n"
    after = json.loads((boards / FROZEN).read_text())
    assert {name: after[name] for name in before} == before
    assert json.loads(leaderboard("show", "small-search", "--json").out)["id"] == "small-search-v2"
    (boards / f"{RUN}.toml").write_text((boards / f"{RUN}.toml").read_text().replace("1e-9", "1e-3"))
    leaderboard("freeze").fails(1, RUN, "version 2")
    assert json.loads((boards / FROZEN).read_text()) == after


def test_pages_are_written_and_served_on_this_machine_only(empty: Store) -> None:
    told = leaderboard("render", "--out", "pages", "--no-markdown")
    assert told.code == 0, told.err
    assert "open pages/index.html" in told.out
    assert not (empty.folder / "README.md").exists()
    assert "README.md" in leaderboard("render", "--out", "pages").out
    leaderboard("render", "--out", "store").fails(1, "no pages of a leaderboard")
    Path("pages/empty").mkdir()
    with server_for(Path("pages"), 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        assert host == "127.0.0.1"
        answers = {path: _get(int(port), path) for path in ("/", "/empty/", "/../own_agents.py", "/nothing")}
        Outcome("leaderboard", "serve", "--port", str(port), "--store", "store").fails(1, f"port {port} is in use")
        server.shutdown()
    assert [answers[path].status for path in answers] == [200, 404, 404, 404]
    for answer in answers.values():
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def _get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_ctrl_c_ends_the_server_quietly(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", interrupted)
    leaderboard("serve", "--out", "pages", "--port", "0", "--no-render").fails(2, "pages has no pages")
    told = leaderboard("serve", "--out", "pages", "--port", "0")
    assert (told.code, told.err) == (0, "")
    assert "http://127.0.0.1:" in told.out
    assert "http://127.0.0.1:" in leaderboard("serve", "--out", "pages", "--port", "0", "--no-render").out
