"""Episodes that are not what they should be, are not all there, or are not what JSON readers agree on."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile import Hostile, pickled, replaced, zip_bomb, zipped
from small_board import RUN, SEARCH

FILE = "episodes.jsonl"
LINE = "line 3"


def _third(text: str | bytes | Callable[[str], str]) -> Callable[[Path], None]:
    """The third line is another."""

    def spoil(folder: Path) -> None:
        lines = (folder / FILE).read_bytes().split(b"\n")
        new = text(lines[2].decode()) if callable(text) else text
        lines[2] = new.encode("utf-8", "surrogatepass") if isinstance(new, str) else new
        (folder / FILE).write_bytes(b"\n".join(lines))

    return spoil


def _field(name: str, value: str | None) -> Callable[[Path], None]:
    """One field of the third line has another text as its value, or goes."""

    def change(line: str) -> str:
        fields = {key: json.dumps(found) for key, found in json.loads(line).items()}
        fields.pop(name, None)
        if value is not None:
            fields[name] = value
        return "{" + ", ".join(f'"{key}": {text}' for key, text in fields.items()) + "}"

    return _third(change)


def _whole(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: replaced(FILE, change((folder / FILE).read_bytes()))(folder)


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    return _whole(lambda content: b"\n".join(change(content.splitlines())) + b"\n")


TASKS = (
    *(None, "null", "0", "true", '["kc1"]', '{"kc1": 1}', '""', '"KC1"', '"kc1 "', '"kc"', '"vehicle"', '"kс1"'),
    *('"../kc1"', '"/etc/passwd"', '"<b>kc1</b>"', '"kc1\\u0000"', '"kc1\\ud800"', '"\\u202e1ck"', '"k\\u200bc1"'),
    *('"kc1\\nphoneme"', '"\\u001b[2Jkc1"', f'"{"k" * 400}"', '"phonem"', '"😀"'),
)
SEEDS = (
    *(None, "null", "-1", "10", '"2"', "2.0", "2e0", "true", "[2]", "{}", "1e30", "9" * 30, "-0.0", "NaN", "1e999"),
)
ROWS = (
    *(
        None,
        "null",
        '"[1, 2, 3, 4, 5]"',
        "{}",
        "5",
        "true",
        "[]",
        "[1, 2, 3, 4]",
        "[1, 2, 3, 4, 5, 6]",
        "[[1, 2, 3, 4, 5]]",
    ),
    *("[1, 2, 3, 4, -1]", "[1, 2, 3, 4, 30000]", f"[1, 2, 3, 4, {2**63}]", f"[1, 2, 3, 4, {2**64 + 4}]"),
    *(
        f"[1, 2, 3, 4, {10**400}]",
        f"[1, 2, 3, 4, -{10**400}]",
        "[1, 2, 3, 4, 5.0]",
        "[1, 2, 3, 4, 5.5]",
        "[1, 2, 3, 4, 5e0]",
    ),
    *('[1, 2, 3, 4, "5"]', "[1, 2, 3, 4, true]", "[1, 2, 3, 4, false]", "[1, 2, 3, 4, null]", "[1, 2, 3, 4, [5]]"),
    *("[1, 2, 3, 4, {}]", "[1, 2, 3, 4, 1e999]", "[1, 2, 3, 4, -0.0]", "[[1], [2], [3], [4], [5]]", "[1, 2, 3, 4, 4]"),
    *("[1, 2, 3, 4, 1]", "[0, 2, 3, 4, -0]", "[7, 7, 7, 7, 7]", f"[1, 2, 3, 4, {'[' * 300}{']' * 300}]"),
    *(
        '{"0": 1, "1": 2, "2": 3, "3": 4, "4": 5}',
        "[1, 2, 3, 4, \"__import__('os').abort()\"]",
        '[1, 2, 3, 4, "\\ud800"]',
    ),
)
_POINT = "[0.1, 0.2, 0.3, 0.4, 0.5]"
POINTS = tuple(
    f"[{_POINT}, {_POINT}, {point}, {_POINT}, {_POINT}]"
    for point in (
        *("[0.1, 0.2, 0.3, 0.4]", "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]", "[]", "0.5", "null", '"0.5"', "{}", "true"),
        *("[0.1, 0.2, 0.3, 0.4, 1.0000001]", "[0.1, 0.2, 0.3, 0.4, -1e-9]", "[0.1, 0.2, 0.3, 0.4, 1e999]"),
        *("[0.1, 0.2, 0.3, 0.4, -1e999]", "[0.1, 0.2, 0.3, 0.4, true]", '[0.1, 0.2, 0.3, 0.4, "0.5"]'),
        *(
            "[0.1, 0.2, 0.3, 0.4, null]",
            "[0.1, 0.2, 0.3, 0.4, [0.5]]",
            f"[0.1, 0.2, 0.3, 0.4, {10**350}]",
            "[[0.1, 0.2]]",
        ),
    )
)
_PAIR = "[0.5, -0.5]"
RUNS = (
    *("[]", f"[{', '.join([_PAIR] * 13)}]", "[[0.5]]", "[[0.5, -0.5, 0, 0]]", "[0.5, -0.5]", "[[0.5, -1.0001]]"),
    *("[[2, 0]]", "[[0.5, null]]", f"[{_PAIR}, [1, 2]]", "[[0.5, false]]", "[[0.5, [0.5]]]", f"[{_PAIR}, []]"),
)
CHOICES = ("[21]", "[-1]", "[1.0]", "[[1]]", "[true]", f"[{', '.join('1' * 13)}]", f"[{2**80}]")
SCORES = (
    *("null", "{}", '"0.5"', "0.5", "[]", "[0.1, 0.2, 0.3, 0.4]", "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]", "true"),
    *(
        "[0.1, 0.2, 0.3, 0.4, null]",
        "[0.1, 0.2, 0.3, 0.4, true]",
        '[0.1, 0.2, 0.3, 0.4, "0.5"]',
        "[[0.1, 0.2, 0.3, 0.4, 0.5]]",
    ),
    *("[0.1, 0.2, 0.3, 0.4, 1e999]", "[0.1, 0.2, 0.3, 0.4, -1e999]", f"[0.1, 0.2, 0.3, 0.4, {10**350}]"),
    *("[0.1, 0.2, 0.3, 0.4, [0.5]]", "[0.1, 0.2, 0.3, 0.4, {}]"),
)
OUTCOMES = ("[]", "[0.1, 0.2]", "0.1", "null", '["0.1"]', "[1e999]", "[null]", "[[0.1]]", "[false]")

# What stands on the third line -> what the message names besides.
LINES: tuple[tuple[str, str, str | bytes | Callable[[str], str]], ...] = (
    ("nothing", "blank", ""),
    ("spaces", "blank", "  \t "),
    ("a carriage return alone", "blank", "\r"),
    ("a list", "object", '["kc1", 2, [1, 2, 3, 4, 5]]'),
    ("a number", "object", "17"),
    ("null", "object", "null"),
    ("a string", "object", '"kc1"'),
    ("true", "object", "true"),
    ("an empty object", "'task'", "{}"),
    ("NaN", "object", "NaN"),
    ("an object in an object", "'task'", '{"episode": {"task": "kc1", "seed": 2, "actions": [1, 2, 3, 4, 5]}}'),
    ("a comment", "JSON", "// the third"),
    ("half an object", "JSON", lambda line: line[:-10]),
    ("garbage after the object", "JSON", lambda line: line + " x"),
    ("a bracket too many", "JSON", lambda line: line + "}"),
    ("a comma after the object", "JSON", lambda line: line + ","),
    ("a comma too many", "JSON", lambda line: line[:-1] + ",}"),
    ("two objects", "JSON", lambda line: line + line),
    ("two objects around a carriage return", "carriage return", lambda line: f"{line}\r{line}"),
    ("a carriage return between fields", "carriage return", lambda line: line.replace(", ", ",\r", 1)),
    ("two objects around a form feed", "JSON", lambda line: f"{line}\f{line}"),
    ("two objects around a line separator", "JSON", lambda line: f"{line}\u2028{line}"),
    ("two objects around a next line", "JSON", lambda line: f"{line}\u0085{line}"),
    ("Python's notation", "JSON", lambda line: line.replace('"', "'")),
    ("keys without quotes", "JSON", lambda line: line.replace('"task"', "task")),
    ("a hexadecimal number", "JSON", lambda line: line.replace('"seed": 2', '"seed": 0x2')),
    ("a leading zero", "JSON", lambda line: line.replace('"seed": 2', '"seed": 02')),
    ("a plus sign", "JSON", lambda line: line.replace('"seed": 2', '"seed": +2')),
    ("a number with underscores", "JSON", lambda line: line.replace("[", "[1_0, ")),
    ("Arabic digits", "JSON", lambda line: line.replace('"seed": 2', '"seed": ٢')),
    ("a raw tab in a string", "JSON", lambda line: line.replace("kc1", "kc1\t")),
    ("a raw NUL in a string", "JSON", lambda line: line.replace("kc1", "kc1\0")),
    ("a byte order mark", "byte order mark", lambda line: "\ufeff" + line),
    ("a NUL after the object", "JSON", lambda line: line + "\0"),
    ("bytes that are not UTF-8", "UTF-8", b'{"task": "kc1\xff", "seed": 2, "actions": [1, 2, 3, 4, 5]}'),
    ("an overlong encoding", "UTF-8", b'{"task": "kc1\xc0\x80", "seed": 2, "actions": [1, 2, 3, 4, 5]}'),
    ("an encoded surrogate", "UTF-8", lambda line: line.replace("kc1", "kc1\ud800")),
    ("as many lists in lists as fit", "JSON", lambda line: '{"task": ' + "[" * 900),
    ("spaces without end", "bytes", lambda line: line + " " * 10_000),
    ("a field of 10,000 characters", "bytes", lambda line: line[:-1] + ', "' + "k" * 10_000 + '": 1}'),
    ("a field twice", "'task'", lambda line: line[:-1] + ', "task": "kc1"}'),
    ("a seed twice", "'seed'", lambda line: line[:-1] + ', "seed": 3}'),
    ("actions twice", "'actions'", lambda line: line[:-1] + ', "actions": [5, 4, 3, 2, 1]}'),
    ("a field twice, spelled in two ways", "'task'", lambda line: line[:-1] + ', "\\u0074ask": "phoneme"}'),
    ("a field twice in an inner object", "'a'", lambda line: line[:-1] + ', "scores": {"a": 1, "a": 2}}'),
    ("the second line again", "line 2", '{"task": "kc1", "seed": 1, "actions": [1, 2, 3, 4, 5]}'),
    *(
        (f"the field {key}", field, lambda line, key=key: line[:-1] + f', "{key}": 1}}')
        for key, field in (
            *(("reward", "'reward'"), ("rewards", "'rewards'"), ("Task", "'Task'"), ("task ", "'task '"), ("", "''")),
            *(("__class__", "'__class__'"), ("task_id", "'task_id'"), ("\\u0000", "x00"), ("\\ud800", "ud800")),
            *(("<script>", "'<script>'"), ("\\u202etask", "u202e"), ("\\u001b[2J", "x1b"), ("tаsk", "unknown field")),
        )
    ),
)

FILES: tuple[tuple[str, str, Callable[[Path], None]], ...] = (
    ("nothing", "30 of", replaced(FILE, b"")),
    ("an empty line", "line 1", replaced(FILE, b"\n")),
    ("empty lines without end", "line 1", replaced(FILE, b"\n" * 20_000)),
    ("lists in lists without end", "bytes", replaced(FILE, b"[" * 100_000)),
    ("a number of 5,000 digits", "line 1", replaced(FILE, b'{"task": "kc1", "seed": ' + b"9" * 5000 + b"}")),
    ("zeros", "line 1", replaced(FILE, bytes(700))),
    ("a pickle", "line 1", replaced(FILE, pickled)),
    ("an archive around a pickle", "line 1", replaced(FILE, zipped)),
    ("a bomb of a gigabyte", "bytes", replaced(FILE, zip_bomb())),
    ("the beginning of that bomb", "line 1", replaced(FILE, zip_bomb()[:8000])),
    ("the lines compressed", "line 1", _whole(gzip.compress)),
    ("UTF-16", "line 1", _whole(lambda content: content.decode().encode("utf-16"))),
    ("one list of all", "line 1", _whole(lambda content: b"[" + b",\n".join(content.splitlines()) + b"]")),
    ("one list on one line", "line 1", _whole(lambda content: b"[" + b",".join(content.splitlines()) + b"]")),
    ("the lines indented", "line 1", _whole(lambda content: content.replace(b", ", b",\n  "))),
    ("carriage returns for line ends", "line 1", _whole(lambda content: content.replace(b"\n", b"\r"))),
    ("no line ends", "line 1", _whole(lambda content: content.replace(b"\n", b""))),
    ("a table", "line 1", replaced(FILE, b"task,seed,actions\nkc1,0,1 2 3 4 5\n")),
    ("a first line too long", "line 1", _whole(lambda content: b" " * 2000 + content)),
    ("a blank line at the end", "line 31", _whole(lambda content: content + b"\n")),
    ("a line more", "line 31", _lines(lambda lines: [*lines, lines[-1].replace(b'"seed": 9', b'"seed": 10')])),
    ("every line twice", "line 31", _lines(lambda lines: lines * 2)),
    ("the first line at the end too", "line 1 already", _lines(lambda lines: [*lines, lines[0]])),
    ("no last line", "'blood-transfusion'", _lines(lambda lines: lines[:-1])),
    ("no line of one seed", "3 of", _lines(lambda lines: [line for line in lines if b'"seed": 4,' not in line])),
    ("no line of one task", "10 of", _lines(lambda lines: [line for line in lines if b"phoneme" not in line])),
    ("one line alone", "29 of", _lines(lambda lines: lines[:1])),
    ("a last line that breaks off", "line 30", _whole(lambda content: content[:-20])),
    ("each list in a list", "line 1", _whole(lambda content: content.replace(b"[", b"[[").replace(b"]", b"]]"))),
)  # fmt: skip


def _episodes() -> Iterator[Hostile]:
    for board, kind, field, values in (
        (SEARCH, "", "task", TASKS),
        (SEARCH, "", "seed", SEEDS),
        (SEARCH, "", "actions", ROWS),
        (SEARCH, "unit_cube", "actions", POINTS),
        (RUN, "", "actions", RUNS),
        (RUN, "discrete", "actions", CHOICES),
        (SEARCH, "", "scores", SCORES),
        (RUN, "", "scores", OUTCOMES),
        (RUN, "", "task", ('"kc1"', "null", '" "')),
    ):
        for i, value in enumerate(values):
            name = f"{board} {kind} {field} {i}: {'nothing' if value is None else ascii(value)[:50]}"
            yield Hostile(
                name=name, file=f"{FILE}, {LINE}", field=field, spoil=_field(field, value), board=board, kind=kind
            )
    for what, field, text in LINES:
        yield Hostile(name=f"on a line {what}", file=f"{FILE}, {LINE}", field=field, spoil=_third(text))
    for what, field, spoil in FILES:
        yield Hostile(name=f"as episodes {what}", file=FILE, field=field, spoil=spoil)


EPISODES = tuple(_episodes())
