"""The guide's pictures: `python -m guide.pictures` plays an episode of each environment whose data is here.

An environment draws itself (`render_mode="rgb_array"`); agent and seed are fixed, so that the same versions draw the
same picture. Pictures are committed, since building the guide must need neither data nor minutes.
"""

import argparse
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

import hpo_gym
from agents.cli.playing import play
from envs_registry.declaration import Declaration
from guide.environment_pages import PICTURES, short_id
from hpo_gym.cli.environments import data_state
from hpo_gym.evaluation.atomic_file import replace_bytes

DOCS = Path(__file__).parents[1] / "docs"
N_COLOURS = 64

PLAYERS = {
    "ConfigSelection-HPOBenchMLP-v0": "searcher",
    "ConfigSelection-HPOBenchXGB-v0": "searcher",
    "ConfigSelection-HypRLNN-v0": "searcher",
    "ConfigSelection-LCBench-v0": "searcher",
    "ConfigSelection-TSTSVM-v0": "searcher",
    "InRunControl-Micro-v0": "jel-plus-micro",
    "InRunControl-Nano-v0": "jel-plus-nano",
    "InRunControl-NanoDeploy-v0": "jel-plus-nano",
    "InRunControl-NanoText-v0": "jel-plus-nano",
    "InRunControl-NoisyQuadratic-v0": "jel-plus-noisy-quadratic",
}
"""Who plays; environments that take a graphics card, or a table of the user's, have no picture."""


def draw(declaration: Declaration, docs: Path) -> Path:
    """Play an episode and keep its last frame."""
    name = short_id(declaration)
    path = docs / PICTURES / f"{name}.png"
    play(PLAYERS[name], env=declaration.id, out=path)
    image = Image.open(path).convert("RGB").quantize(N_COLOURS, dither=Image.Dither.NONE)
    buffer = BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    replace_bytes(path, buffer.getvalue())
    return path


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="ID,ID", help="these environments")
    only = [each for each in parser.parse_args().only.split(",") if each]
    for declaration in hpo_gym.DECLARATIONS.values():
        if short_id(declaration) not in PLAYERS or (only and declaration.id not in only):
            continue
        if data_state(declaration)["state"] == "present":
            draw(declaration, DOCS)
        else:
            print(f"{declaration.id}: its data is absent, its picture stays as it is", file=sys.stderr)


if __name__ == "__main__":
    main()
