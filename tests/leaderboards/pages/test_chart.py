"""Line charts as SVG: axes, ticks and paths by hand, and nothing of a title that is more than text."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from leaderboards.pages.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Chart, Line, axis_for, plain_number

SVG = "{http://www.w3.org/2000/svg}"


def chart(*lines: Line, **changes) -> Chart:
    fields = {
        "id": "c",
        "title": "A title",
        "description": "What is seen.",
        "summary": "",
        "x": Axis(label="trials", low=0.0, high=10.0),
        "y": Axis(label="regret", low=0.01, high=1.0, is_log=True),
    }
    return Chart(**{**fields, **changes}, lines=lines)


def parsed(drawn: Chart) -> ET.Element:
    return ET.fromstring(str(drawn.svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def path_of(drawn: Chart, kind: str) -> str:
    return next(p.attrib["d"] for p in parsed(drawn).iter(f"{SVG}path") if p.attrib["class"] == kind)


def test_a_step_holds_until_the_next_value() -> None:
    line = Line(xs=np.array([0.0, 5, 10]), ys=np.array([1.0, 0.01, 0.01]), kind="seed")
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    middle = (LEFT + right) / 2
    assert path_of(chart(line), "seed") == f"M{LEFT} {TOP}H{middle:g}V{bottom}H{right}"


def test_points_are_joined_and_values_outside_lie_on_the_edge() -> None:
    line = Line(xs=np.array([0.0, 10, 20]), ys=np.array([1.0, 1e-9, np.nan]), kind="mean", is_step=False)
    assert path_of(chart(line), "mean") == f"M{LEFT} {TOP}L{WIDTH - RIGHT} {HEIGHT - BOTTOM}"


def test_a_line_without_finite_values_is_not_drawn() -> None:
    line = Line(xs=np.array([0.0]), ys=np.array([np.nan]), kind="seed")
    assert not [p for p in parsed(chart(line)).iter(f"{SVG}path") if p.attrib["class"] == "seed"]


def test_who_cannot_see_it_is_told_and_titles_are_text() -> None:
    title = "</title><script>alert(1)</script>\"'"
    root = parsed(chart(title=title, description="<b>"))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "c-title c-desc"
    assert root.findtext(f"{SVG}title") == title
    assert root.findtext(f"{SVG}desc") == "<b>"
    assert not list(root.iter(f"{SVG}script"))


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(label="", low=0.0005, high=1.1, is_log=True), (0.001, 0.01, 0.1, 1.0)),
        (Axis(label="", low=0.4, high=5.0, is_log=True), (0.5, 1.0, 2.0, 5.0)),
        (Axis(label="", low=0.0, high=561.0), (0.0, 200.0, 400.0)),
        (Axis(label="", low=1.0, high=50.0), (10.0, 20.0, 30.0, 40.0, 50.0)),
        (Axis(label="", low=-0.05, high=0.05), (-0.04, -0.02, 0.0, 0.02, 0.04)),
    ],
)
def test_ticks_are_round_values(axis: Axis, ticks: tuple[float, ...]) -> None:
    assert axis.ticks == ticks


@pytest.mark.parametrize("low", [1e-7, 0.3, 17.0])
@pytest.mark.parametrize("ratio", [1.6, 7.0, 90.0, 1e9])
@pytest.mark.parametrize("is_log", [False, True])
def test_every_axis_has_two_to_nine_ticks_within_it(low: float, ratio: float, is_log: bool) -> None:
    axis = Axis(label="", low=low, high=low * ratio, is_log=is_log)
    assert 2 <= len(axis.ticks) <= 9
    assert all(axis.low <= tick <= axis.high * (1 + 1e-9) for tick in axis.ticks)


def test_an_axis_holds_its_values_and_is_linear_where_there_is_no_logarithm() -> None:
    values = [np.array([0.01, 1.0]), np.array([np.nan, 10.0])]
    axis = axis_for("loss", values, is_log=True)
    assert axis.is_log
    assert axis.low < 0.01 < 10 < axis.high
    assert not axis_for("wd", [np.array([0.0, 1.0])], is_log=True).is_log
    for flat in ([np.full(3, 0.1)], [np.zeros(3)], []):
        axis = axis_for("", flat, is_log=True)
        assert axis.low < axis.high
        assert np.isfinite(axis.fraction(np.array([0.1]))).all()


def test_numbers_are_plain() -> None:
    assert [plain_number(v) for v in (0.001, 20.0, 3e-05, -0.5, 0.0, 1e7)] == [
        "0.001",
        "20",
        "3e−05",
        "−0.5",
        "0",
        "1e+07",
    ]
