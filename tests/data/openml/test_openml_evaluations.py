"""Lists of runs and setups: paged, kept on disk, gone on with."""

import numpy as np
import pytest

from hpo_gym.data.errors import OpenMLError
from hpo_gym.data.openml import evaluations, setups
from hpo_gym.data.openml.evaluations import load_task_runs
from hpo_gym.data.openml.settings import find_settings
from hpo_gym.data.openml.setups import load_setups


@pytest.fixture
def flow(openml_server, monkeypatch):
    """A flow with 25 setups, listed in pages of 10 and chunks of 4."""
    monkeypatch.setattr(evaluations, "PAGE_SIZE", 10)
    monkeypatch.setattr(setups, "CHUNK_SIZE", 4)
    flow = openml_server.add_flow(name="weka.J48")
    for number in range(25):
        openml_server.add_setup(flow, {"C": str(number / 10), "U": "true" if number % 2 else None})
    return flow


@pytest.fixture
def runs_of(tmp_path):
    def loaded(flow, task, **options):
        given = {"metric": "predictive_accuracy", **options}
        return load_task_runs(find_settings(), tmp_path / "pages", flow_id=flow, task_id=task, **given)

    return loaded


def offsets(server):
    return [path.split("/offset/")[1].split("/")[0] for path in server.paths("evaluation/list")]


@pytest.mark.parametrize(("n", "asked"), [(25, ["0", "10", "20"]), (20, ["0", "10", "20"]), (3, ["0"]), (0, ["0"])])
def test_all_pages_are_read_and_no_more(openml_server, flow, runs_of, n, asked):
    openml_server.add_evaluations(7, [(setup, setup / 100) for setup in range(1, n + 1)])
    runs = runs_of(flow, 7)
    assert offsets(openml_server) == asked
    assert runs.setup_ids.tolist() == [*range(1, n + 1)]
    np.testing.assert_allclose(runs.scores, np.arange(1, n + 1) / 100)


def test_pages_that_are_here_are_not_asked_for_again(openml_server, flow, runs_of):
    openml_server.add_evaluations(7, [(setup, 0.5) for setup in range(1, 26)])
    first = runs_of(flow, 7)
    n_requests = len(openml_server.requests)
    second = runs_of(flow, 7)
    assert len(openml_server.requests) == n_requests
    assert first.setup_ids.tolist() == second.setup_ids.tolist()


def test_a_listing_that_broke_off_goes_on_at_the_page_where_it_broke(openml_server, flow, runs_of):
    openml_server.add_evaluations(7, [(setup, 0.5) for setup in range(1, 26)])
    openml_server.fail_next("status", part="offset/20", status=500, times=5)
    with pytest.raises(OpenMLError, match=r"offset/20/task/7/flow/1: the server failed \(status 500\), 5 times"):
        runs_of(flow, 7)
    openml_server.requests.clear()
    assert len(runs_of(flow, 7).scores) == 25
    assert offsets(openml_server) == ["20"]


def test_a_damaged_page_is_asked_for_again(openml_server, flow, runs_of, tmp_path):
    openml_server.add_evaluations(7, [(setup, 0.5) for setup in range(1, 26)])
    runs_of(flow, 7)
    page = tmp_path / "pages" / "task-7" / "predictive_accuracy" / "00000010.json"
    page.write_text(page.read_text()[:-7])
    openml_server.requests.clear()
    assert len(runs_of(flow, 7).scores) == 25
    assert offsets(openml_server) == ["10"]


def test_a_limit_takes_the_first_and_can_be_raised_later(openml_server, flow, runs_of):
    openml_server.add_evaluations(7, [(setup, 0.5) for setup in range(1, 26)])
    assert [len(runs_of(flow, 7, limit=limit).scores) for limit in (13, 5, None)] == [13, 5, 25]


def test_failed_runs_are_runs_without_a_score(openml_server, flow, runs_of):
    openml_server.add_evaluations(7, [(1, 0.5), (2, None), (3, 0.25)], errors=[4, 1])
    openml_server.add_evaluations(7, [(5, 10.0)], function="build_memory")
    runs = runs_of(flow, 7)
    assert runs.setup_ids.tolist() == [1, 2, 3, 4, 1, 5]
    np.testing.assert_array_equal(runs.scores, [0.5, np.nan, 0.25, np.nan, np.nan, np.nan])


def test_other_flows_tasks_and_metrics_are_not_mixed_in(openml_server, flow, runs_of):
    other = openml_server.add_flow(name="weka.SMO")
    openml_server.add_setup(other, {"C": "1"}, setup_id=99)
    openml_server.add_evaluations(7, [(1, 0.5), (99, 0.9)])
    openml_server.add_evaluations(8, [(2, 0.6)])
    assert runs_of(flow, 7).setup_ids.tolist() == [1]
    assert runs_of(flow, 8).scores.tolist() == [0.6]


def test_setups_become_columns_and_chunks_that_are_here_are_not_asked_for_again(openml_server, flow, tmp_path):
    seen = []
    progress = {"on_progress": lambda done, total: seen.append((done, total))}
    openml_server.fail_next("hang_up", part="setup/list/setup/9", times=5)
    with pytest.raises(OpenMLError, match="the connection failed"):
        load_setups(find_settings(), tmp_path / "setups", range(1, 26), **progress)
    assert seen == [(0, 25), (4, 25), (8, 25)]
    openml_server.requests.clear()
    found = load_setups(find_settings(), tmp_path / "setups", [*range(1, 26), 77])
    assert len(openml_server.paths("setup/list")) == 5
    assert found.ids.tolist() == [*range(1, 26)]
    assert found.missing == (77,)
    c, u = found.parameters
    assert (c.name, c.component, c.full_name) == ("C", "weka.J48", "weka.J48(1)_C")
    assert [c.texts[code] for code in c.codes] == [str(number / 10) for number in range(25)]
    assert set(u.texts) == {None, "true"}
    assert u.texts[u.codes[0]] is None
    openml_server.requests.clear()
    assert load_setups(find_settings(), tmp_path / "setups", [77, 3]).ids.tolist() == [3]
    assert openml_server.requests == []


def test_a_setup_without_a_parameter_that_others_have_is_marked(openml_server, flow, tmp_path):
    openml_server.add_setup(flow, {"C": "1", "depth": "3"})
    openml_server.add_setup(flow, {})
    found = load_setups(find_settings(), tmp_path, [1, 26, 27])
    assert {p.name: p.codes.tolist() for p in found.parameters} == {
        "C": [0, 1, -1],
        "U": [0, -1, -1],
        "depth": [-1, 0, -1],
    }
