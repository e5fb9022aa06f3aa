"""The formats of a release by name, and the one function that makes a writer for any of them.

Trainer formats drop a trailing user message unless told otherwise; archival formats never drop anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from convstore.errors import UsageError
from convstore.release.card import CardFacts, CardSplit, render_card
from convstore.release.formats import dialogue, messages
from convstore.release.formats.brightrun import V4Part, V5Part
from convstore.release.formats.columns import hf_features
from convstore.release.formats.lines import LinesPart, Records
from convstore.release.formats.parquet import ParquetPart
from convstore.release.formats.text import CsvPart, MarkdownPart
from convstore.release.formats.writer import Part, SideFile, Writer
from convstore.release.rows import FileInfo, ReleaseOptions
from convstore.release.staging import Staging

__all__ = ["ARCHIVAL_FORMATS", "FORMATS", "RECORDS", "TRAINER_FORMATS", "Writer", "file_name", "writer_for"]

#: The records of a conversation, for each trainer format.
RECORDS: Mapping[str, Records] = {
    "messages": messages.messages_records,
    "prompt-completion": messages.prompt_completion_records,
    "sharegpt": dialogue.sharegpt_records,
    "alpaca": dialogue.alpaca_records,
    "axolotl": messages.axolotl_records,
    "anthropic": messages.anthropic_records,
}
TRAINER_FORMATS = tuple(RECORDS)
ARCHIVAL_FORMATS = ("brightrun-v4", "brightrun-v5", "csv", "markdown", "parquet", "hf")
FORMATS = TRAINER_FORMATS + ARCHIVAL_FORMATS

_SUFFIXES = {"brightrun-v4": ".json", "csv": ".csv", "markdown": ".md", "parquet": "", "hf": ""}


def file_name(format_name: str, name: str | None, *, splits: bool = False) -> str:
    """What to call the file of a release, or its folder, where nobody chose a path."""
    stem = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in name or "conversations")[:80]
    if splits or format_name == "hf":
        return f"{stem}-{format_name}"
    suffix = ".parquet" if format_name == "parquet" else _SUFFIXES.get(format_name, ".jsonl")
    return f"{stem}-{format_name}{suffix}"


def writer_for(
    format_name: str,
    path: Path,
    *,
    options: ReleaseOptions | None = None,
    splits: Sequence[str] = (),
    force: bool = False,
    title: str | None = None,
    release: Mapping[str, Any] | None = None,
    card: CardFacts | None = None,
) -> Writer:
    """A writer of a format to `path`: a file, or a folder with one file a split.

    Parameters
    ----------
    splits
        Names of the splits that rows may carry; empty for no split.
    force
        Replace an earlier export.
    title
        Name of the data set inside the files; the file's own name if left out.
    release
        What is known of the release beforehand, put into the metadata of Parquet files.
    card
        Facts for the data set card of an `hf` folder.

    Raises
    ------
    UsageError
        The format is unknown.
    RefusedError, ConflictError
        See `Staging`.
    """
    options = options or ReleaseOptions()
    if format_name not in FORMATS:
        raise UsageError(f"Unknown format {format_name!r}.", hint=f"Choose one of {', '.join(FORMATS)}.")
    title = title or path.name.split(".")[0] or path.name
    is_sharded = format_name == "hf" or (format_name == "parquet" and (bool(splits) or path.suffix != ".parquet"))
    staging = Staging(path, folder=bool(splits) or is_sharded, force=force)
    side_file = _side_file(format_name, title, splits)
    if format_name == "hf":
        side_file = SideFile("README.md", partial(_card_text, card or CardFacts(title=title)))
    return Writer(
        staging,
        _part_opener(format_name, staging, options, title, release, is_sharded=is_sharded),
        suffix=_SUFFIXES.get(format_name, ".jsonl"),
        splits=splits,
        side_file=side_file,
    )


def _part_opener(
    format_name: str,
    staging: Staging,
    options: ReleaseOptions,
    title: str,
    release: Mapping[str, Any] | None,
    *,
    is_sharded: bool,
) -> Callable[[Path, str | None], Part]:
    def open_part(path: Path, split: str | None) -> Part:
        if format_name in RECORDS:
            return LinesPart(path, RECORDS[format_name], options)
        if format_name in ("parquet", "hf"):
            shards = split or "train" if is_sharded else None
            return ParquetPart(staging.content / "data" if shards else path, shards, options, release)
        if format_name == "csv":
            return CsvPart(path, options)
        if format_name == "markdown":
            return MarkdownPart(path, options)
        scratch = staging.scratch(split or "body")
        return (V4Part if format_name == "brightrun-v4" else V5Part)(path, scratch, options, title)

    return open_part


def _side_file(format_name: str, title: str, splits: Sequence[str]) -> SideFile | None:
    if format_name == "sharegpt":
        return SideFile("dataset_info.json", partial(dialogue.dataset_info, title, splits))
    if format_name == "axolotl":
        return SideFile("axolotl.yaml", messages.axolotl_yaml)
    return None


def _card_text(card: CardFacts, files: Sequence[FileInfo]) -> str:
    counts: dict[str, list[int]] = {}
    for info in files:
        counts.setdefault(info.path.name.rsplit("-", 3)[0], []).extend([info.rows, info.bytes])
    splits = [CardSplit(name, sum(values[::2]), sum(values[1::2])) for name, values in counts.items()]
    return render_card(card, splits, hf_features())
