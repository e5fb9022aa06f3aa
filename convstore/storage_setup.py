"""Setting the file store up: the bucket, and the row policies beside it where the database holds Supabase Storage."""

from __future__ import annotations

from convstore.database import Database
from convstore.errors import DatabaseError
from convstore.files import FileStore
from convstore.files.policies import HAS_STORAGE_SQL, INSTALLED_POLICIES_SQL, compare_policies, policy_statements
from convstore.model import CheckResult
from convstore.saol import agent_execute_ddl

__all__ = ["check_storage_policies", "prepare_storage"]


def prepare_storage(database: Database, files: FileStore) -> None:
    """Make the bucket where it is missing, and put the policies in place.

    Raises
    ------
    DatabaseError
        A policy was refused; nothing was changed then.
    """
    files.prepare()
    if not _has_storage(database):
        return
    result = agent_execute_ddl(database, sql=";\n".join(policy_statements(files.bucket)), confirm=True)
    if not result.success:
        raise DatabaseError(
            result.summary, code=result.code, hint="The login of CONVSTORE_ADMIN_URL must own storage.objects."
        )


def check_storage_policies(database: Database, files: FileStore) -> CheckResult | None:
    """Whether the policies are in place; None where the database holds no Supabase Storage."""
    if not _has_storage(database):
        return None
    with database.admin() as connection:
        rows = connection.execute(INSTALLED_POLICIES_SQL, {"bucket": files.bucket}).fetchall()
    found = compare_policies((row[0], row[1], row[2]) for row in rows)
    return CheckResult(name=found.name, status=found.status, fact=found.fact, next_action=found.next_action)


def _has_storage(database: Database) -> bool:
    with database.admin() as connection:
        return connection.execute(HAS_STORAGE_SQL).fetchone() == (True,)
