"""A process that uses the embedded server: `client.py HOME [SQL]` says where it is, runs SQL, waits for its stdin."""

import json
import sys
import time
from pathlib import Path

import psycopg

from convstore.database.embedded import open_server
from convstore.errors import ConvstoreError

began = time.monotonic()
try:
    server = open_server(Path(sys.argv[1]))
except ConvstoreError as error:
    sys.stdout.write(json.dumps(error.as_dict(), default=str))
    sys.exit(error.exit_status)
with server, psycopg.connect(server.admin_url) as connection:
    answer = [connection.execute(statement).fetchone() for statement in sys.argv[2:]]
    connection.commit()
    took_s = time.monotonic() - began
    said = {"url": server.admin_url, "version": server.version, "answer": answer, "took_s": took_s}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
