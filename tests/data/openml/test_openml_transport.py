"""Requests to OpenML that go wrong, and the key that nobody may see."""

import errno
import logging
import time
import traceback

import pytest

from hpo_gym.data.errors import OpenMLError
from hpo_gym.data.openml.client import connected
from hpo_gym.data.openml.settings import OpenMLSettings, find_settings

KEY = "c0ffee-and-nothing-else"


@pytest.fixture
def ask(openml_server):
    """Asks for flow 1, which is there, with this server's settings changed as said -> its name."""
    openml_server.add_flow(name="weka.J48")

    def asked(flow_id=1, **changed):
        settings = find_settings(**changed)
        with connected(settings) as openml:
            return openml.flows.get_flow(flow_id).name

    return asked


@pytest.mark.parametrize("failure", ["half", "hang_up"])
def test_an_answer_that_breaks_off_is_asked_for_again(openml_server, ask, failure):
    openml_server.fail_next(failure, times=2)
    assert ask() == "weka.J48"
    assert openml_server.pauses_s == [1.0, 2.0]


@pytest.mark.parametrize("failure", ["half", "hang_up"])
def test_a_server_that_never_answers_in_full_is_told_in_one_line_with_the_address(openml_server, ask, failure):
    openml_server.fail_next(failure, times=9)
    with pytest.raises(OpenMLError, match=rf"^{openml_server.url}/flow/1: .*, 3 times; try again later$"):
        ask(n_tries=3)
    assert len(openml_server.requests) == 3


def test_a_server_that_keeps_silent_is_given_up(openml_server, ask):
    openml_server.fail_next("time_out", times=2, seconds=0.5)
    started = time.monotonic()
    with pytest.raises(OpenMLError, match=r"flow/1: no answer within 0\.1 s, 2 times"):
        ask(n_tries=2, read_timeout_s=0.1)
    assert time.monotonic() - started < 0.45


def test_a_host_that_is_not_there_is_told(openml_server, ask):
    with pytest.raises(OpenMLError, match=r"flow/1: the connection failed, 5 times"):
        ask(server="http://127.0.0.1:9/api/v1/xml")


def test_what_another_try_would_not_mend_is_told_at_once(openml_server, ask):
    openml_server.fail_next("status", status=302, headers={"Location": f"{openml_server.url}/flow/1"}, times=99)
    with pytest.raises(OpenMLError, match="without an end"):
        ask()
    with pytest.raises(OpenMLError, match="no secure connection"):
        ask(server=openml_server.url.replace("http:", "https:"))
    assert openml_server.pauses_s == []


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_says_later_is_asked_again_after_the_time_it_names(openml_server, ask, status):
    openml_server.fail_next("status", status=status, headers={"Retry-After": "7"})
    openml_server.fail_next("status", status=status)
    assert ask() == "weka.J48"
    assert openml_server.pauses_s == [7.0, 15.0 if status == 429 else 2.0]


def test_a_server_that_does_not_reach_its_database_is_asked_again(openml_server, ask):
    body = b"<oml:error><oml:code>107</oml:code><oml:message>Database connection error</oml:message></oml:error>"
    openml_server.fail_next("status", status=412, body=body, times=2)
    assert ask() == "weka.J48"
    assert openml_server.pauses_s == [1.0, 2.0]


def test_a_date_to_come_back_at_is_understood(openml_server, ask):
    openml_server.fail_next("status", status=429, headers={"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"})
    assert ask() == "weka.J48"
    assert len(openml_server.pauses_s) == 1


