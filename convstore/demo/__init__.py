"""A demonstration set made from sentences of the project's own, and the same generator for measurements."""

from __future__ import annotations

from convstore.demo.defects import DEFECTS
from convstore.demo.generator import DemoConversation, DemoTurn, conversation_at, generate
from convstore.demo.plan import DemoDecision, DemoPlan, write_demo

__all__ = [
    "DEFECTS",
    "DemoConversation",
    "DemoDecision",
    "DemoPlan",
    "DemoTurn",
    "conversation_at",
    "generate",
    "write_demo",
]
