"""Weights that are no weights, that lie about themselves, or that want to be code."""

import gzip
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile import TENSORS, Hostile, pickled, replaced, write_policy, zip_bomb, zipped

JSON, TENSOR_FILE = "policy.json", "policy.safetensors"


def _tensors(content: bytes) -> Callable[[Path], None]:
    """Tensors that the JSON file vouches for, whatever they are."""
    return lambda folder: write_policy(folder, content)


def _described(**changes: object) -> Callable[[Path], None]:
    return lambda folder: write_policy(folder, **changes)


def _file(header: object, data: bytes = bytes(8), n_header: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if n_header is None else n_header) + text + data


def _one(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


NOTHING = _one(shape=[0], offsets=[0, 0])["w"]

# "header" is what a safetensors file says of its tensors.
LYING = (
    ("nothing", b""),
    ("seven bytes", bytes(7)),
    ("zeros", bytes(100)),
    ("a header longer than the file", _file(_one(), n_header=10**6)),
    ("a header as long as all memory", _file(_one(), n_header=2**63 - 1)),
    ("a header longer than any file", _file(_one(), n_header=2**64 - 1)),
    ("a header of no bytes", _file(b"", n_header=0)),
    ("a header that ends early", _file(_one(), n_header=20)),
    ("a header with bytes of the tensors", _file(_one(), n_header=len(json.dumps(_one())) + 4)),
    ("a header of spaces and a megabyte", _file(json.dumps(_one()).encode() + b" " * 2**20)),
    ("a header of 20,000 tensors", _file({f"tensor-{k}": NOTHING for k in range(20_000)}, b"")),
    ("a header that is a list", _file([1, 2])),
    ("a header that is null", _file(b"null")),
    ("a header that is not JSON", _file(b"{'w': 1}")),
    ("a header that is not UTF-8", _file(b'{"\xff": {}}')),
    ("a header with a byte order mark", _file(b"\xef\xbb\xbf" + json.dumps(_one()).encode())),
    ("a header of lists in lists", _file(b"[" * 100_000)),
    ("a header of objects in objects", _file(b'{"a":' * 100_000)),
    ("a header with NaN", _file(b'{"w": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}}')),
    ("a tensor twice", _file(b"{" + json.dumps(_one()).encode()[1:-1] + b", " + json.dumps(_one()).encode()[1:])),
    ("a type twice", _file(b'{"w": {"dtype": "F32", "dtype": "I8", "shape": [2], "data_offsets": [0, 8]}}')),
    ("a tensor without a type", _file({"w": {"shape": [2], "data_offsets": [0, 8]}})),
    ("a tensor without a place", _file({"w": {"dtype": "F32", "shape": [2]}})),
    ("a tensor that is a string", _file({"w": "os.system"})),
    ("an unknown type", _file(_one("PICKLE"))),
    ("Python's objects for a type", _file(_one("O"))),
    ("a type that is a number", _file(_one(32))),
    ("a negative size", _file(_one(shape=[-2]))),
    ("a size that is no whole number", _file(_one(shape=[2.5]))),
    ("a size that is true", _file(_one(shape=[True, 2]))),
    ("sizes beyond all memory", _file(_one(shape=[2**62, 2**62]))),
    ("sizes that come to 2 modulo 2**64", _file(_one(shape=[2**63 + 1, 2]))),
    ("more numbers than bytes", _file(_one(shape=[3]))),
    ("fewer numbers than bytes", _file(_one(shape=[1]))),
    ("a place beyond the end", _file(_one(offsets=[0, 800], shape=[200]))),
    ("a place before the beginning", _file(_one(offsets=[-8, 0]))),
    ("a place that ends before it begins", _file(_one(offsets=[8, 0]))),
    ("a place of three numbers", _file(_one(offsets=[0, 8, 16]))),
    ("tensors on top of each other", _file({**_one(), "v": _one()["w"]})),
    ("tensors with a gap between", _file({**_one(), "v": _one(offsets=[16, 24])["w"]}, bytes(24))),
    ("bytes that belong to no tensor", _file(_one(), bytes(16))),
    ("bytes that are missing", _file(_one(), bytes(4))),
    ("metadata that are no strings", _file({**_one(), "__metadata__": {"code": ["x"]}})),
    ("metadata that are a list", _file({**_one(), "__metadata__": []})),
    ("a valid file cut short", TENSORS[:-3]),
    ("a valid file and an archive after it", TENSORS + b"PK\x03\x04"),
    ("numpy's archive", b"PK\x03\x04" + bytes(100)),
    ("numpy's file of objects", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
    ("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
    ("a program", b"\x7fELF" + bytes(100)),
    ("a compressed file", gzip.compress(TENSORS)),
    ("a bomb", zip_bomb()),
)  # fmt: skip

DESCRIBED: tuple[tuple[str, str, Callable[[Path], None]], ...] = (
    ("nothing", "JSON", replaced(JSON, b"")),
    ("a list", "'architecture'", replaced(JSON, b"[]")),
    ("null", "'architecture'", replaced(JSON, b"null")),
    ("a string", "'architecture'", replaced(JSON, b'"jel-policy"')),
    ("TOML", "JSON", replaced(JSON, b'architecture = "jel-policy"')),
    ("half an object", "JSON", replaced(JSON, b'{"architecture": {"name": "jel-policy"')),
    ("objects in objects without end", "nested", replaced(JSON, b'{"architecture":' * 60_000)),
    ("a megabyte and a byte", "bytes", replaced(JSON, b" " * (2**20 + 1))),
    ("a pickle", "UTF-8", replaced(JSON, pickled)),
    ("an archive around a pickle", "UTF-8", replaced(JSON, zipped)),
    ("UTF-16", "UTF-8", replaced(JSON, '{"architecture": {}}'.encode("utf-16"))),
    ("a field twice", "'architecture'", replaced(JSON, b'{"architecture": {}, "architecture": {}}')),
    ("a number without end", "digits", replaced(JSON, b'{"format": ' + b"9" * 5000 + b"}")),
    ("Infinity", "'architecture'", replaced(JSON, b'{"architecture": Infinity}')),
    ("no architecture", "'architecture'", replaced(JSON, b'{"format": 1}')),
    ("an architecture that is a string", "'architecture'", _described(architecture="jel-policy")),
    ("an architecture without a name", "'architecture.name'", _described(architecture={})),
    ("a hash of other tensors", "'sha256'", _described(sha256="0" * 64)),
    ("a hash that is a number", "'sha256'", _described(sha256=0)),
    ("a hash that is a list", "'sha256'", _described(sha256=["0" * 64])),
    ("a hash that is a path", "'sha256'", _described(sha256="/etc/passwd")),
    ("no hash", "'sha256'", _described(sha256=None)),
)  # fmt: skip

ARCHITECTURE_NAMES = (
    *("perceptron", "jel-polic", "Jel-Policy", "", "os:system", "agents.pretrained.perceptron:Perceptron"),
    *("../../architecture", "__class__", "jel-policy\0", "\u202eycilop-lej", "<script>", "k" * 10_000),
    *(None, 7, True, ["jel-policy"], {"name": "jel-policy"}),
)


def _weights() -> Iterator[Hostile]:
    for what, content in LYING:
        name = f"as tensors {what}"
        yield Hostile(name=name, file=TENSOR_FILE, field="header", spoil=_tensors(content), has_policy=True)
    for what, make in (("a pickle", pickled), ("an archive around a pickle", zipped)):
        spoil = replaced(TENSOR_FILE, make)
        yield Hostile(name=f"as tensors {what}", file=TENSOR_FILE, field="header", spoil=spoil, has_policy=True)
    for what, field, change in DESCRIBED:
        yield Hostile(name=f"as description {what}", file=JSON, field=field, spoil=change, has_policy=True)
    for known in ARCHITECTURE_NAMES:
        spoil = _described(architecture={"name": known})
        name = f"an architecture called {ascii(known)[:40]}"
        yield Hostile(name=name, file=JSON, field="'architecture.name'", spoil=spoil, has_policy=True)
    for gone, left in ((JSON, TENSOR_FILE), (TENSOR_FILE, JSON)):
        name = f"{left} alone"
        yield Hostile(name=name, file=left, field="go together", spoil=_without(gone), has_policy=True)


WEIGHTS = tuple(_weights())
