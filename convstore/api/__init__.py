"""HTTP: the same use cases as the command line, for pipelines. Mounted beside the app, or served alone."""

from convstore.api.application import create_api, serve_api

__all__ = ["create_api", "serve_api"]
