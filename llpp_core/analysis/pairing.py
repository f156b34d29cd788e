r"""How much the gradient of a batch varies with the way in which the batch is paired.

Beyond the paper (Shukla & Ahmed, CVPRW 2021, doi 10.1109/CVPRW53098.2021.00370), which does not say how pairs are
drawn. A pair's gradient in w is :math:`h_{ij} = g_{ij}\,(\theta_i - \theta_j)`, g being ∂L/∂l̂_i (Eq. 2 and 4). Over
batches of n independent samples,

* random disjoint pairs ("halves" of a shuffled batch) average n/2 independent terms: variance :math:`2\zeta_2/n`;
* all pairs average all n(n−1)/2: a U-statistic, of variance
  :math:`\frac{2}{n(n-1)}\,[2(n-2)\,\zeta_1 + \zeta_2]` (Hoeffding 1948, doi 10.1214/aoms/1177730196),

with :math:`\zeta_2 = \mathrm{Var}\,h` and :math:`\zeta_1 = \mathrm{Var}\,E[h \mid i]`. Both have the same mean, hence
the same optimum. All pairs are the mean of the halves over every shuffle of the same batch, so by Rao and Blackwell
they never vary more, and :math:`\zeta_2 \ge 2\zeta_1` says the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairVariance:
    """Variances of a pair's gradient over a population, as traces of covariance matrices.

    Attributes:
        zeta_1: of its mean given one of the two samples.
        zeta_2: of the gradient itself.
    """

    zeta_1: float
    zeta_2: float

    def halves(self, n: int) -> float:
        """Return the variance of the gradient over n // 2 disjoint pairs of n independent samples, n ≥ 2."""
        return self.zeta_2 / (_batch(n) // 2)

    def all(self, n: int) -> float:
        """Return the variance of the gradient over all pairs of n independent samples, n ≥ 2."""
        return 2 * (2 * (_batch(n) - 2) * self.zeta_1 + self.zeta_2) / (n * (n - 1))


def pair_variance(
    push: Callable[..., Any], predicted_loss: npt.ArrayLike, true_loss: npt.ArrayLike, embedding: npt.ArrayLike
) -> PairVariance:
    """Return ζ₁ and ζ₂ over a population, every sample of which is as likely as any other at every draw.

    Args:
        push: ∂L/∂l̂_i as a NumPy function of l̂_i, l̂_j, l_i, l_j: ``objective.numpy("predicted_loss_i")``, or one that
            sets further arguments.
        predicted_loss: (samples,) l̂.
        true_loss: (samples,) l > 0.
        embedding: (samples, d) θ.

    Raises:
        ValueError: the three do not have one number of samples, or it is below 2.
    """
    gradients = pair_gradients(push, predicted_loss, true_loss, embedding)
    mean = gradients.mean(axis=(0, 1))
    given_one = gradients.mean(axis=1) - mean
    return PairVariance(
        zeta_1=float((given_one**2).sum(axis=-1).mean()), zeta_2=float(((gradients - mean) ** 2).sum(axis=-1).mean())
    )


def pair_gradients(
    push: Callable[..., Any], predicted_loss: npt.ArrayLike, true_loss: npt.ArrayLike, embedding: npt.ArrayLike
) -> Array:
    """Return the gradient in w of every ordered pair, (samples, samples, d); arguments as in `pair_variance`."""
    predicted, true = np.asarray(predicted_loss, dtype=float), np.asarray(true_loss, dtype=float)
    theta = np.asarray(embedding, dtype=float)
    if not (predicted.shape == true.shape == theta.shape[:1] and theta.ndim == 2 and len(true) >= 2):
        shapes = f"{predicted.shape}, {true.shape} and {theta.shape}"
        raise ValueError(f"wanted (samples,), (samples,) and (samples, d) with at least 2 samples, got {shapes}")
    pushes = np.asarray(push(predicted[:, None], predicted[None], true[:, None], true[None]), dtype=float)
    return pushes[..., None] * (theta[:, None] - theta[None])


def simulated_gradients(
    form: Literal["halves", "all", "at once"],
    push: Callable[..., Any],
    predicted_loss: npt.ArrayLike,
    true_loss: npt.ArrayLike,
    embedding: npt.ArrayLike,
    *,
    n: int,
    batches: int,
    seed: int = 0,
) -> Array:
    """Return the gradient in w of many batches of n samples, drawn from a population with replacement: (batches, d).

    Args:
        form: "halves" takes pairs (i, i + n/2) of a random batch, "all" every pair, both in the mean; "at once" is
            LearningLoss++ over n samples, Σ (q − p) θ, which takes no ``push``.
        push: as in `pair_variance`.
        predicted_loss: (samples,) l̂.
        true_loss: (samples,) l > 0.
        embedding: (samples, d) θ.
        n: an even number.
        batches: how many.
        seed: of the draws; the batches are the same for every form.

    Raises:
        ValueError: as in `pair_variance`; n is odd or below 2, or the form is unknown.
    """
    if n < 2 or n % 2:
        raise ValueError(f"n must be an even number from 2, got {n}")
    gradients = pair_gradients(push, predicted_loss, true_loss, embedding)
    predicted, true = np.asarray(predicted_loss, dtype=float), np.asarray(true_loss, dtype=float)
    theta = np.asarray(embedding, dtype=float)
    drawn = np.random.default_rng(seed).integers(len(true), size=(batches, n))
    if form == "halves":
        return gradients[drawn[:, : n // 2], drawn[:, n // 2 :]].mean(axis=1)
    if form == "all":
        # A pair and its mirror image have the same gradient, and a sample with itself none.
        return np.stack([gradients[np.ix_(b, b)].sum(axis=(0, 1)) for b in drawn]) / (n * (n - 1))
    if form == "at once":
        weights = softmax(predicted[drawn], axis=1) - true[drawn] / true[drawn].sum(axis=1, keepdims=True)
        return np.einsum("bn,bnd->bd", weights, theta[drawn])
    raise ValueError(f'form must be "halves", "all" or "at once", got {form!r}')


def spread(gradients: Array) -> tuple[float, float, float]:
    """Return the variance of gradients (trace of the covariance), its standard error, and the squared mean's size.

    Args:
        gradients: (batches, d), at least 2 of them.
    """
    mean = gradients.mean(axis=0)
    squares = ((gradients - mean) ** 2).sum(axis=1)
    variance = float(squares.sum() / (len(gradients) - 1))
    return variance, float(squares.std() / np.sqrt(len(gradients))), float((mean**2).sum())


def _batch(n: int) -> int:
    if n < 2:
        raise ValueError(f"a batch needs at least 2 samples to hold a pair, got {n}")
    return n
