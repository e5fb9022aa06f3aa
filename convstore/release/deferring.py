"""Large exports as jobs: what a job must remember, and where it leaves the files for whoever fetches them.

A job never chooses a path: files go below a folder of convstore's own, one folder a release.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from convstore.database import Context, Database
from convstore.errors import NotFoundError
from convstore.files import FileStore
from convstore.filtering import filter_as_json, filter_from_json
from convstore.model import Actor
from convstore.queries.releases import get_release
from convstore.queue import defer
from convstore.release.again import export_again
from convstore.release.building import build_release
from convstore.release.formats import file_name
from convstore.release.reports import Progress, ReleaseReport
from convstore.release.rows import ReleaseOptions
from convstore.release.selection import SliceRules, SplitPlan
from convstore.release.specification import ReleaseRequest

__all__ = ["defer_export", "export_folder", "run_deferred_export"]

#: Files are kept so long after they were written; a release can be written again at any time.
_KEPT_S = 7 * 24 * 3600.0


def defer_export(database: Database, actor: Actor, request: ReleaseRequest) -> UUID:
    """Queue an export; the id of the job, and of the release that it makes."""
    with database.transaction(Context.of(actor)) as connection:
        return defer(connection, actor.workspace_id, "export", _as_json(request))


def export_folder(home: Path, release_id: UUID) -> Path:
    """Where the files of a release that a job wrote are."""
    return home / "exports" / str(release_id)


def run_deferred_export(
    database: Database,
    files: FileStore,
    actor: Actor,
    job_id: UUID,
    arguments: Mapping[str, Any],
    *,
    home: Path,
    progress: Progress,
) -> ReleaseReport:
    """Do what `defer_export` queued. An attempt that was killed left nothing, or a sealed release without its files."""
    folder = export_folder(home, job_id)
    _remove_old(folder.parent)
    request = _from_json(arguments)
    out = folder / file_name(request.format, request.name, splits=bool(request.plan.shares))
    if _is_sealed(database, actor, job_id):
        return export_again(database, files, actor, str(job_id), out, force=True, progress=progress)
    return build_release(database, actor, request, out, release_id=job_id, progress=progress)


def _is_sealed(database: Database, actor: Actor, release_id: UUID) -> bool:
    with database.transaction(Context.of(actor), read_only=True) as connection:
        try:
            return get_release(connection, str(release_id), actor.workspace_id).status == "sealed"
        except NotFoundError:
            return False


def _remove_old(folder: Path) -> None:
    before = time.time() - _KEPT_S
    for old in folder.glob("*"):
        if old.stat().st_mtime < before:
            shutil.rmtree(old, ignore_errors=True)


def _as_json(request: ReleaseRequest) -> dict[str, Any]:
    return {
        "format": request.format,
        "filter": filter_as_json(request.filter),
        "rules": request.rules.as_json(),
        "splits": request.plan.as_json(),
        # The database does not keep the order of names, and the splits are cut in it.
        "split_order": list(request.plan.shares),
        "options": asdict(request.options),
        "name": request.name,
        "seed": request.seed,
        "lint": request.lint,
    }


def _from_json(values: Mapping[str, Any]) -> ReleaseRequest:
    splits = values["splits"]
    return ReleaseRequest(
        format=values["format"],
        filter=filter_from_json(values["filter"]),
        rules=SliceRules.from_json(values["rules"]),
        plan=SplitPlan(
            shares={name: Decimal(splits["shares"][name]) for name in values["split_order"]},
            stratify_by=tuple(splits["stratify_by"]),
            held_out=splits["held_out"],
        ),
        options=ReleaseOptions(**values["options"]),
        name=values["name"],
        seed=values["seed"],
        lint=values["lint"],
        # What stands there is an earlier attempt of the same job.
        force=True,
    )
