"""What stands between the network and every application that is served: ids, log lines, headers, host names.

requests   gives each request its id, logs one line when it ends, and turns a fault into an answer
headers    what a browser may do with an answer
guarding   all of it around one application
"""

from convstore.middleware.guarding import PROBES, guarded
from convstore.middleware.headers import API_POLICY, SecurityHeaders

__all__ = ["API_POLICY", "PROBES", "SecurityHeaders", "guarded"]
