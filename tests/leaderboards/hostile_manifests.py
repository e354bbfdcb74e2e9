"""Manifests that say too much, too little, something else, or in the name of another."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile import Hostile, pickled, replaced
from small_board import RUN, SEARCH

FILE = "submission.toml"


def _set(key: str, value: str | None) -> Callable[[Path], Path]:
    """The line of a key says something else, or goes; the folder is named as the manifest then is, if it can be."""

    def spoil(folder: Path) -> Path:
        path = folder / FILE
        lines = [line for line in path.read_text("utf-8").split("\n") if not line.startswith(f"{key} =")]
        text = "\n".join(([] if value is None else [f"{key} = {value}"]) + lines)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        agent = json.loads(value) if key == "agent" and value and value.startswith('"') and "\\U" not in value else None
        if isinstance(agent, str) and agent.isascii() and agent.isprintable() and agent and "/" not in agent:
            return folder.rename(folder.with_name(f"2026-01-02-{agent}"))
        return folder

    return spoil


def _added(text: str | bytes) -> Callable[[Path], None]:
    """Something before everything else."""

    def spoil(folder: Path) -> None:
        path = folder / FILE
        path.write_bytes((text.encode() if isinstance(text, str) else text) + b"\n" + path.read_bytes())

    return spoil


def _changed(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: replaced(FILE, change((folder / FILE).read_bytes()))(folder)


VALUES: dict[str, tuple[str | None, ...]] = {
    "format": ("2", "-1", '"1"', "true", "1.0", "nan", "[1]", "0x" + "f" * 5000),
    "board": (
        *(None, '""', "1", "[]", '"no-such-board-v1"', '"small-search-v2"', '"small-search"', '"Small-Search-v1"'),
        *('"../boards/small-search-v1"', '"/etc/passwd"', '"small-search-v1\\u0000"', '"small-search-v1 "'),
        *(f'"{"a" * 81}"', '"small-\\u202esearch-v1"', '"selection-hpobench-mlp-v1"', '"<img src=x>"'),
    ),
    "agent": (
        *(None, '""', "1", '["a"]', '"My-Agent"', '"my agent"', '" my-agent"', '"my-agent\\n"', '"my_agent"'),
        *('".."', '"../../escape"', '"a..b"', '"a/b"', '"a\\\\b"', '"/etc/passwd"', '".hidden"', '"-rf"', '"agent."'),
        *(f'"{"a" * 49}"', '"<script>alert(1)</script>"', '"my-agent\\u0000"', '"%2e%2e"', '"my-аgent"'),
        *('"my\\u200bagent"', '"\\u202etnega"', '"ａgent"', '"agent\\U0001F600"', '"agent;rm -rf"', '"module:build"'),
        # names of others
        *('"random"', '"average-rank"', '"averagerank"', '"average.rank"', '"r-a-n-d-o-m"', '"rand0m"', '"randorn"'),
        *('"hyp-r1"', '"jel.nano"', '"grpo-former"', '"controller-off"', '"hand.tuned"', '"searcher-tables-fold-1"'),
        *('"taken-name"', '"taken.name"', '"takenname"', '"tak-enna-me"'),
    ),
    "authors": (
        *(None, "[]", '"A. Person"', "[1]", '[["A. Person"]]', '[""]', '[" "]', '[" A. Person"]', f'["{"a" * 101}"]'),
        *(json.dumps(["A. Person"] * 31), '["<b>A. Person</b>"]', '["A\\nB"]', '["A\\tB"]', '["A\\u0000"]'),
        *('["\\u001b[31mA"]', '["\\u202enosreP .A"]', '["\\u2066A"]', '["A\\u200bB"]', '["\\u3164"]', '["\\u2800"]'),
        *('["A\\u00adB"]', '["A\\u2028B"]', '["A\\u00a0B"]', '["\\uE000"]', '["\\uFFFF"]', '["\\U000E0041"]'),
        *('["Z' + "\\u0335" * 30 + '"]', '[{name = "A. Person"}]', '["\\u0085"]', '["\\ufeffA"]'),
    ),
    "date": (
        *(None, '"2026-01-02"', "2026-01-02T00:00:00", "2026-01-02T00:00:00Z", "00:00:00", "20260102", "2026.0102"),
        *("true", "[2026-01-02]", "2026-13-02", "2026-02-30", "0000-01-01", "99999-01-02"),
    ),
    "licence": (
        *(
            None,
            '""',
            "1",
            '"MIT OR Apache-2.0"',
            '"<MIT>"',
            f'"{"M" * 50}"',
            '"../MIT"',
            '"MIT\\n"',
            '["MIT"]',
            '"МIT"',
        ),
    ),
    "code": (
        *("1", '""', '"http://example.org"', '"javascript:alert(1)"', '"data:text/html,x"', '"file:///etc/passwd"'),
        *('"//example.org/x"', '"https://"', '"https:///x"', '"https://user:word@example.org"', '"https://x.org:99"'),
        *(
            '"https://x.org:99999999"',
            '"https://exаmple.org"',
            '"https://x.org/\\" onclick=\\"x"',
            '"https://x.org/ y"',
        ),
        *('"https://x.org\\\\@y.org"', '"https://x.org/\\njavascript:x"', '"https://[::1"', '"https://x.org/<b>"'),
        *(
            '"https://x.org/)[x](javascript:x"',
            '"https://x.org/`x`"',
            f'"https://x.org/{"a" * 300}"',
            '["https://x.org"]',
        ),
        *('"ftp://x.org"', '" https://x.org"', '"https://x.org/\\u202e"', '"java\\tscript:x"', '"vbscript:x"'),
    ),
    "training_compute": (None, '""', "3", '"<i>none</i>"', f'"{"a" * 601}"', '"two\\nlines"', '"\\u001b[0m"', "[]"),
    "training_cost": ("nan", "inf", "-inf", "-1", '"3"', "true", "1e10", "1e999", "[3]", "9" * 400, "2026-01-02"),
    "external_data": (None, '""', "true", '"<!-- none"', '"none\\u202e"', '"none "', f'"{"a" * 601}"'),
    "description": (
        *("1", '"<img src=x onerror=alert(1)>"', '"</table>"', '"a\\rb"', '"a\\u0007"', '"a\\u2067b"', '"a\\u200d"'),
        *(f'"{"a" * 601}"', '["a"]', '"\\uDBFF"', '"\\u0000"'),
    ),
    "env_kwargs": ('"action"', "1", "[]", "true", '[{action = "unit_cube"}]', '{action = "unit_cube", action = "x"}'),
}

OPTIONS = (
    (SEARCH, "action", '{action = "shared"}'),
    (SEARCH, "action", '{action = "index"}'),
    (SEARCH, "action", '{action = "per_optimizer"}'),
    (SEARCH, "action", '{action = "discrete"}'),
    (SEARCH, "action", "{action = 1}"),
    (SEARCH, "action", '{action = ["unit_cube"]}'),
    (SEARCH, "fidelity", '{fidelity = "action"}'),
    (SEARCH, "fidelity", "{fidelity = 3}"),
    (SEARCH, "fidelity", '{fidelity = "action", action = "unit_cube"}'),
    (SEARCH, "recipe", '{recipe = "hand-tuned"}'),
    (RUN, "action", '{action = "unit_cube"}'),
    (RUN, "action", '{action = "per_optimizer"}'),
    (RUN, "recipe", '{recipe = "no-such-recipe"}'),
    (RUN, "recipe", '{recipe = "hand-tunde"}'),
    (RUN, "recipe", '{recipe = "../../etc/passwd"}'),
    (RUN, "recipe", '{recipe = "Hand-Tuned"}'),
    (RUN, "recipe", "{recipe = true}"),
    (RUN, "fidelity", '{fidelity = "action"}'),
    (SEARCH, "tasks", '{tasks = ["kc1"]}'),
    (SEARCH, "budget", "{budget = 50}"),
    (SEARCH, "split", '{split = "train"}'),
    (SEARCH, "repeat", '{repeat = "allow"}'),
    (SEARCH, "repeat", '{repeat = "end"}'),
    (SEARCH, "repeat", '{repeat = "end", action = "unit_cube"}'),
    (SEARCH, "path", '{path = "/etc/passwd"}'),
    (SEARCH, "render_mode", '{render_mode = "human"}'),
    (SEARCH, "__class__", '{__class__ = "os.system"}'),
)

KEYS = (
    *("score", "rank", "tier", "self", "cls", "model_config", "__class__", "Agent", "agents", "board_sha256"),
    *('""', '"agent "', '"\\u202eboard"', '"\\u001b[2J"', '"two\\nlines"', '"<script>"', f'"{"k" * 5000}"'),
)

TEXTS: tuple[tuple[str, str, bytes | Callable[[Path], bytes]], ...] = (
    ("nothing", "'board'", b""),
    ("spaces", "'board'", b" \n" * 100),
    ("bytes that are not UTF-8", "UTF-8", b'format = 1\nboard = "\xff"\n'),
    ("a pickle", "UTF-8", pickled),
    ("a compressed file", "UTF-8", gzip.compress(b"format = 1")),
    ("JSON", "TOML", b'{"format": 1}'),
    ("YAML", "TOML", b"---\nformat: !!python/object/apply:os.system ['touch x']\n"),
    ("XML with entities", "TOML", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'),
    ("lists in lists without end", "nested", b"a = " + b"[" * 60_000),
    ("tables in tables without end", "nested", b"a = " + b"{a = " * 10_000),
    ("a key of 30,000 parts", "dots", b"a." * 30_000 + b"a = 1"),
    ("a table of 30,000 parts", "dots", b"[" + b"a." * 30_000 + b"a]"),
    ("more than 64 KiB", "65536", b"#" * 65_537),
    ("an integer of 5,000 digits", "digits", b"format = " + b"9" * 5000),
    ("a date-time of 60,000 digits", "TOML", b"date = 2026-01-02T00:00:00." + b"9" * 60_000 + b"x"),
    ("an unfinished string", "TOML", b'agent = "my-agent'),
    ("no value", "TOML", b"agent ="),
    ("a template", "TOML", b"{% include '/etc/passwd' %}"),
)


def _manifests() -> Iterator[Hostile]:
    for key, values in VALUES.items():
        for i, value in enumerate(values):
            shown = "nothing" if value is None else ascii(value)[:40]
            field = key if not (value or "").startswith(("2026-13", "2026-02-30", "0000-", "99999-")) else "TOML"
            if value and ("\\uDB" in value or value.startswith("{action")):
                field = "TOML"
            yield Hostile(name=f"{key} {i}: {shown}", file=FILE, field=field, spoil=_set(key, value))
    for board, field, value in OPTIONS:
        name = f"on {board} the options {value}"
        yield Hostile(name=name, file=FILE, field=field, spoil=_set("env_kwargs", value), board=board)
    for key in KEYS:
        field = key if key.isidentifier() else "unknown key"
        yield Hostile(name=f"an unknown key {key[:20]}", file=FILE, field=field, spoil=_added(f"{key} = 1"))
    for what, field, content in TEXTS:
        yield Hostile(name=f"as manifest {what}", file=FILE, field=field, spoil=replaced(FILE, content))
    for what, field, spoil in (
        ("a key twice", "TOML", _added('agent = "another"')),
        ("a table twice", "TOML", _added("[env_kwargs]\n[env_kwargs]")),
        ("a table of tables", "env_kwargs", _changed(lambda text: text + b"\n[[env_kwargs]]\n")),
        ("a byte order mark", "TOML", _changed(lambda text: b"\xef\xbb\xbf" + text)),
        ("UTF-16", "UTF-8", _changed(lambda text: text.decode().encode("utf-16"))),
        ("a NUL", "TOML", _changed(lambda text: text + b"\0")),
        ("lines that end in a carriage return", "TOML", _changed(lambda text: text.replace(b"\n", b"\r"))),
        ("a carriage return in a comment", "TOML", _added(b"# a\rb")),
        ("the rest as a table of its own", "'board'", _added("[submission]")),
    ):
        yield Hostile(name=f"in the manifest {what}", file=FILE, field=field, spoil=spoil)


MANIFESTS = tuple(_manifests())
