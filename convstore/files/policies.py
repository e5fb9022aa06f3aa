"""Who may reach objects directly in Supabase Storage: the text of the row policies, and how to see that they hold.

Only text: whoever sets a database up runs it, where a schema `storage` exists. convstore itself reads and writes
with the service role, past these policies; they are for people who come with their own token.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from convstore.files.store import StoreFact

__all__ = ["HAS_STORAGE_SQL", "INSTALLED_POLICIES_SQL", "compare_policies", "policy_statements"]

#: True where there is something to protect.
HAS_STORAGE_SQL = "SELECT to_regclass('storage.objects') IS NOT NULL"

#: One row a policy: name, command, whether its text names the bucket `%(bucket)s`. Empty without row security.
INSTALLED_POLICIES_SQL = """
SELECT p.policyname::text, p.cmd, position(quote_literal(%(bucket)s) IN concat(p.qual, p.with_check)) > 0
FROM pg_policies AS p
JOIN pg_class AS c ON c.oid = to_regclass('storage.objects') AND c.relrowsecurity
WHERE p.schemaname = 'storage' AND p.tablename = 'objects'
"""

# Supabase has it enabled, and owns the table: an ALTER that changes nothing would be refused there.
ENABLE_ROW_SECURITY = """DO $$ BEGIN
    IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = 'storage.objects'::regclass) THEN
        ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
    END IF;
END $$"""

OWN_FOLDER = "(storage.foldername(name))[1] = (SELECT auth.uid())::text"

# The row's id is the key's second folder. CASE keeps a name that is no uuid from reaching the cast, and the cast
# keeps the comparison on the primary key. `objects.name`, because conversations might get a name of its own.
MEMBERS_FOLDER = """EXISTS (
    SELECT FROM public.conversations AS c
    WHERE c.id = CASE
            WHEN (storage.foldername(objects.name))[2] ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN (storage.foldername(objects.name))[2]::uuid
        END
        AND c.workspace_id IN (SELECT convstore.my_workspaces('viewer'))
)"""


@dataclass(frozen=True, slots=True)
class _Policy:
    name: str
    command: Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
    rule: str


POLICIES = (
    _Policy("Users can upload to own folder", "INSERT", OWN_FOLDER),
    _Policy("Users can read from own folder", "SELECT", OWN_FOLDER),
    _Policy("Users can update own files", "UPDATE", OWN_FOLDER),
    _Policy("Users can delete own files", "DELETE", OWN_FOLDER),
    _Policy("Members can read files of their workspaces", "SELECT", MEMBERS_FOLDER),
)


def policy_statements(bucket: str) -> tuple[str, ...]:
    """Statements that put the policies in place, and again in place of older ones of the same names."""
    literal = "'" + bucket.replace("'", "''") + "'"
    statements = [ENABLE_ROW_SECURITY]
    for policy in POLICIES:
        rule = f"(bucket_id = {literal} AND {policy.rule})"
        using = "" if policy.command == "INSERT" else f" USING {rule}"
        check = f" WITH CHECK {rule}" if policy.command in ("INSERT", "UPDATE") else ""
        statements += [
            f'DROP POLICY IF EXISTS "{policy.name}" ON storage.objects',
            f'CREATE POLICY "{policy.name}" ON storage.objects FOR {policy.command} TO authenticated{using}{check}',
        ]
    return tuple(statements)


def compare_policies(installed: Iterable[tuple[str, str, bool]]) -> StoreFact:
    """What the rows of `INSTALLED_POLICIES_SQL` say, for `convstore doctor`."""
    found = set(installed)
    missing = [policy.name for policy in POLICIES if (policy.name, policy.command, True) not in found]
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        return StoreFact("storage policies", "fail", f"missing on storage.objects: {names}", "Run `convstore init`.")
    return StoreFact("storage policies", "ok", f"{len(POLICIES)} policies on storage.objects")
