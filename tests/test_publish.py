"""The workflow that publishes the book: it runs what the README names, and may do no more than it must."""

import re
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="module")
def workflow(root) -> dict[str, Any]:
    return yaml.safe_load((root / ".github" / "workflows" / "book.yml").read_text())


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_it_builds_and_tests_with_the_commands_of_the_readme_and_the_browser_from_apt(root, workflow):
    commands = [step["run"] for step in workflow["jobs"]["build"]["steps"] if "run" in step]
    readme = (root / "README.md").read_text()
    made = [command for command in commands if command.startswith("make ")]
    assert made == ["make book", "make test"]
    assert all(re.search(rf"^{command} ", readme, flags=re.MULTILINE) for command in made)
    (installed,) = (command for command in commands if "apt-get" in command)
    assert " chromium " in installed
    assert len(commands) == len(made) + 2, "and git's leave to answer; nothing else is needed"


def test_it_publishes_only_what_was_tested_on_main(workflow):
    publish = workflow["jobs"]["publish"]
    assert publish["needs"] == "build"
    names = [step.get("run") or step["uses"].split("@")[0] for step in workflow["jobs"]["build"]["steps"]]
    assert names.index("make test") < names.index("actions/upload-pages-artifact")
    (upload,) = (step for step in steps(workflow) if "upload-pages-artifact" in step.get("uses", ""))
    assert upload["with"]["path"] == "book/_build/html"
    for guarded in (publish, upload):
        assert "github.ref == 'refs/heads/main'" in guarded["if"]
        assert "github.event_name != 'pull_request'" in guarded["if"]


def test_it_may_write_nothing_but_the_pages(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["jobs"]["build"]
    assert workflow["jobs"]["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert "pull_request_target" not in workflow[True], "which YAML makes of the key `on`"
    assert "secrets." not in str(workflow)


def test_its_actions_are_of_a_named_major_version_and_by_github(workflow):
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert len(used) == 3
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", one) for one in used)
