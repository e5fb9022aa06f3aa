"""The facts of a data set card: where the conversations come from, who reviewed them, how far reviewers agree."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from sqlalchemy import Connection

from convstore.queries.annotation import AnnotationFacts, get_annotation_facts
from convstore.queries.matching import matching
from convstore.release.card import CardFacts
from convstore.release.specification import ReleaseRequest, ReleaseSpec
from convstore.release.tally import top

__all__ = ["describe"]

_LIMITS = (
    "Conversations are generated; the user's messages are not those of people.",
    "Scores of a file are its generator's own; only human scores come from reviewers.",
)


def describe(reading: Connection, request: ReleaseRequest, spec: ReleaseSpec, workspace_id: UUID) -> CardFacts:
    """The card of a slice, before any of it is read."""
    facts = get_annotation_facts(reading, matching(reading, request.filter, workspace_id), workspace_id)
    return CardFacts(
        title=spec.title,
        language=(facts.language,),
        sources=top(Counter(dict(facts.sources))),
        rules={**spec.filter, **spec.rules, "seed": spec.seed},
        reviewers=facts.reviewers,
        agreement=facts.agreement,
        reject_reasons=dict(facts.reject_reasons),
        limits=(*_LIMITS, *_unreviewed(facts)),
    )


def _unreviewed(facts: AnnotationFacts) -> tuple[str, ...]:
    if facts.reviewed == facts.conversations:
        return ()
    missing = facts.conversations - facts.reviewed
    return (f"{missing:,} of {facts.conversations:,} conversations that the filter means have no review.",)
