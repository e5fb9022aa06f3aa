"""Import: from bytes to stored conversations, object first, then the rows in one transaction a batch.

A crash can leave an object that no row names, never a row without its file; a second run completes the first.

    importing   the loop over files: read, parse, report, quarantine
    batches     gathers conversations and sees each to its outcome
    deciding    what becomes of a conversation, from what is stored; writes nothing
    writing     files and rows of new and of replaced conversations
    runs        the record of the import itself
    deferring   an import as a job, and its run on a worker
    sharing     what of a large one can be stored side by side, by several workers
    reports     what became of every file and conversation
"""

from __future__ import annotations

from convstore.ingest.deciding import OnConflict
from convstore.ingest.deferring import close_deferred_ingest, defer_ingest, run_deferred_ingest, run_part
from convstore.ingest.importing import ingest
from convstore.ingest.reports import ConversationReport, FileReport, IngestReport
from convstore.ingest.runs import fail_items, find_report
from convstore.ingest.sharing import files_to_look_at, files_to_store, find_keys, is_large

__all__ = [
    "ConversationReport",
    "FileReport",
    "IngestReport",
    "OnConflict",
    "close_deferred_ingest",
    "defer_ingest",
    "fail_items",
    "files_to_look_at",
    "files_to_store",
    "find_keys",
    "find_report",
    "ingest",
    "is_large",
    "run_deferred_ingest",
    "run_part",
]
