"""The reproduction in a few sentences, each with the numbers of the recorded runs that it rests on."""

from llpp_core.analysis import printed
from llpp_core.experiment import Measured
from llpp_core.experiment.measured import less
from llpp_core.report.paired import shown, side
from llpp_core.report.reproduction import BASE


def in_short(results: Measured, *, ours: str, like: str, of: Measured, varied: Measured) -> str:
    """Return a list of what the recorded runs say; verdicts in brackets are about a sentence alone, uncorrected.

    Args:
        results: of a run with the paper's methods.
        ours: a predictor beyond the paper's.
        like: the predictor that it is compared with, of the same run.
        of: the run that has both.
        varied: a run with the regression of the loss itself, "squared".
    """

    def pearson(run: Measured, name: str, split: str = "pool") -> dict[int, float]:
        return run.values("Pearson", split=split, of=name)

    def first(run: Measured, name: str) -> dict[int, float]:
        return run.chosen("PCK@0.2", name, 1)

    reached = shown(results.values("PCK@0.2", split="test"))
    times = "once" if results.choices == 1 else f"{results.choices} times"
    said = [
        f"Base models: PCK@0.2 on LSP's test half {reached}; the aim is {BASE:.2f}. Methods choose {times} here, "
        "where the paper's choose five times."
    ]
    if difference := less(pearson(results, "LL++"), pearson(results, "LL")):
        c = printed.CORRELATION
        said.append(
            "LearningLoss++ less Learning Loss, Pearson's correlation on LSPET: "
            f"{shown(difference, '+.3f')} ({side(difference)}). The paper has {c['LL++'] - c['LL']:+.2f}."
        )
    if found := less(first(results, "LL++"), first(results, "random")):
        among = less(first(results, "LL++"), first(results, "LL"))
        said.append(
            "PCK@0.2 of first choices, where lower is more failures found: LL++ less a random choice "
            f"{shown(found, '+.3f')} ({side(found)}), LL++ less LL {shown(among, '+.3f')} ({side(among)})."
        )
    if gained := less(pearson(of, ours), pearson(of, like)):
        said.append(
            f"Reading the heatmaps too, {ours} less {like}: {shown(gained, '+.3f')} in correlation ({side(gained)}), "
            f"to {shown(pearson(of, ours))}."
        )
    if (entropy := first(results, "entropy")) and (chosen := first(of, ours)):
        said.append(
            "First choices by the entropy of the heatmaps, which needs no training, have a PCK@0.2 of "
            f"{shown(entropy)}, those by {ours} {shown(chosen)}, on other base models of the same plan."
        )
    if squared := less(pearson(varied, "squared", "test"), pearson(varied, "LL", "test")):
        said.append(
            "A plain regression of the loss, on the base models of fewer epochs, Pearson's correlation on LSP's test "
            f"half: {shown(pearson(varied, 'squared', 'test'))}; less that of LL {shown(squared, '+.3f')} "
            f"({side(squared)})."
        )
    return "\n".join(f"- {sentence}" for sentence in said)
