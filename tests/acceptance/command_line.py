"""The command line as its users have it: what is printed where, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from convstore.settings import Settings

__all__ = ["CommandLine", "Done"]

_PROGRAM = "from convstore.cli import main; main()"


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document; fails if there is anything else on stdout."""
        return json.loads(self.out)


class CommandLine:
    """Runs convstore in processes of their own, on one store."""

    def __init__(self, settings: Settings) -> None:
        assert settings.database_url is not None
        assert settings.admin_url is not None
        self.environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "CONVSTORE_HOME": str(settings.home),
            "CONVSTORE_DATABASE_URL": settings.database_url.get_secret_value(),
            "CONVSTORE_ADMIN_URL": settings.admin_url.get_secret_value(),
        }

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, **environment: str) -> Done:
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=100)
        assert "Traceback" not in err, err
        return Done(process.returncode, out, err)
