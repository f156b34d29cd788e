"""What the record of a benchmark run says of its surroundings, beside what pytest-benchmark notes by itself."""

import ast
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

FOLDER = Path(__file__).parent


@pytest.hookimpl(optionalhook=True)  # `make test` is without the plugin: it warns of two processes
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Add what decides a time: cores, threads, memory, GPU, versions; see `llpp_core.performance.condense`."""
    machine_info["cores"] = os.cpu_count()
    machine_info["threads"] = torch.get_num_threads()
    machine_info["memory_gib"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    machine_info["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    machine_info["versions"] = {name: version(name) for name in ("torch", "numpy", "scipy", "sympy")}
    machine_info["type_checks"] = config.getoption("jaxtyping_packages", None)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, benchmarks: object, output_json: dict[str, Any]) -> None:
    """Add to every benchmark its topic, the file's name, and the first paragraph of what the file says of itself."""
    for one in output_json["benchmarks"]:
        file = FOLDER / Path(one["fullname"].split("::")[0]).name
        said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        one["topic"] = file.stem.removeprefix("bench_").replace("_", " ")
        one["about"] = " ".join(said.split("\n\n")[0].split())
