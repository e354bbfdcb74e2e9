"""The example of an attached controller."""

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "attached_controller.py"


@pytest.mark.slow
def test_the_example_trains_with_and_without_a_controller(capsys):
    runpy.run_path(str(EXAMPLE))["main"](12, "1e-2")
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "fixed rate of 0.01",
        "the same as peak of jel-plus-nano",
        "the same as mean of jel-plus-nano",
    ]
    assert len({line.rpartition(" ")[2] for line in lines}) == 3
