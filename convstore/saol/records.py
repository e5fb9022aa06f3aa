"""A record made ready for a table: characters cleaned, columns known, its JSON exact. Knows no connection."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from convstore.errors import ConvstoreError
from convstore.saol.catalogue import Relation
from convstore.saol.characters import Sanitizer, check_characters
from convstore.saol.sources import SourceRecord
from convstore.saol.values import as_json

__all__ = ["BadRecord", "Preparation", "ReadyRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyRecord:
    """A record that may be sent: its columns and its JSON; `value` is kept for the reports."""

    position: int
    line: int | None
    columns: tuple[str, ...]
    text: str
    value: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord:
    """A record that is not in the table, and why."""

    position: int
    line: int | None
    code: str
    reason: str
    record: object
    sqlstate: str | None = None
    column: str | None = None
    constraint: str | None = None
    detail: str | None = None


class Preparation:
    """Prepares the records of one import; counts what was cleaned."""

    def __init__(self, relation: Relation, sanitizer: Sanitizer) -> None:
        self._relation = relation
        self._sanitizer = sanitizer
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.sanitized_records = 0
        self.removed_characters = 0

    def prepare(self, record: SourceRecord) -> ReadyRecord | BadRecord:
        """The record, ready or with what is wrong."""
        if record.code is not None:
            return self._bad(record, record.code, record.reason)
        if not isinstance(record.value, Mapping):
            return self._bad(record, "ERR_SOURCE_SYNTAX", f"a record is an object, not {type(record.value).__name__}")
        if not record.value:
            return self._bad(record, "ERR_SOURCE_SYNTAX", "the record is empty")
        try:
            value, text = self._cleaned(record, record.value)
            columns = self._columns(value)
        except ConvstoreError as error:
            column = error.facts.get("column")
            return self._bad(record, error.code, error.message, column=str(column) if column is not None else None)
        return ReadyRecord(position=record.position, line=record.line, columns=columns, text=text, value=value)

    def _cleaned(self, record: SourceRecord, value: Mapping[str, object]) -> tuple[Mapping[str, object], str]:
        sanitizer = self._sanitizer
        if record.text is not None and self._is_clean(record.text):
            return value, record.text
        if sanitizer.remove or sanitizer.normalization != "none":
            cleaned = sanitizer.clean(value)
            assert isinstance(cleaned, Mapping)
            value = cleaned
            if sanitizer.removed:
                self.sanitized_records += 1
                self.removed_characters += sanitizer.removed
        check_characters(value)
        return value, as_json(value)

    def _is_clean(self, text: str) -> bool:
        """True if the JSON can be sent as it stands: only an escape can hide a character that does not belong there."""
        form = self._sanitizer.normalization
        return "\\u" not in text and (form == "none" or text.isascii() or unicodedata.is_normalized(form, text))

    def _columns(self, value: Mapping[str, object]) -> tuple[str, ...]:
        names = tuple(value)
        known = self._known.get(names)
        if known is None:
            known = tuple(sorted(self._relation.get_column(name).name for name in names))
            if len(self._known) < 1000:
                self._known[names] = known
        return known

    @staticmethod
    def _bad(record: SourceRecord, code: str, reason: str, *, column: str | None = None) -> BadRecord:
        return BadRecord(
            position=record.position, line=record.line, code=code, reason=reason, record=record.value, column=column
        )
