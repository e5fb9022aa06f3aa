"""Records to import, one by one: from memory, from NDJSON, from a JSON array. A file is never read whole.

What cannot be read is a record too, with the reason, so that its neighbours go in and the totals add up.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TypeAlias

from convstore.errors import InvalidInputError, UsageError

__all__ = ["Source", "SourceRecord", "iter_json_array", "iter_records"]

Source: TypeAlias = str | Path | Iterable[Mapping[str, object]]

CHUNK_CHARACTERS = 1 << 20
_SPACE = " \t\r\n"
_EXCERPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """One record; `text` is its JSON as it stood in a file. With a `code` it could not be read."""

    position: int
    line: int | None = None
    value: object = None
    text: str | None = None
    code: str | None = None
    reason: str = ""


def iter_records(source: Source) -> Iterator[SourceRecord]:
    """Every record of a source, positions counted from 1.

    Parameters
    ----------
    source
        Mappings; or the path of an NDJSON file or of one JSON array; or the text of a JSON array.

    Raises
    ------
    InvalidInputError
        If there is no such file, or it cannot be read.
    """
    if isinstance(source, Path) or (isinstance(source, str) and not source.lstrip().startswith("[")):
        return _from_file(Path(source))
    if isinstance(source, str):
        return _from_text(source)
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        raise UsageError(
            f"a source is records or a path, not {type(source).__name__}", hint="Give a list of records or a file."
        )
    return (SourceRecord(position=position, value=value) for position, value in enumerate(source, 1))


def _from_text(text: str) -> Iterator[SourceRecord]:
    return _array(io.StringIO(text))


def _from_file(path: Path) -> Iterator[SourceRecord]:
    # Opened at once, so that a wrong path is told before anything starts.
    try:
        stream = path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidInputError(
            f"{str(path)!r} cannot be read: {reason}",
            code="ERR_SOURCE_NOT_FOUND",
            hint="Correct the path; a relative one starts at the current directory.",
        ) from error
    return _records_of(stream)


def _records_of(stream: IO[bytes]) -> Iterator[SourceRecord]:
    with stream:
        start = stream.read(4096)
        stream.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
        if start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
            yield from _array(codecs.getreader("utf-8")(stream))
        else:
            yield from _lines(stream)


def _lines(stream: IO[bytes]) -> Iterator[SourceRecord]:
    position = 0
    for number, raw in enumerate(stream, 1):
        raw = raw.strip(b" \t\r\n")  # noqa: PLW2901  # the same line without its end
        if not raw:
            continue
        position += 1
        try:
            text = raw.decode("utf-8")
            yield SourceRecord(position=position, line=number, value=_loads(text), text=text)
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} of the line is not UTF-8"
            yield _broken(position, number, raw.decode("utf-8", "replace"), reason, "ERR_CHAR_INVALID_UTF8")
        except (ValueError, RecursionError) as error:
            yield _broken(position, number, raw.decode("utf-8", "replace"), f"the line is not JSON: {error}")


def _loads(text: str) -> Any:
    # Decimal keeps every digit; NaN and Infinity are no JSON.
    return json.loads(text, parse_float=Decimal, parse_constant=_no_number)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _broken(position: int, line: int | None, text: str, reason: str, code: str = "ERR_SOURCE_SYNTAX") -> SourceRecord:
    return SourceRecord(position=position, line=line, value=text[:_EXCERPT], code=code, reason=reason)


def _array(stream: Any) -> Iterator[SourceRecord]:
    """Records of one JSON array. Behind a broken one nothing can be found again, so it is the last."""
    position = 0
    elements = iter_json_array(stream)
    while True:
        position += 1
        try:
            value, text = next(elements)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            yield _broken(position, None, "", f"not UTF-8 from here on: {error.reason}", "ERR_CHAR_INVALID_UTF8")
            return
        except (ValueError, RecursionError) as error:
            yield _broken(position, None, "", f"the array breaks off here, the rest is not read: {error}")
            return
        yield SourceRecord(position=position, value=value, text=text)


def iter_json_array(stream: Any) -> Iterator[tuple[Any, str]]:
    """Elements of a JSON array with their text, from a stream of characters that is read in pieces.

    Raises
    ------
    ValueError
        Where the array is broken.
    """
    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)
    window = _Window(stream)
    if window.next_mark() != "[":
        raise ValueError("there is no array")
    window.at += 1
    if window.next_mark() == "]":
        window.check_end()
        return
    while True:
        window.next_mark()
        value, end = window.decode(decoder)
        yield value, window.text[window.at : end]
        window.at = end
        mark = window.next_mark()
        if mark == "]":
            window.check_end()
            return
        if mark != ",":
            raise ValueError(f"expected a comma or the end of the array, found {mark!r}")
        window.at += 1


class _Window:
    """A piece of a stream, moved forward and grown as needed."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._ended = False
        self.text = ""
        self.at = 0

    def _grow(self) -> bool:
        # Growing by as much as is held keeps a huge element linear.
        piece = "" if self._ended else self._stream.read(max(CHUNK_CHARACTERS, len(self.text) - self.at))
        self._ended = not piece
        self.text = self.text[self.at :] + piece
        self.at = 0
        return bool(piece)

    def next_mark(self) -> str:
        """The next character that is no space, empty at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._grow():
                return ""

    def decode(self, decoder: json.JSONDecoder) -> tuple[Any, int]:
        """The value at this place and where it ends."""
        while True:
            try:
                value, end = decoder.raw_decode(self.text, self.at)
            except ValueError:
                if self._grow():
                    continue
                raise
            # A number at the edge of the window may go on behind it.
            if end < len(self.text) or not self._grow():
                return value, end

    def check_end(self) -> None:
        """Nothing may follow the array."""
        self.at += 1
        if self.next_mark():
            raise ValueError("something follows the array")
