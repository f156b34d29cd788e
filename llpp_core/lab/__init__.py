"""The lab: choose what is trained, train it in the background of a notebook, and watch what becomes of it."""

from llpp_core.lab.choices import Choices
from llpp_core.lab.panel import Lab
from llpp_core.lab.session import Session

__all__ = ["Choices", "Lab", "Session"]
