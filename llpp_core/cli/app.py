"""The command line ``llpp``: what its commands share.

Exit codes: 0 done; 1 the machine failed (a full disk, say); 2 wrong usage or input; 3 stopped, with work left.
Results go to standard output, everything else to standard error, so that ``--json`` can be piped.
"""

import json
import math
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

FAILED, WRONG, STOPPED = 1, 2, 3

app = typer.Typer(
    name="llpp",
    help="Loss prediction for active learning: check data, train, run experiments, say what to label next.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
"""What ``llpp`` runs; each command adds itself when its file is imported."""


@contextmanager
def answered(*, resumed: bool = False) -> Iterator[None]:
    """Turn what goes wrong inside into one sentence and an exit code.

    Args:
        resumed: whether the same command goes on where it was interrupted.
    """
    try:
        yield
    except ValueError as error:
        say(str(error))
        raise typer.Exit(WRONG) from error
    except OSError as error:
        at = f": {error.filename}" if error.filename else ""
        say(f"{error.strerror or error}{at}; what was complete stays as it was")
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        say("stopped; the same command goes on from here" if resumed else "stopped")
        raise typer.Exit(STOPPED) from error


@contextmanager
def told_to_end() -> Iterator[threading.Event]:
    """Give an event that SIGTERM sets, which is how machines say that they are about to vanish."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # Python delivers signals there alone
        yield event
        return
    before = signal.signal(signal.SIGTERM, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGTERM, before)


def say(text: str) -> None:
    """Write a line to standard error."""
    print(f"llpp: {text}", file=sys.stderr)


def show_json(values: Mapping[str, Any] | list[Any]) -> None:
    """Write a result to standard output as JSON, with null for what is no finite number."""
    print(json.dumps(_finite(values), indent=1, ensure_ascii=False, allow_nan=False))


def _finite(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values
