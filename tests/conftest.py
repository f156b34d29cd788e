"""Two cores at most, and a way past the type checks that only the tests run."""

from collections.abc import Iterator

import jaxtyping
import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture
def as_users_run_it() -> Iterator[None]:
    """Turn off the checks of tensor types, so that a wrong argument meets the error a user would meet."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
