"""The options of commands whose work can be done elsewhere: on which engine, by how many, where."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_gym.cli.failures import WrongUsage

if TYPE_CHECKING:
    from hpo_gym.engines import Engine


class EngineChoice(StrEnum):
    """The engines of `hpo_gym.engines.make_engine`."""

    local = "local"
    ray = "ray"


EngineOption = Annotated[
    EngineChoice,
    typer.Option("--engine", help="Processes of this machine, or Ray; what comes out does not depend on it."),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="Of a Ray cluster; else RAY_ADDRESS says, else Ray is begun on this machine."
    ),
]


def chosen_engine(choice: EngineChoice, workers: int, address: str | None) -> "Engine":
    """The engine that the options are for.

    Raises:
        WrongUsage: an address without Ray.
        EngineError: Ray is not installed.
    """
    from hpo_gym.engines import make_engine

    if address is not None and choice is not EngineChoice.ray:
        raise WrongUsage(f"--address {address}: it is of a Ray cluster, and needs --engine ray")
    return make_engine(choice.value, workers=workers, address=address)
