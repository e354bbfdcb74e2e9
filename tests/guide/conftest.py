"""The guide, built once for all processes that test it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from guide.code_blocks import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Warnings are errors, and no data is needed."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if own.name.startswith("popen-") else own) / "guide"
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            result = subprocess.run(
                [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
                cwd=ROOT,
                env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "HPO_GYM_DATA": "", "HPO_GYM_OFFLINE": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert result.returncode == 0, result.stderr
    return folder
