"""Numbers, dates and names as the screens say them. Knows no widget but the browser's time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

__all__ = [
    "accented",
    "bytes_of",
    "conversations_in",
    "counted",
    "local_zone",
    "moment",
    "number",
    "plain",
    "prettified",
    "score",
    "sentence",
    "spaced",
    "total",
    "with_code",
]

_WORD_JOINER = "\u2060"
_MARKUP = re.compile(r"([\\`*_{}\[\]()#!~|<>$&^])|(?<=^\d)(?=[.)])|^(?=[+=-])")
#: What turns into links, arrows, dashes and icons even where it is escaped.
_SIGNS = re.compile(r"(?i)https?|ftp|www\.|mailto|@.|-+\\?>|<-|--|:[a-z]")


def number(value: int) -> str:
    """1,284."""
    return f"{value:,}"


def counted(value: int, thing: str, things: str | None = None) -> str:
    """1 conversation, 1,284 conversations."""
    return f"{value:,} {thing if value == 1 else things or thing + 's'}"


def total(value: int, is_exact: bool) -> str:
    """1,284, or more than 10,000."""
    return number(value) if is_exact else f"more than {value:,}"


def conversations_in(value: int, is_exact: bool) -> str:
    """1 conversation, 1,284 conversations, more than 10,000 conversations."""
    return f"{total(value, is_exact)} {'conversation' if value == 1 else 'conversations'}"


def score(value: object) -> str:
    """4.5, or not scored."""
    return "not scored" if value is None else f"{value:.1f}"


def bytes_of(size: int) -> str:
    """12 KB."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def local_zone() -> tzinfo:
    """The time zone of the browser, else UTC."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def accented(words: str) -> str:
    """Our own words on a control that is chosen from: its accent suits what is filled, and is too faint for text."""
    return f":blue[{words}]"


def moment(at: datetime, *, now: datetime | None = None) -> str:
    """16:20 today; 14 Mar, 16:20 this year; 14 Mar 2025 before."""
    zone = local_zone()
    here, today = at.astimezone(zone), (now or datetime.now(UTC)).astimezone(zone)
    if here.date() == today.date():
        return f"{here:%H:%M}"
    return f"{here.day} {here:%b, %H:%M}" if here.year == today.year else f"{here.day} {here:%b %Y}"


def sentence(text: str) -> str:
    """With a capital at the start and a full stop at the end."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) or not text else ".")


def prettified(key: str) -> str:
    """A key as words, for one that no name is known of."""
    return key.replace("_", " ").replace("-", " ").strip().capitalize()


def plain(text: str) -> str:
    """Strangers' words for a place that reads Markdown: nothing in it becomes a link, an image or a sign."""
    flat = _MARKUP.sub(r"\\\1", " ".join(text.split()))
    return _SIGNS.sub(lambda found: found[0][:1] + _WORD_JOINER + found[0][1:], flat)


def with_code(text: str) -> str:
    """Our own sentence, in which `code` stays code and everything else is plain."""
    parts = text.split("`")
    return "`".join(part if index % 2 else _keeping_ends(part) for index, part in enumerate(parts))


def _keeping_ends(text: str) -> str:
    """The same with the spaces at both ends, for a part of a sentence."""
    start, end = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return start[:1] + plain(text) + end[:1] if text.strip() else text[:1]


def spaced(text: str) -> str:
    """A piece of strangers' words for Markdown, with the space at its ends kept, so that pieces can be joined."""
    words = plain(text)
    if not words:
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{words}{' ' if text[-1].isspace() else ''}"
