"""``python -m llpp_core``: the command line ``llpp`` where the package is not installed."""

from llpp_core.cli import app

app(prog_name="llpp")
