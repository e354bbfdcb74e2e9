"""Documents out of files, one after another: plain text, JSON Lines or parquet, compressed or not."""

import bz2
import codecs
import gzip
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from hpo_gym.data.errors import CorpusError, DataNotFoundError

DOCUMENT_END = "<|endoftext|>"
_OPEN: dict[str, Callable[..., Any]] = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}
_JSON_LINES = (".jsonl", ".ndjson")
_PLAIN = ("", ".txt", ".md", ".rst", ".text", ".tokens", ".raw", ".tex", ".html", ".xml", ".csv", ".py")
_UNREADABLE = {".zst": "zstd", ".zip": "zip", ".tar": "tar", ".tgz": "tar", ".7z": "7z", ".rar": "rar"}


def text_files(path: Path) -> list[Path]:
    """The files of a corpus: the file itself, or all text files of a folder and its folders, sorted by path.

    Raises:
        DataNotFoundError: there is no such file or folder.
        CorpusError: the folder holds no text file.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataNotFoundError(f"{path} is neither a file nor a folder")
    inside = (file.relative_to(path) for file in sorted(path.rglob("*")) if file.is_file())
    found = [path / file for file in inside if _is_text(file) and not any(p.startswith(".") for p in file.parts)]
    if not found:
        kinds = ", ".join([*_JSON_LINES, ".parquet", *filter(None, _PLAIN)])
        raise CorpusError(f"{path} holds no text file; read are {kinds}, also with {', '.join(_OPEN)} after it")
    return found


def _is_text(file: Path) -> bool:
    inner = Path(file.stem) if file.suffix in _OPEN else file
    return inner.suffix in (*_JSON_LINES, *_PLAIN, ".parquet")


def documents(path: Path, *, n_bytes: int) -> Iterator[str]:
    """The documents of a file, none of them empty; only one is in memory at a time.

    A line of a .jsonl file ({"text": ...}) and a row of a .parquet file (its column "text") is a document.
    Other text is cut into documents of `n_bytes` to twice that: at blank lines if possible, else at line ends,
    else at spaces; and always at lines that say <|endoftext|>.

    Raises:
        CorpusError: not UTF-8, no JSON, no text, or cut short; the message names the file and the place.
    """
    if path.suffix in _UNREADABLE:
        raise CorpusError(f"{path}: {_UNREADABLE[path.suffix]} is not read as it is; unpack it first")
    inner = Path(path.stem) if path.suffix in _OPEN else path
    if inner.suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    try:
        with _OPEN.get(path.suffix, open)(path, "rb") as stream:
            yield from _json_lines(stream, path) if inner.suffix in _JSON_LINES else _plain(stream, path, n_bytes)
    except (lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise CorpusError(f"{path}: damaged or cut short ({error}); get it again") from error


def _json_lines(stream: IO[bytes], path: Path) -> Iterator[str]:
    offset = 0
    for number, line in enumerate(stream, start=1):
        try:
            entry = json.loads(line) if line.strip() else {"text": ""}
            text = entry["text"]
            text.encode()  # a lone surrogate, which JSON can write, is no text
        except UnicodeDecodeError as error:
            raise _not_utf8(path, offset + error.start) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(
                f'{path}, line {number}: not {{"text": "..."}} with text in it: {_shown(line)}'
            ) from error
        offset += len(line)
        if text:
            yield text


def _shown(line: bytes) -> str:
    text = line[:60].decode("utf-8", errors="replace").strip()
    return f"{text} ..." if len(line) > 60 else text


def _not_utf8(path: Path, offset: int) -> CorpusError:
    return CorpusError(f"{path}: not UTF-8 at byte {offset:,} of its text; convert it (iconv -t UTF-8) first")


def _plain(stream: IO[bytes], path: Path, n_bytes: int) -> Iterator[str]:
    gathered: list[str] = []
    n_gathered = 0
    for line in _short_lines(stream, path, n_bytes):
        is_blank, is_end = not line.strip(), line.strip() == DOCUMENT_END
        gathered.append("" if is_end else line)
        n_gathered += len(line.encode())
        if is_end or n_gathered >= (n_bytes if is_blank else 2 * n_bytes):
            yield from _if_any("".join(gathered))
            gathered, n_gathered = [], 0
    yield from _if_any("".join(gathered))


def _if_any(text: str) -> list[str]:
    return [text.strip("\r\n")] if text.strip() else []


def _short_lines(stream: IO[bytes], path: Path, n_bytes: int) -> Iterator[str]:
    """Lines with their ends; a long one in pieces that end with a space, or anywhere where there is none."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line = 0, ""
    while True:
        # A limit, as a file may be one single line.
        chunk = stream.readline(2 * n_bytes)
        n_pending = len(decoder.getstate()[0])
        try:
            line += decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _not_utf8(path, offset - n_pending + error.start) from error
        offset += len(chunk)
        while len(line) > n_bytes:
            cut = line.rfind(" ", 1, n_bytes) + 1 or n_bytes
            yield line[:cut]
            line = line[cut:]
        if not chunk or line.endswith("\n"):
            yield line
            line = ""
        if not chunk:
            return


def _parquet_rows(path: Path) -> Iterator[str]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            if "text" not in file.schema_arrow.names:
                raise CorpusError(f"{path}: no column 'text'; it has {', '.join(file.schema_arrow.names)}")
            for batch in file.iter_batches(batch_size=1024, columns=["text"]):
                texts: list[Any] = batch.column(0).to_pylist()
                yield from (text for text in texts if text)
    except (pyarrow.ArrowException, OSError) as error:
        raise CorpusError(f"{path}: not a whole parquet file ({error}); get it again") from error
