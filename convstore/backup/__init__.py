"""A whole store as one file, and back: what pg_dump writes, and every object of the file store. Knows no person."""

from convstore.backup.archive import check_backup
from convstore.backup.manifest import Manifest
from convstore.backup.restoring import RestoreReport, restore
from convstore.backup.saving import BackupReport, back_up

__all__ = ["BackupReport", "Manifest", "RestoreReport", "back_up", "check_backup", "restore"]
