"""Pictures of the guide are what the environments draw now."""

import numpy as np
import pytest
from PIL import Image

import hpo_gym
from guide.code_blocks import ROOT
from guide.environment_pages import PICTURES
from guide.pictures import PLAYERS, draw

NAME = "InRunControl-NoisyQuadratic-v0"


def test_every_player_plays_a_declared_environment_that_has_its_picture() -> None:
    declared = {env_id.partition("/")[2] for env_id in hpo_gym.DECLARATIONS}
    assert set(PLAYERS) <= declared
    assert {path.stem for path in (ROOT / "docs" / PICTURES).glob("*.png")} == set(PLAYERS)


@pytest.mark.slow
def test_a_picture_is_drawn_again_as_it_is(tmp_path) -> None:
    (tmp_path / PICTURES).mkdir(parents=True)
    drawn = draw(hpo_gym.DECLARATIONS[f"hpo_gym/{NAME}"], tmp_path)
    assert drawn.read_bytes() == draw(hpo_gym.DECLARATIONS[f"hpo_gym/{NAME}"], tmp_path).read_bytes()
    kept = np.asarray(Image.open(ROOT / "docs" / PICTURES / f"{NAME}.png").convert("RGB"), dtype=float)
    now = np.asarray(Image.open(drawn).convert("RGB"), dtype=float)
    assert np.abs(kept - now).mean() < 2  # of 255; other versions of fonts and matplotlib draw a little otherwise
