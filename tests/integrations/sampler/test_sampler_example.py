"""The example of the sampler, from old studies to a new one."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "learned_sampler.py"


@pytest.mark.slow
def test_the_example_begins_where_old_studies_ended():
    spec = importlib.util.spec_from_file_location("learned_sampler_example", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    study = example.main()
    assert len(study.trials) == 15
    assert study.trials[0].value > 0.9  # of random ones the median is 0.1 to 0.2
    assert study.best_value > 0.95
