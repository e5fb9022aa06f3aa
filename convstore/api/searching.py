"""Searching over HTTP: which conversations hold the words, and where."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response

from convstore.api import examples
from convstore.api.answers import SearchPage, described, json
from convstore.api.callers import Caller
from convstore.api.conversations import Cursor, Limit
from convstore.api.filters import Wanted
from convstore.model import Order, Sort

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["conversations"])


@router.get("/search", responses={200: described(SearchPage, examples.HITS, "A page of hits")})
def search(
    store: Caller,
    wanted: Wanted,
    text: Annotated[
        str, Query(min_length=1, max_length=500, description='Words; "a phrase", -not, or.', examples=["payment"])
    ],
    sort: Sort = "created",
    order: Order = "desc",
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """The conversations with these words in any turn, and the first turn that has them; every filter holds too."""
    page = store.search(replace(wanted, text=text), sort=sort, order=order, limit=limit, cursor=cursor)
    snippets = store.statistics.snippets(text, [row.id for row in page.items])
    hits = []
    for row in page.items:
        snippet = snippets.get(row.id)
        hits.append(
            {
                "conversation": row,
                "turn_number": snippet.turn_number if snippet else None,
                "role": snippet.role if snippet else None,
                "pieces": snippet.pieces if snippet else (),
            }
        )
    return json({"items": hits, "next": page.next, "total": page.total, "total_is_exact": page.total_is_exact})
