"""``llpp train``: a task model with its predictors, as one file for ``llpp score``."""

from pathlib import Path
from typing import Annotated

import typer

from llpp_core.cli.app import answered, app, say, show_json, told_to_end


@app.command()
def train(
    config: Annotated[str, typer.Argument(help="A TOML file, or a configuration of the package by its name.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The model file to write.")] = Path(
        "model.safetensors"
    ),
    data: Annotated[
        str, typer.Option(help="Folder of the data, with lsp/ and lspet/, or mpii/; auto: what LLPP_DATA names.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of everything random.", min=0)] = 0,
    epochs: Annotated[int | None, typer.Option(help="Instead of the configuration's.", min=1)] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a model that is there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was measured as JSON.")] = False,
) -> None:
    """Train the base model of a configuration with all of its predictors, on what is labeled at first.

    The package brings configurations, figures, lsp_lspet_small, lsp_lspet and mpii among them; the first two train in a
    minute or two on two cores, and fewer --epochs take less. Beside the output a checkpoint is kept while training
    lasts: after Ctrl-C the same command goes on. Exit codes: 0 done; 1 the machine failed; 2 wrong usage or input;
    3 stopped.
    """
    with answered(resumed=True), told_to_end() as ended:
        from dataclasses import replace

        from llpp_core import experiment, training

        if output.is_dir():
            raise ValueError(f"wanted a file to write the model to, got {output}, which is a folder")
        checkpoint = output.with_name(f"{output.name}.checkpoint")
        if output.exists() and not checkpoint.exists() and not overwrite:
            raise ValueError(f"{output} is there already: name another file, or say --overwrite")
        plan = experiment.load_experiment(config)
        if epochs is not None:
            plan = replace(plan, training=replace(plan.training, epochs=epochs))
        where = experiment.device(device)
        splits = experiment.planned_splits(plan.data, seed, data=data)
        trained = experiment.build(plan, splits.train.joint_names, seed=seed)
        settings = replace(plan.training, seed=seed, device=where)
        try:
            training.train(
                trained.model, trained.heads, splits.train, settings, checkpoint=checkpoint, checkpoint_seconds=20.0,
                stop=ended.is_set,
            )  # fmt: skip
        except training.BadCheckpointError as error:
            raise ValueError(f"{error}; delete {checkpoint} to begin anew") from error
        except training.Stopped as stopped:
            raise KeyboardInterrupt from stopped
        scores = training.score(
            trained.model, trained.heads, splits.test, sigma=settings.sigma, device=where, bfloat16=settings.bfloat16
        )
        rows = experiment.of_split("test", splits.test, scores)
        experiment.save_trained(output, trained)
        checkpoint.unlink(missing_ok=True)
    if as_json:
        show_json(
            {
                "model": str(output),
                "test": [dict(zip(("of", "metric", "value", "n"), r[1:], strict=True)) for r in rows],
            }
        )
        return
    for _, of, metric, value, n in rows:
        print(f"{of or 'task model':20} {metric:32} {value:8.3f}  ({n:,} samples)")
    say(f"wrote {output}")