def test_a_rate_limit_of_an_hour_ends_the_work_with_the_time(openml_server, ask):
    openml_server.fail_next("status", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(OpenMLError, match=r"asks for fewer requests \(status 429\) and asks to wait 3600 s"):
        ask()
    assert openml_server.pauses_s == []


def test_a_number_that_openml_does_not_know_is_told_with_its_words(openml_server, ask):
    with pytest.raises(
        OpenMLError, match=r"^\S+/flow/7: OpenML answers .*there is no 7 \(code 111\); check the number$"
    ):
        ask(7)


@pytest.mark.parametrize(
    ("failure", "answer"),
    [
        ("status", {"status": 404, "body": b"<html><p>Not found<br></html>"}),
        ("status", {"status": 200, "body": b"<html><body>Welcome</body></html>"}),
        ("status", {"status": 403, "body": b""}),
        ("empty", {}),
    ],
)
def test_what_is_no_openml_is_told_in_one_line(openml_server, ask, failure, answer):
    openml_server.fail_next(failure, times=9, **answer)
    with pytest.raises(OpenMLError, match=r"/flow/1: the answer is not understood") as caught:
        ask()
    assert "\n" not in str(caught.value)


def test_offline_nothing_is_asked(openml_server, ask, monkeypatch):
    monkeypatch.setenv("HPO_GYM_OFFLINE", "1")
    with pytest.raises(OpenMLError, match="HPO_GYM_OFFLINE is set"):
        ask()
    assert openml_server.requests == []


def test_the_key_is_sent_to_its_server_and_to_no_other(openml_server, ask):
    import requests

    from hpo_gym.data.openml.transport import PatientSession

    ask(api_key=KEY)
    assert openml_server.requests[-1].query == {"api_key": KEY}
    settings = OpenMLSettings(server="http://localhost/api/v1/xml", api_key=KEY)  # the same machine, another origin
    with PatientSession(settings, []) as session:
        response = session.get(f"{openml_server.url}/flow/1")
    assert response.status_code == requests.codes.ok
    assert openml_server.requests[-1].query == {}


def test_the_key_is_not_sent_on_to_where_a_server_points(openml_server, ask):
    elsewhere = openml_server.url.replace("127.0.0.1", "localhost")
    openml_server.fail_next("status", status=302, headers={"Location": f"{elsewhere}/flow/1"})
    assert ask(api_key=KEY) == "weka.J48"
    assert [request.query for request in openml_server.requests] == [{"api_key": KEY}, {}]


@pytest.mark.parametrize(
    "plan",
    [
        [],
        [("half", {"times": 2})],
        [("hang_up", {"times": 9})],
        [("status", {"status": 429, "headers": {"Retry-After": "1"}, "times": 9})],
        [("status", {"status": 404, "body": f"no such page: /flow/1?api_key={KEY}".encode(), "times": 9})],
        [("status", {"status": 412, "body": f"<oml:error>api_key={KEY}".encode(), "times": 9})],
        [("no_result", {})],
    ],
)
def test_the_key_is_in_no_log_no_exception_and_no_file(openml_server, ask, caplog, capfd, tmp_path, plan):
    caplog.set_level(logging.DEBUG)
    for failure, answer in plan:
        openml_server.fail_next(failure, **answer)
    told = ""
    try:
        ask(api_key=KEY)
    except OpenMLError as error:
        told = "".join(traceback.format_exception(error))
    assert openml_server.requests[-1].query["api_key"] == KEY
    assert KEY not in told
    assert caplog.records
    assert KEY not in caplog.text
    assert KEY not in "".join(capfd.readouterr())
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_the_key_is_not_shown_by_the_settings(openml_server):
    settings = find_settings(api_key=KEY)
    assert settings.api_key == KEY
    assert KEY not in repr(settings)


def test_the_clients_own_configuration_is_as_before_whatever_happens(openml_server, ask):
    import openml
    import openml._api_calls

    def state():
        calls = openml._api_calls
        return openml.config.get_config_as_dict(), calls.requests, calls.logging, calls.minio, calls.time

    before, handlers = state(), [*logging.getLogger().handlers]
    ask()
    with pytest.raises(OpenMLError):
        ask(99)
    assert state() == before
    assert logging.getLogger().handlers == handlers


@pytest.mark.parametrize(
    "server",
    ["openml.org", "ftp://openml.org", "http://", "https://me:secret@openml.org", "https://openml.org?api_key=secret"],
)
def test_what_is_no_servers_address_is_refused_without_a_password_in_the_message(server):
    with pytest.raises(OpenMLError) as caught:
        OpenMLSettings(server=server)
    assert "secret" not in str(caught.value)


def test_a_site_is_completed_to_the_address_of_its_interface():
    assert OpenMLSettings(server="https://www.openml.org").server == "https://www.openml.org/api/v1/xml"


def test_settings_come_from_arguments_then_the_environment_then_openmls_own_file(openml_server, tmp_path, monkeypatch):
    from hpo_gym.data.openml import settings

    (tmp_path / "openml").mkdir()
    (tmp_path / "openml" / "config").write_text("apikey = of-the-file\nserver = http://file/api/v1/xml\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(settings.sys, "platform", "linux")
    monkeypatch.setitem(settings.sys.modules, "openml.config", None)
    assert find_settings().server == openml_server.url
    assert find_settings().api_key == ""
    monkeypatch.delenv("OPENML_SERVER")
    monkeypatch.delenv("OPENML_APIKEY")
    assert (find_settings().server, find_settings().api_key) == ("http://file/api/v1/xml", "of-the-file")
    assert find_settings(server="http://file").api_key == "of-the-file"
    said = find_settings(server="http://said")
    assert (said.server, said.api_key) == ("http://said/api/v1/xml", "")  # the key is another server's
    monkeypatch.setenv("OPENML_SERVER", "http://named/api/v1/xml")
    assert find_settings().api_key == ""
    (tmp_path / "openml" / "config").write_text("apikey of-the-file\n")
    with pytest.raises(OpenMLError, match="cannot be read") as caught:
        find_settings()
    assert "of-the-file" not in "".join(traceback.format_exception(caught.value))


def test_a_disk_that_is_full_is_told_as_such(openml_server):
    full = OSError(errno.ENOSPC, "No space left on device", "/cache/openml/flow.xml")
    said = r"^/cache/openml/flow\.xml: no space left on device, while .* was asked for$"
    with pytest.raises(OpenMLError, match=said), connected():
        raise full
