"""Keys and tokens, by the prefixes that their issuers gave them so that they can be found.

Only shapes that are hardly ever anything else: no guess by entropy. The hit never repeats what it found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured

__all__ = ["CHECK"]

#: What it is, a literal that must be in the text before the pattern is tried, and the pattern.
_SECRETS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    # Bounded on the left, so that a run of token characters is tried once and not from each of its positions.
    (name, literal, re.compile(rf"(?<![\w-]){pattern}"))
    for name, literal, pattern in (
        ("A private key", "PRIVATE KEY", r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
        ("An AWS access key", "AKIA", r"AKIA[A-Z2-7]{16}(?!\w)"),
        ("An AWS session key", "ASIA", r"ASIA[A-Z2-7]{16}(?!\w)"),
        ("A GitHub token", "_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
        ("A GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{40,255}"),
        ("A GitLab token", "glpat-", r"glpat-[A-Za-z0-9_-]{20,60}"),
        ("A key of a model provider", "sk-", r"sk-(?=[A-Za-z_-]{0,200}\d)[A-Za-z0-9_-]{32,200}"),
        ("A Stripe key", "k_live_", r"[rs]k_live_[A-Za-z0-9]{20,120}"),
        ("A Slack token", "xox", r"xox[abeoprs]-[A-Za-z0-9-]{20,250}"),
        ("A Google API key", "AIza", r"AIza[A-Za-z0-9_-]{35}(?![\w-])"),
        ("A Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,60}"),
        ("An npm token", "npm_", r"npm_[A-Za-z0-9]{36}(?!\w)"),
        ("A SendGrid key", "SG.", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
        ("A Supabase key", "sb_secret_", r"sb_secret_[A-Za-z0-9_-]{20,100}"),
        ("A signed token (JWT)", "eyJ", r"eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{16,2000}"),
    )
)
#: Issuers' own documentation spells these into its samples, and people mask with runs of one letter.
_SAMPLE = re.compile(r"example|your|sample|placeholder|xxxx|\.\.\.|(.)\1{7}", re.IGNORECASE)


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    for turn in conversation.turns:
        for name, literal, pattern in _SECRETS:
            if literal in turn.content:
                for secret in pattern.finditer(turn.content):
                    if not _SAMPLE.search(secret.group()):
                        yield Hit(f"{name} stands in the text.", turn.turn_number, secret.span())


CHECK = Check(
    code="secrets",
    label="Secret",
    severity="error",
    version=1,
    explanation="A key or token of a known kind stands in the text.",
    hits=_hits,
    measured=Measured(),
)
