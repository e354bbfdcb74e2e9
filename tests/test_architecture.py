"""Who may import whom (docs and CONTRIBUTING give the reasons); also inside functions, where imports are lazy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("hpo_gym", "agents", "envs_registry", "leaderboards")

# room -> what of ours it may import, besides itself. The longest matching room decides.
MAY_IMPORT = {
    "hpo_gym": ("hpo_gym.data", "envs_registry"),  # the package's own __init__: registers
    "hpo_gym.data": (),
    "hpo_gym.engines": (),
    "hpo_gym.selection": ("hpo_gym.data",),
    "hpo_gym.pretraining": ("hpo_gym.data",),
    "hpo_gym.live": ("hpo_gym.data", "hpo_gym.selection", "hpo_gym.engines"),
    "hpo_gym.envs": ("hpo_gym.data", "hpo_gym.selection", "hpo_gym.pretraining", "hpo_gym.live"),
    "hpo_gym.evaluation": ("hpo_gym.data.cache", "hpo_gym.data.errors", "hpo_gym.engines"),
    "hpo_gym.integrations": ("hpo_gym.engines", "hpo_gym.evaluation"),
    "hpo_gym.integrations.controller": (
        "agents.pretrained",
        "agents.catalogue",
        "hpo_gym.envs.in_run",
        "hpo_gym.evaluation",
    ),
    "hpo_gym.integrations.optuna_sampler": (
        "agents.pretrained",
        "agents.search",
        "agents.searcher",
        "hpo_gym.evaluation",
    ),
    "hpo_gym.integrations.lightning_callback": ("hpo_gym.integrations.controller",),
    "hpo_gym.integrations.transformers_callback": ("hpo_gym.integrations.controller",),
    "hpo_gym.testing": ("hpo_gym.data", "hpo_gym.evaluation", "hpo_gym.integrations"),
    "hpo_gym.cli": OURS,
    "hpo_gym.__main__": OURS,
    "envs_registry": ("hpo_gym.data.errors",),
    "agents": ("hpo_gym.engines", "hpo_gym.evaluation", "hpo_gym.integrations"),
    "agents.cli": OURS,
    "agents.__main__": ("agents.cli",),
    "leaderboards": ("hpo_gym.engines", "hpo_gym.evaluation", "envs_registry", "agents.catalogue"),
}
HEAVY = (
    "torch",
    "pandas",
    "matplotlib",
    "sklearn",
    "scipy",
    "ConfigSpace",
    "openml",
    "optuna",
    "stable_baselines3",
    "tokenizers",
)


def is_in(module, room):
    return module == room or module.startswith(room + ".")


def room_of(module):
    return max((room for room in MAY_IMPORT if is_in(module, room)), key=len)


def imported_names(path, module):
    """Every dotted name that a file imports, at any depth of nesting; `from a import b` counts as a.b."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            yield from ((f"{source}.{alias.name}", node.lineno) for alias in node.names)


def violations(root):
    found = []
    for path in sorted(p for name in OURS for p in (root / name).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        room = room_of(module)
        for name, line in imported_names(path, module):
            # `import hpo_gym` alone registers the environments and is open to everybody.
            if name.partition(".")[0] not in OURS or name in ("hpo_gym", "hpo_gym.__version__"):
                continue
            own = room_of(name) == room and (room != "hpo_gym" or module == "hpo_gym")
            if not own and not any(is_in(name, allowed) for allowed in MAY_IMPORT[room]):
                found.append(f"{path.relative_to(root)}:{line}: {module} may not import {name}")
    return found


def test_every_room_imports_only_what_it_may():
    found = violations(ROOT)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("file", "text", "forbidden"),
    [
        ("hpo_gym/data/cache.py", "from hpo_gym.selection import space\n", "hpo_gym.selection.space"),
        ("hpo_gym/data/cache.py", "def f():\n    from ..envs.rewards import score\n", "hpo_gym.envs.rewards.score"),
        ("hpo_gym/evaluation/rollout.py", "import hpo_gym.data.tables\n", "hpo_gym.data.tables"),
        ("hpo_gym/evaluation/rollout.py", "if True:\n    from agents import catalogue\n", "agents.catalogue"),
        ("agents/ppo.py", "import hpo_gym.envs.config_selection as c\n", "hpo_gym.envs.config_selection"),
        ("agents/ppo.py", "from hpo_gym import selection\n", "hpo_gym.selection"),
        ("envs_registry/declaration.py", "from hpo_gym.envs import rewards\n", "hpo_gym.envs.rewards"),
        ("leaderboards/render.py", "from agents.search import random\n", "agents.search.random"),
        ("hpo_gym/selection/space.py", "from hpo_gym import cli\n", "hpo_gym.cli"),
    ],
)
def test_a_forbidden_import_is_found_however_it_is_written(tmp_path, file, text, forbidden):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = violations(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"{file}:")
    assert found[0].endswith(f"may not import {forbidden}")


@pytest.mark.parametrize(
    "code",
    [
        "import hpo_gym",
        "import hpo_gym, gymnasium; gymnasium.spec('hpo_gym/ConfigSelection-HPOBenchMLP-v0')",
        "import hpo_gym, gymnasium; gymnasium.make('hpo_gym/InRunControl-JEL73M-v0').unwrapped.facts",
        "import agents.catalogue; agents.catalogue.names()",
    ],
)
def test_importing_and_registering_load_no_heavy_library(code):
    script = f"import sys\n{code}\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == ""
