"""The formats built on a list of role and content: OpenAI chat, TRL prompt-completion, Axolotl, Anthropic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convstore.release.rows import FileInfo, ReleaseOptions, ReleaseRow
from convstore.release.samples import Sample, samples

__all__ = ["anthropic_records", "axolotl_records", "axolotl_yaml", "messages_records", "prompt_completion_records"]

Record = dict[str, Any]


def messages_records(row: ReleaseRow, options: ReleaseOptions) -> list[Record]:
    """OpenAI chat rows. Every reply carries `weight`: 1 is trained, 0 is context."""
    return [
        {
            "messages": _system(sample)
            + [
                {"role": role, "content": content, "weight": 1 if trained else 0}
                if role == "assistant"
                else {"role": role, "content": content}
                for role, content, trained in zip(sample.roles, sample.contents, sample.trained, strict=True)
            ]
        }
        for sample in samples(row, options)
    ]


def prompt_completion_records(row: ReleaseRow, options: ReleaseOptions) -> list[Record]:
    """TRL rows: everything before the last reply is the prompt, the last reply the completion."""
    records = []
    for sample in samples(row, options):
        messages = [*_system(sample), *_plain(sample)]
        records.append({"prompt": messages[:-1], "completion": messages[-1:]})
    return records


def axolotl_records(row: ReleaseRow, options: ReleaseOptions) -> list[Record]:
    """Axolotl chat_template rows: `train` stands on every message."""
    records = []
    for sample in samples(row, options):
        messages: list[Record] = [{**message, "train": False} for message in _system(sample)]
        messages += [
            {"role": role, "content": content, "train": trained}
            for role, content, trained in zip(sample.roles, sample.contents, sample.trained, strict=True)
        ]
        records.append({"messages": messages})
    return records


def anthropic_records(row: ReleaseRow, options: ReleaseOptions) -> list[Record]:
    """Anthropic and Bedrock rows: the system prompt stands outside the messages."""
    return [
        {"system": sample.system, "messages": _plain(sample)} if sample.system else {"messages": _plain(sample)}
        for sample in samples(row, options)
    ]


def axolotl_yaml(files: Sequence[FileInfo]) -> str:
    """The `datasets` section of an Axolotl configuration that reads these files."""
    lines = ["datasets:"]
    for file in files:
        quoted = file.path.name.replace("'", "''")
        lines += [
            f"  - path: '{quoted}'",
            "    ds_type: json",
            "    type: chat_template",
            "    field_messages: messages",
            "    roles_to_train: []",
            "    message_field_training: train",
        ]
    return "\n".join(lines) + "\n"


def _system(sample: Sample) -> list[Record]:
    return [{"role": "system", "content": sample.system}] if sample.system else []


def _plain(sample: Sample) -> list[Record]:
    return [{"role": role, "content": content} for role, content in zip(sample.roles, sample.contents, strict=True)]
