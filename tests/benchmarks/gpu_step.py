"""What a training step of the paper's model costs on a GPU: images a second, utilization, and where the time goes.

    PYTHONPATH=. python tests/benchmarks/gpu_step.py book/results/gpu_step.json

Of what the package needs it leaves out whatever makes books: no pytest, plotly, papermill or anywidget. It takes
some 5 GiB of the GPU's memory (12,000 crops lie there whole, as many as LSP and LSPET have) and a few minutes, most of
them `torch.compile`'s. The aim on an H100 is 1,500 images a second at 256 × 256 pixels with two stacks of 256 channels,
and random views and heatmaps in under 5 % of a step. Each way is written to the file as soon as it is measured, so an
interrupted run keeps what it has. ``--device cpu --size 64 --channels 8 --images 64`` tries it without a GPU.
"""

import argparse
import json
import platform
import subprocess
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch

from llpp_core import heads as heads_of
from llpp_core import store, training
from llpp_core.data import render_figures
from llpp_core.data.pose import concatenate
from llpp_core.experiment import device
from llpp_core.models import StackedHourglass, seeded

DRAWN = 512
"""Figures drawn; the data set repeats them."""
WAYS = {
    "float32 (TF32 where the GPU has it)": {},
    "bfloat16": {"bfloat16": True},
    "bfloat16, channels first": {"bfloat16": True, "channels_last": False},
    "bfloat16, compiled": {"bfloat16": True, "compile": True},
}


def measured(way: str, data, options: argparse.Namespace) -> dict:
    """Return the profile of a step without predictors, and with four side by side."""
    with seeded(0):
        model = StackedHourglass(data.joints.shape[1], options.stacks, options.channels)
    config = training.TrainingConfig(batch_size=options.batch_size, device=options.device, **WAYS[way])
    result = {}
    paper, more = (heads_of.paper_heads(model, options.size, seed=seed) for seed in (0, 1))
    four = paper | {"LL++conv, other weights": more["LL++conv"]}
    for name, heads in {"no predictor": {}, "four predictors": four}.items():
        start = time.perf_counter()
        profile = training.profile_step(model, heads, data, config, steps=options.steps)
        views = profile.parts["random views"] + profile.parts["heatmaps"]
        result[name] = {
            "images_per_second": profile.images_per_second,
            "utilization": profile.utilization,
            "share_of_views_and_heatmaps": views / sum(profile.parts.values()),
            **asdict(profile),
            "minutes_to_measure": (time.perf_counter() - start) / 60,
        }
        print(f"{way}, {name}: {profile.images_per_second:,.0f} images a second, {profile.utilization:.1%}", flush=True)
    return result


def commit() -> str:
    """Return the commit that is measured, or what is known of it where there is no git."""
    try:
        return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main() -> None:
    """Measure every way and write the record."""
    parser = argparse.ArgumentParser(description="Measure a training step of the paper's model on a GPU.")
    parser.add_argument("record", type=Path, help="JSON file to write")
    parser.add_argument("--device", default="cuda")
    for name, value in {"size": 256, "stacks": 2, "channels": 256, "images": 12_000, "steps": 30}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    device(options.device)  # refused here, before anything is drawn, where there is none
    drawn = render_figures(min(DRAWN, options.images), 0, size=options.size)
    times = -(-options.images // DRAWN)
    copies = [replace(drawn, ids=tuple(f"{name} ({i})" for name in drawn.ids)) for i in range(times)]
    data = concatenate("rendered figures, repeated", copies)
    torch.backends.cudnn.benchmark = True  # all shapes stay as they are
    cuda = options.device.startswith("cuda")
    record = {
        "device": torch.cuda.get_device_name(options.device) if cuda else "CPU",
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        },
        "seed": 0,
        "settings": {name: value for name, value in vars(options).items() if name != "record"},
        "ways": {},
    }
    for way in options.ways:
        record["ways"][way] = measured(way, data, options)
        if cuda:
            record["ways"][way]["peak_memory_gib"] = torch.cuda.max_memory_allocated(options.device) / 2**30
            torch.cuda.reset_peak_memory_stats(options.device)
        with store.written_whole(options.record) as part:
            part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
