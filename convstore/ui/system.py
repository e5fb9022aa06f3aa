"""The sections of the System screen, in their order; each shows itself, and only to roles that may see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convstore.core import ConvStore
from convstore.rights import Action, may
from convstore.ui.members import members_section
from convstore.ui.system_audit import audit_section
from convstore.ui.system_jobs import jobs_section
from convstore.ui.system_storage import storage_section

__all__ = ["SECTIONS", "Section", "sections_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section. `takes` is what a role must be allowed to for the section to be there."""

    title: str
    takes: Action
    show: Callable[[ConvStore], None]


SECTIONS: tuple[Section, ...] = (
    Section(title="Members", takes="read", show=members_section),
    Section(title="Jobs", takes="read", show=jobs_section),
    Section(title="Storage", takes="read", show=storage_section),
    Section(title="Audit", takes="read", show=audit_section),
)


def sections_for(store: ConvStore) -> tuple[Section, ...]:
    """The sections that this person has."""
    return tuple(section for section in SECTIONS if may(store.actor.role, section.takes))
