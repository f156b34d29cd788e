"""What a training step of the paper's model costs on a GPU: images a second, utilization, and where the time goes.

    python tests/benchmarks/gpu_step.py gpu_step.json

It needs torch and the package, nothing else: no pytest, no plotly. The aim on an H100 is 1,500 images a second at
256 × 256 pixels with two stacks of 256 channels. Each way is written to the file as soon as it is measured, so an
interrupted run keeps what it has. ``--device cpu --size 64 --channels 8 --images 64`` tries it without a GPU.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import torch

from llpp_core import heads as heads_of
from llpp_core import store, training
from llpp_core.data import render_figures
from llpp_core.models import StackedHourglass, seeded

WAYS = {
    "float32": {},
    "bfloat16": {"bfloat16": True},
    "bfloat16, channels last": {"bfloat16": True, "channels_last": True},
    "bfloat16, channels last, compiled": {"bfloat16": True, "channels_last": True, "compile": True},
}


def measured(way: str, data, options: argparse.Namespace) -> dict:
    """Return the profile of a step with the paper's three predictors, and without any."""
    with seeded(0):
        model = StackedHourglass(data.joints.shape[1], options.stacks, options.channels)
    config = training.TrainingConfig(batch_size=options.batch_size, device=options.device, **WAYS[way])
    result = {}
    for name, heads in {"alone": {}, "three predictors": heads_of.paper_heads(model, options.size)}.items():
        start = time.perf_counter()
        profile = training.profile_step(model, heads, data, config, steps=options.steps)
        result[name] = {
            "images_per_second": profile.images_per_second,
            "utilization": profile.utilization,
            **asdict(profile),
            "minutes_to_measure": (time.perf_counter() - start) / 60,
        }
        print(f"{way}, {name}: {profile.images_per_second:,.0f} images a second, {profile.utilization:.1%}", flush=True)
    return result


def main() -> None:
    """Measure every way and write the record."""
    parser = argparse.ArgumentParser(description="Measure a training step of the paper's model on a GPU.")
    parser.add_argument("record", type=Path, help="JSON file to write")
    parser.add_argument("--device", default="cuda")
    for name, value in {"size": 256, "stacks": 2, "channels": 256, "images": 2048, "steps": 30}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    data = render_figures(options.images, 0, size=options.size)
    cuda = options.device.startswith("cuda")
    record = {
        "device": torch.cuda.get_device_name(options.device) if cuda else "CPU",
        "torch": torch.__version__,
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
