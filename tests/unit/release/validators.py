"""What trainers accept, written from their published rules and independent of the product's own lint."""

from __future__ import annotations

from typing import Any


def _text(value: Any) -> str:
    assert isinstance(value, str)
    assert value.strip()
    return value


def openai(record: dict[str, Any]) -> None:
    """Fine-tuning guide and the data preparation cookbook of OpenAI."""
    assert set(record) == {"messages"}
    messages = record["messages"]
    assert messages
    for i, message in enumerate(messages):
        assert set(message) <= {"role", "content", "weight"}
        assert message["role"] in {"system", "user", "assistant"}
        assert message["role"] != "system" or i == 0
        _text(message["content"])
        if "weight" in message:
            assert message["role"] == "assistant"
            assert message["weight"] in (0, 1)
            assert type(message["weight"]) is int
    assert messages[-1]["role"] == "assistant"
    assert any(message.get("weight", 1) for message in messages if message["role"] == "assistant")


def anthropic(record: dict[str, Any]) -> None:
    """Amazon Bedrock's rules for Claude: system outside, user first, strict alternation, a reply at the end."""
    assert set(record) <= {"system", "messages"}
    assert "system" not in record or _text(record["system"])
    messages = record["messages"]
    assert len(messages) >= 2
    for i, message in enumerate(messages):
        assert set(message) == {"role", "content"}
        assert message["role"] == ("user", "assistant")[i % 2]
        _text(message["content"])
    assert len(messages) % 2 == 0


def sharegpt(record: dict[str, Any]) -> None:
    """LLaMA-Factory: human in odd places, gpt in even ones, gpt last."""
    assert set(record) == {"conversations", "system", "tools"}
    messages = record["conversations"]
    assert messages
    for i, message in enumerate(messages):
        assert set(message) == {"from", "value"}
        assert message["from"] == ("human", "gpt")[i % 2]
        _text(message["value"])
    assert messages[-1]["from"] == "gpt"
    assert isinstance(record["system"], str)
    assert isinstance(record["tools"], str)


def alpaca(record: dict[str, Any]) -> None:
    """LLaMA-Factory's Alpaca: an instruction, an output, pairs in the history."""
    assert set(record) <= {"instruction", "input", "output", "system", "history"}
    _text(record["instruction"])
    _text(record["output"])
    assert isinstance(record["input"], str)
    assert isinstance(record["system"], str)
    for pair in record.get("history", []):
        assert len(pair) == 2
        for text in pair:
            _text(text)


def prompt_completion(record: dict[str, Any]) -> None:
    """TRL: a conversational prompt that ends on the user, a completion by the assistant."""
    assert set(record) == {"prompt", "completion"}
    for message in record["prompt"] + record["completion"]:
        assert set(message) == {"role", "content"}
        _text(message["content"])
    assert record["prompt"][-1]["role"] == "user"
    assert [message["role"] for message in record["completion"]] == ["assistant"]


def axolotl(record: dict[str, Any]) -> None:
    """Axolotl's chat_template with `message_field_training: train`."""
    assert set(record) == {"messages"}
    for message in record["messages"]:
        assert set(message) == {"role", "content", "train"}
        assert isinstance(message["train"], bool)
        assert not message["train"] or message["role"] == "assistant"
        _text(message["content"])
    assert any(message["train"] for message in record["messages"])


STRICT = {
    "messages": openai,
    "prompt-completion": prompt_completion,
    "sharegpt": sharegpt,
    "alpaca": alpaca,
    "axolotl": axolotl,
    "anthropic": anthropic,
}
