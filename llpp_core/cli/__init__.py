"""The command line ``llpp``: one file a command; heavy libraries are imported when a command starts its work."""

from llpp_core.cli import check, pack, report, reproduce, run, score, train
from llpp_core.cli.app import app

__all__ = ["app", "check", "pack", "report", "reproduce", "run", "score", "train"]
