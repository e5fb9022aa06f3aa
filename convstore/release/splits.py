"""Divides conversations into splits: by share, repeatably, never a group in two.

Works on light tuples; where groups, strata and held-out ids come from is the caller's business.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from convstore.errors import UsageError
from convstore.release.seeding import place

__all__ = ["SplitItem", "assign_splits", "parse_held_out", "parse_splits"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class SplitItem(NamedTuple):
    """A conversation to be placed. `group` is its duplicate group, None if it has none."""

    id: str
    group: str | None = None
    stratum: str = ""


class _Group(NamedTuple):
    key: str
    ids: list[str]
    stratum: str


def parse_splits(text: str) -> dict[str, Decimal]:
    """Read `train=0.9,validation=0.1`: names and shares that add up to 1.

    Raises
    ------
    UsageError
        Says which part is wrong.
    """
    shares: dict[str, Decimal] = {}
    for part in text.split(","):
        name, equals, share_text = (piece.strip() for piece in part.partition("="))
        if not equals or not _NAME.fullmatch(name):
            raise _malformed(f"{part.strip()!r} is no NAME=SHARE; a name has letters, digits and underscores.")
        if name in shares:
            raise _malformed(f"The split {name!r} is named twice.")
        try:
            share = Decimal(share_text)
        except InvalidOperation:
            raise _malformed(f"The share of {name!r}, {share_text!r}, is no number.") from None
        if not (share.is_finite() and 0 < share <= 1):
            raise _malformed(f"The share of {name!r}, {share_text}, is not above 0 and at most 1.")
        shares[name] = share
    total = sum(shares.values())
    if total != 1:
        raise _malformed(f"The shares add up to {total}, not to 1.")
    return shares


def parse_held_out(parts: Iterable[str]) -> dict[str, str]:
    """Read `ID=SPLIT` each: conversations that are fixed to a split.

    Raises
    ------
    UsageError
        Says which part is wrong.
    """
    held_out: dict[str, str] = {}
    for part in parts:
        identifier, equals, name = (piece.strip() for piece in part.rpartition("="))
        if not equals or not identifier or not _NAME.fullmatch(name):
            raise UsageError(f"{part!r} is no ID=SPLIT", hint="Hold out as conversation-17=validation.")
        if held_out.setdefault(identifier, name) != name:
            raise UsageError(f"{identifier} is held out for two splits", hint="Name each conversation once.")
    return held_out


def assign_splits(
    items: Iterable[SplitItem],
    shares: Mapping[str, Decimal],
    *,
    seed: int = 0,
    held_out: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """A split for every id.

    Groups are taken in an order that only the seed and the group decide, each stratum is cut by the shares, and
    what rounding leaves over is carried to the next stratum; so each split is within one group of its share, in
    every stratum and overall. No split stays empty while there are groups enough.

    Parameters
    ----------
    held_out
        Conversation id -> split, fixed beforehand with its whole group. The shares apply to the rest.

    Raises
    ------
    UsageError
        Two held-out conversations of one group are fixed to different splits.
    """
    groups = _grouped(items)
    assigned: dict[str, str] = {}
    free: dict[str, list[_Group]] = defaultdict(list)
    for group in groups:
        fixed = {held_out[member] for member in group.ids if member in held_out} if held_out else set()
        if len(fixed) > 1:
            raise UsageError(
                f"Group {group.key} is held out for {' and '.join(sorted(fixed))} at once.",
                hint="Hold out conversations of one duplicate group together.",
                facts={"group": group.key, "ids": sorted(group.ids)},
            )
        if fixed:
            assigned |= dict.fromkeys(group.ids, fixed.pop())
        else:
            free[group.stratum].append(group)
    names = list(shares)
    filled: dict[str, list[_Group]] = {name: [] for name in names}
    before = 0
    for stratum in sorted(free):
        ordered = sorted(free[stratum], key=lambda group: place(seed, group.key))
        size = sum(len(group.ids) for group in ordered)
        bounds = _bounds(shares, before, size)
        done = 0
        for group in ordered:
            middle = done + len(group.ids) / 2
            index = next((i for i, bound in enumerate(bounds) if middle <= bound), len(names) - 1)
            filled[names[index]].append(group)
            done += len(group.ids)
        before += size
    _leave_none_empty(filled)
    for name, members in filled.items():
        for group in members:
            assigned |= dict.fromkeys(group.ids, name)
    return assigned


def _grouped(items: Iterable[SplitItem]) -> list[_Group]:
    groups: dict[tuple[bool, str], _Group] = {}
    # In the order of ids, so that a group's stratum does not depend on how the items arrive.
    for item in sorted(items, key=lambda item: item.id):
        key = (item.group is not None, item.group if item.group is not None else item.id)
        group = groups.get(key)
        if group is None:
            groups[key] = _Group(key[1], [item.id], item.stratum)
        else:
            group.ids.append(item.id)
    return list(groups.values())


def _bounds(shares: Mapping[str, Decimal], before: int, size: int) -> Sequence[int]:
    bounds = []
    total = Decimal(0)
    for share in shares.values():
        total += share
        bounds.append(round(total * (before + size)) - round(total * before))
    return bounds


def _leave_none_empty(filled: dict[str, list[_Group]]) -> None:
    for members in filled.values():
        richest = max(filled.values(), key=len)
        if not members and len(richest) > 1:
            members.append(richest.pop())


def _malformed(what: str) -> UsageError:
    return UsageError(what, hint="Write splits as train=0.9,validation=0.1.")
