"""What an engine is, and how one is had by its name."""

from collections.abc import Callable, Generator, Sequence
from typing import Literal, Protocol, TypeVar

from hpo_gym.engines.errors import EngineError
from hpo_gym.engines.local import LocalEngine
from hpo_gym.engines.ray import RayEngine

Item = TypeVar("Item")
Result = TypeVar("Result")

EngineName = Literal["local", "ray"]


class Engine(Protocol):
    """Applies a function to many items. Results must not depend on which engine it is, nor on how many workers it has.

    Work whose figures depend on the number of threads therefore sets that itself.
    """

    @property
    def is_remote(self) -> bool:
        """Whether work leaves this process: then it, the items and the results must be picklable."""

    def run(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Generator[tuple[int, Result], None, None]:
        """Begin the items in their order; (position in `items`, result) as each is done, in any order.

        What `work` holds is sent once a worker, an item once. An exception of `work` is raised here and ends the
        rest, and so do closing the generator and Ctrl-C.

        Raises:
            EngineError: workers cannot be had, or died more often than is forgiven.
        """


def make_engine(name: EngineName = "local", *, workers: int = 1, address: str | None = None) -> Engine:
    """The engine of a name.

    Args:
        name: "local", processes of this machine; "ray" (`pip install "hpo_gym[ray]"`), a cluster or a local instance.
        workers: how many items are worked on at a time; of "local", 1 is this process itself.
        address: of a Ray cluster, see `hpo_gym.engines.ray_cluster.connected`.

    Raises:
        EngineError: there is no such engine, or not here.
    """
    if name == "local":
        if address is not None:
            raise EngineError(f"address {address!r} is of a Ray cluster: choose the engine ray, or leave it out")
        return LocalEngine(workers=workers)
    if name == "ray":
        return RayEngine(workers=workers, address=address)
    raise EngineError(f"engine {name!r} does not exist: there are local and ray")
