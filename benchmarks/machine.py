"""What machine and which versions a figure comes from."""

import os
import platform
from importlib.metadata import version

PACKAGES = ("gymnasium", "numpy", "stable-baselines3", "torch")


def describe_machine() -> str:
    """One sentence: cores, Python and the packages that matter."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{os.cpu_count()} shared {platform.machine()} cores, Python {platform.python_version()}, {packages}."
