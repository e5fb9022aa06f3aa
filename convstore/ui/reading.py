"""The blocks of the conversation screen: head, folded extras, turns, the bar below."""

from __future__ import annotations

import streamlit as st

from convstore.core import ConvStore
from convstore.lifecycle import MOVES
from convstore.model import ConversationDetail
from convstore.ui import decisions
from convstore.ui.address import Vocabulary
from convstore.ui.navigation import go
from convstore.ui.status import ACTIONS, TIERS, badge, finding_badge
from convstore.ui.walk import Walk
from convstore.ui.words import counted, prettified

__all__ = ["bar", "extras", "head", "turns"]


def head(detail: ConversationDetail, vocabulary: Vocabulary) -> None:
    """Name, badges, persona, tier, turns."""
    conversation = detail.conversation
    st.text(conversation.conversation_name)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        badge(conversation.status)
        st.caption(f"{TIERS.get(conversation.tier, 'Tier')} · {counted(conversation.turn_count, 'turn')}", width="content")


def extras(store: ConvStore, detail: ConversationDetail) -> None:
    """What is folded away."""


def turns(detail: ConversationDetail) -> None:
    """The messages."""
    for turn in detail.turns:
        with st.chat_message(turn.role, avatar=":material/person:"):
            st.text(turn.content)


def bar(store: ConvStore, detail: ConversationDetail, walk: Walk | None, vocabulary: Vocabulary) -> None:
    """What can be done now."""
