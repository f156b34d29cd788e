"""A loss predictor beside any torch regressor, read from layers that are named.

Beyond the paper, whose task model hands its features over: for models that cannot be changed.
"""

from llpp_core.attach.attached import Attached, Scored, attach
from llpp_core.attach.checking import Check, check, table
from llpp_core.attach.loop import squared_error, train

__all__ = ["Attached", "Check", "Scored", "attach", "check", "squared_error", "table", "train"]
