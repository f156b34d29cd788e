"""Values that a caller checks by itself later: shapes are refused all the same, and checks come back."""

import pytest
import torch

from llpp_core import losses

NAN = torch.tensor([1.0, float("nan")])
FINE = torch.tensor([1.0, 2.0])


@pytest.mark.parametrize("loss", [losses.learning_loss, losses.learning_loss_pp, losses.learning_loss_pp_batch])
def test_values_are_unchecked_inside_alone(loss) -> None:
    with losses.unchecked():
        assert not bool(torch.isfinite(loss(NAN, FINE)))
        torch.testing.assert_close(loss(FINE, FINE), loss(FINE, FINE))
        with pytest.raises(ValueError, match="one shape"):
            loss(FINE, FINE[:, None])
    with pytest.raises(ValueError, match=r"predicted_loss must be finite; it is not at position 1"):
        loss(NAN, FINE)


def test_checks_come_back_after_an_error() -> None:
    with pytest.raises(KeyError), losses.unchecked():
        raise KeyError
    with pytest.raises(ValueError, match="must be finite"):
        losses.learning_loss_pp(NAN, FINE)
