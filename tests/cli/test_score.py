"""`llpp score`: the ranking, the table and the page; what is left out is named, and the rest goes on."""

import csv
import json
import os
import re
import subprocess
import sys
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from llpp_core import experiment, training
from llpp_core.cli import app
from llpp_core.data import crops, load_images, render_figures
from llpp_core.experiment import ranking
from llpp_core.experiment.trained import Trained

CONFIG = {
    "name": "tiny",
    "data": {"kind": "figures", "size": 64, "train": 32, "test": 8, "pool": 20},
    "model": {"stacks": 1, "channels": 16},
    "training": {"epochs": 1},
    "predictors": {
        "LL": {"module": "pooled", "objective": "learning_loss"},
        "LL++": {"module": "pooled", "objective": "learning_loss_pp"},
    },
    "methods": {"random": {"strategy": "random"}},
    "stages": 1,
    "budget": 5,
}
N = 12


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = experiment.Experiment.from_mapping(CONFIG)
    data = render_figures(32, 0, size=64)
    trained = experiment.build(plan, data.joint_names, seed=0)
    training.train(trained.model, trained.heads, data, plan.training, progress=False)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    experiment.save_trained(path, trained)
    return path


@pytest.fixture(scope="module")
def loaded(model: Path) -> Trained:
    return experiment.load_trained(model)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of twelve figures, the working folder being the one around it."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, image in enumerate(render_figures(N, 5, size=80).images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"p{i:02d}.png")
    monkeypatch.chdir(tmp_path)
    return folder


def score(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def table(path: str | Path = "next.csv") -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected(loaded: Trained, files: list[str], boxes: torch.Tensor | None = None, name: str = "LL++") -> list[float]:
    """Predicted losses by the plain way: all crops at once."""
    data = load_images(files, boxes, size=64, progress=False)
    return training.score(loaded.model, loaded.heads, data, progress=False).predicted_loss[name].tolist()


def test_images_are_ranked_highest_predicted_loss_first(model: Path, loaded: Trained, photos: Path) -> None:
    done = score(model, "photos")
    assert done.exit_code == 0, done.stderr
    files = [f"photos/p{i:02d}.png" for i in range(N)]
    losses = expected(loaded, files)
    best = sorted(range(N), key=lambda i: -losses[i])
    rows = table()
    assert list(rows[0]) == ["rank", "image", "predicted_loss"]
    assert [row["image"] for row in rows] == [files[i] for i in best]
    assert [row["rank"] for row in rows] == [str(i) for i in range(1, N + 1)]
    assert [float(row["predicted_loss"]) for row in rows] == pytest.approx([losses[i] for i in best], abs=1e-5)
    assert len(set(losses)) == N
    assert "12 image files found" in done.stderr
    assert "ranking by LL++, one of LL, LL++" in done.stderr
    assert done.stdout == ""


def test_the_predictor_can_be_chosen(model: Path, loaded: Trained, photos: Path) -> None:
    assert score(model, "photos", "--predictor", "LL", "--top", "3").exit_code == 0
    losses = expected(loaded, [f"photos/p{i:02d}.png" for i in range(N)], name="LL")
    assert [float(row["predicted_loss"]) for row in table()] == pytest.approx(sorted(losses)[:-4:-1], abs=1e-5)
    assert "compares images only" in Path("next.html").read_text()
    wrong = score(model, "photos", "--predictor", "LL+")
    assert wrong.exit_code == 2
    assert "the model has the predictors LL, LL++; got 'LL+'" in wrong.stderr


@pytest.mark.parametrize(("chunk", "top", "shown"), [(1, 5, 5), (4, 5, 3), (5, 100, 4), (128, 100, 500)])
def test_chunks_change_nothing(
    loaded: Trained, photos: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, top: int, shown: int
) -> None:
    from llpp_core.data.candidates import whole

    files = [f"photos/p{i:02d}.png" for i in range(N)]
    losses = expected(loaded, files)
    best = sorted(range(N), key=lambda i: -losses[i])[:top]
    monkeypatch.setattr(ranking, "CHUNK", chunk)
    sizes = []
    scoring = training.score
    monkeypatch.setattr(ranking, "score", lambda *a, **k: sizes.append(len(a[2])) or scoring(*a, **k))
    found = ranking.ranked(loaded, whole(files), top=top, shown=shown, progress=False)
    assert max(sizes) == min(chunk, N)
    assert [c.image for c in found.candidates] == [files[i] for i in best]
    assert found.predicted_loss.tolist() == pytest.approx([losses[i] for i in best], abs=1e-5)
    data = load_images(files, size=64, progress=False)
    scores = scoring(loaded.model, loaded.heads, data, progress=False)
    assert found.shown is not None
    assert found.shown.ids == tuple(files[i] for i in best[:shown])
    assert torch.equal(found.shown.images, data.images[best[:shown]])
    assert torch.allclose(found.joints, scores.joints[best[:shown]], atol=1e-3)
    assert (found.scored, found.images) == (N, N)


def test_equal_losses_stay_in_the_order_given(loaded: Trained, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llpp_core.data.candidates import whole

    def level(*arguments: object, **_: object) -> training.Scores:
        n = len(arguments[2])
        return training.Scores(torch.zeros(n, 14, 2), torch.zeros(n), {"LL++": torch.full((n,), 0.5)})

    files = [f"photos/p{i:02d}.png" for i in (4, 2, 9, 0, 7, 11, 3)]
    monkeypatch.setattr(ranking, "CHUNK", 2)
    monkeypatch.setattr(ranking, "score", level)
    found = ranking.ranked(loaded, whole(files), top=6, shown=3, progress=False)
    assert [c.image for c in found.candidates] == files[:6]
    assert found.shown is not None
    assert found.shown.ids == tuple(files[:3])


def write_boxes(path: Path, *rows: str, head: str = "image,left,top,width,height") -> Path:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_box_is_cut_as_in_training_and_an_image_may_have_several(model: Path, loaded: Trained, photos: Path) -> None:
    boxes = write_boxes(
        photos / "boxes.csv",
        "p01.png,10,20,20,40,x", "p01.png,30.5,5,30,16,y", "p03.png,-6,0,40,40,z",
        head="image,left,top,width,height,who",
    )  # fmt: skip
    done = score(model, "photos", "--boxes", boxes)
    assert done.exit_code == 0, done.stderr
    # Pixels 10 to 29 and 20 to 59: their middle is at 19.5, 39.5.
    squares = torch.tensor([[19.5, 39.5, 60.0], [45.0, 12.5, 45.0], [13.5, 19.5, 60.0]], dtype=torch.float64)
    assert crops.CONTEXT == 1.5  # as --help says
    losses = expected(loaded, ["photos/p01.png", "photos/p01.png", "photos/p03.png"], squares)
    rows = {(row["image"], row["left"]): row for row in table()}
    assert list(table()[0]) == ["rank", "image", "left", "top", "width", "height", "predicted_loss"]
    wanted = [("photos/p01.png", "10"), ("photos/p01.png", "30.5"), ("photos/p03.png", "-6")]
    assert set(rows) == set(wanted)
    assert [float(rows[key]["predicted_loss"]) for key in wanted] == pytest.approx(losses, abs=1e-5)
    assert "3 boxes in 2 of them" in done.stderr
    assert "3 crops of 2 images" in Path("next.html").read_text()
    assert "photos/p01.png, 20 × 40 at (10, 20)" in Path("next.html").read_text()


def test_a_table_that_was_written_can_be_read_as_boxes(model: Path, photos: Path) -> None:
    boxes = write_boxes(Path("b.csv"), "p01.png,10,20,20,40", "p02.png,10,20,20,40")
    assert score(model, "photos", "--boxes", boxes, "-o", "out/first.csv").exit_code == 0
    assert score(model, "photos", "--boxes", "out/first.csv", "-o", "second.csv").exit_code == 0
    assert table("second.csv") == table("out/first.csv")


BAD_ROWS = {
    "p00.png,ten,20,20,40": "left must be a number, got 'ten'",
    "p01.png,1,2,3": "height must be a number, got 'nothing'",
    "p02.png,1,nan,3,4": "top must be finite, got nan",
    "p03.png,1,2,0,4": "width and height must be above 0, got 0 and 4",
    "p04.png,1,2,3,-4": "width and height must be above 0, got 3 and -4",
    "p05.png,80,2,3,4": "its box, from (80, 2) to (83, 6), lies outside of the image's 80×80 pixels",
    "p06.png,1,-9,3,9": "its box, from (1, -9) to (4, 0), lies outside of the image's 80×80 pixels",
    "p07.png,1,1,9000,9000": "at most 8,192 pixels",
    "nobody.png,1,2,3,4": "its image is not among the images given",
    ",1,2,3,4": "it names no image",
}


def test_bad_rows_are_named_by_line_and_left_out(model: Path, photos: Path) -> None:
    boxes = write_boxes(photos / "boxes.csv", "p11.png,1,2,60,60", *BAD_ROWS, "p10.png,79,79,5,5")
    done = score(model, "photos", "--boxes", boxes, "--json")
    assert done.exit_code == 2
    assert {row["image"] for row in table()} == {"photos/p10.png", "photos/p11.png"}
    skipped = json.loads(done.stdout)["skipped"]
    assert len(skipped) == len(BAD_ROWS)
    by_line = {int(re.search(r"line (\d+) of boxes.csv", one["why"])[1]): one["why"] for one in skipped}
    for line, (row, why) in enumerate(BAD_ROWS.items(), start=3):
        assert why in by_line[line], row
    assert done.stderr.count("left out: ") == len(BAD_ROWS)
    assert f"{len(BAD_ROWS)} could not be used and were left out" in done.stderr


def test_an_image_that_may_be_one_of_two_is_left_out(model: Path, photos: Path) -> None:
    (photos / "in").mkdir()
    (photos / "p00.png").rename(photos / "in" / "p01.png")
    boxes = write_boxes(Path("b.csv"), "p01.png,1,2,60,60", "photos/p01.png,1,2,60,60")
    done = score(model, "photos", "photos/in", "--boxes", boxes)
    assert done.exit_code == 2
    assert "line 2 of b.csv: its image may be any of photos/in/p01.png, photos/p01.png" in done.stderr
    assert [row["image"] for row in table()] == ["photos/p01.png"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"image,left,top,width\n", "has no column height"),
        (b"image;left;top;width;height\n", "set apart by commas, got image;left"),
        (b"", "has no column image, left, top, width, height"),
        (b"image,left,top,width,height\n\xff.png,1,2,3,4\n", "is no CSV file in UTF-8"),
    ],
)
def test_a_table_of_boxes_that_is_none_ends_it(model: Path, photos: Path, content: bytes, why: str) -> None:
    Path("b.csv").write_bytes(content)
    done = score(model, "photos", "--boxes", "b.csv")
    assert done.exit_code == 2
    assert why in done.stderr
    assert not Path("next.csv").exists()
    assert "is not there" in score(model, "photos", "--boxes", "no.csv").stderr


def test_a_byte_order_mark_and_spaces_do_no_harm(model: Path, photos: Path) -> None:
    Path("b.csv").write_bytes("\ufeffimage, left , top, width, height\np01.png, 1, 2, 60, 60\n\n".encode())
    assert score(model, "photos", "--boxes", "b.csv").exit_code == 0
    assert [row["image"] for row in table()] == ["photos/p01.png"]


def test_broken_images_are_named_and_the_rest_is_scored(model: Path, photos: Path) -> None:
    whole = (photos / "p00.png").read_bytes()
    (photos / "p00.png").write_bytes(whole[: len(whole) // 2])
    (photos / "p01.png").write_text("no picture")
    (photos / "p02.png").write_bytes(b"")
    done = score(model, "photos", "photos/missing.png", "--json")
    assert done.exit_code == 2
    assert len(table()) == N - 3
    assert not {"photos/p00.png", "photos/p01.png", "photos/p02.png"} & {row["image"] for row in table()}
    result = json.loads(done.stdout)
    skipped = {one["image"]: one["why"] for one in result["skipped"]}
    assert set(skipped) == {"photos/p00.png", "photos/p01.png", "photos/p02.png", "photos/missing.png"}
    assert skipped["photos/missing.png"] == "it is not there"
    assert skipped["photos/p02.png"] == "it is no image that can be read whole: it is empty"
    assert skipped["photos/p00.png"].startswith("it is no image that can be read whole: ")
    for name in skipped:
        assert f"left out: {name}: " in done.stderr
    assert "4 could not be used and were left out" in done.stderr
    assert "4 could not be used and were left out" in Path("next.html").read_text()


def test_with_nothing_left_nothing_is_written(model: Path, photos: Path) -> None:
    (photos / "p00.png").write_text("no picture")
    Path("next.csv").write_text("as it was")
    done = score(model, "photos/p00.png", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["next"] == []
    assert "nothing is written" in done.stderr
    assert Path("next.csv").read_text() == "as it was"
    assert not Path("next.html").exists()
    Path("empty").mkdir()
    assert "this folder holds no image file" in score(model, "empty").stderr
    none = write_boxes(Path("none.csv"))
    assert score(model, "photos/p01.png", "--boxes", none).exit_code == 2


def test_json_says_what_was_written(model: Path, photos: Path) -> None:
    done = score(model, "photos", "--top", "2", "--json")
    result = json.loads(done.stdout)
    assert {k: result[k] for k in ("model", "predictor", "images", "crops", "skipped")} == {
        "model": str(model), "predictor": "LL++", "images": N, "crops": N, "skipped": [],
    }  # fmt: skip
    rows = table()
    assert [one["image"] for one in result["next"]] == [row["image"] for row in rows]
    assert [one["rank"] for one in result["next"]] == [1, 2]
    assert [one["predicted_loss"] for one in result["next"]] == pytest.approx(
        [float(row["predicted_loss"]) for row in rows]
    )


def test_folders_are_looked_into_sorted_once_and_without_what_is_hidden(model: Path, photos: Path) -> None:
    from llpp_core.data.candidates import find_images

    (photos / "a" / ".thumbs").mkdir(parents=True)
    for place in ("a/deep.JPG", "a/.hidden.png", "a/.thumbs/x.png", "a/notes.txt", "a/no-ending"):
        (photos / place).write_bytes((photos / "p00.png").read_bytes())
    found, left_out = find_images([photos / "p05.png", photos, "photos/p06.png", photos / "a" / "no-ending"])
    names = [os.path.relpath(file, photos) for file in found]
    assert names == ["p05.png", "a/deep.JPG", *(f"p{i:02d}.png" for i in range(N) if i != 5), "a/no-ending"]
    assert left_out == []


def test_a_name_that_is_no_text_is_left_out(model: Path, photos: Path) -> None:
    odd = os.fsencode(photos) + b"/\xff.png"
    with open(odd, "wb") as file:
        file.write((photos / "p00.png").read_bytes())
    done = score(model, "photos", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["skipped"] == [{"image": "photos/\\xff.png", "why": "its name is no text in UTF-8"}]
    assert len(table()) == N


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_every_picture_with_rank_loss_and_name_and_loads_nothing(model: Path, photos: Path) -> None:
    evil = photos / 'a"><script>alert(1)<b>&amp;.png'.replace("/", "_")
    (photos / "p00.png").rename(evil)
    assert score(model, "photos", "--top", "20").exit_code == 0
    text = Path("next.html").read_text(encoding="utf-8")
    page = Page(text)
    rows = table()
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert [p["alt"] for p in pictures] == [
        f"Rank {row['rank']}, predicted loss {float(row['predicted_loss']):.3f}: {row['image']}" for row in rows
    ]
    assert all(p["loading"] == "lazy" and p["src"].startswith("data:image/jpeg;base64,") for p in pictures)
    assert "script" not in [tag for tag, _ in page.tags]
    assert any("<script>" in row["image"] for row in rows)
    assert evil.name in page.text
    assert not re.search(r"""(src|href)=["'](?!data:)|url\(|@import|https?://""", text)
    assert len(re.findall(r'<g class="predicted">(<line [^>]*>){13}</g>', text)) == len(rows)
    assert "prefers-color-scheme: dark" in text
    assert "proportional" in page.text
    assert "12 images were ranked" in page.text


def test_the_page_shows_the_first_five_hundred_at_most(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "ranked", partial(ranking.ranked, shown=4))
    done = score(model, "photos")
    assert done.exit_code == 0, done.stderr
    assert len(table()) == N
    text = Path("next.html").read_text()
    assert text.count("<img ") == 4
    assert "Here are the first 4; the table lists 12." in text


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("next.html", "the page is called so"),
        ("photos", "which is a folder"),
        ("boxes.csv", "would destroy boxes.csv"),
        ("photos/p00.png", "would destroy photos/p00.png"),
        ("photos/p00.png/next.csv", "is no folder that may be written to"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_the_work(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, output: str, why: str
) -> None:
    monkeypatch.setattr(ranking, "ranked", lambda *a, **k: pytest.fail("the work began"))
    write_boxes(Path("boxes.csv"), "p00.png,1,2,60,60")
    done = score(model, "photos", "--boxes", "boxes.csv", "-o", output)
    assert done.exit_code == 2
    assert why in done.stderr


def test_wrong_usage_is_exit_code_2(model: Path, photos: Path) -> None:
    for arguments in (
        [model, "photos", "--top", "0"],
        [model],
        ["photos/p00.png", "photos"],
        ["no.safetensors", "photos"],
        [model, "photos", "--device", "abacus"],
    ):
        assert score(*arguments).exit_code == 2, arguments
    assert not Path("next.csv").exists()


def test_ctrl_c_is_exit_code_3_and_nothing_is_written(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ranking, "score", stopped)
    done = score(model, "photos")
    assert done.exit_code == 3
    assert not Path("next.csv").exists()
    assert not Path("next.html").exists()
    assert list(Path().iterdir()) == [Path("photos")]
    assert "begins anew" in done.stderr
    assert "goes on" not in done.stderr


def test_predicted_losses_that_are_not_finite_end_it(model: Path, loaded: Trained, photos: Path) -> None:
    broken = experiment.load_trained(model)
    with torch.no_grad():
        next(broken.heads["LL++"].predictor.parameters()).fill_(np.nan)
    experiment.save_trained("broken.safetensors", broken)
    done = score("broken.safetensors", "photos")
    assert done.exit_code == 2
    assert "LL++ of sample photos/p00.png of candidates is not finite" in done.stderr
    assert not Path("next.csv").exists()


def test_the_command_line_loads_nothing_heavy_until_it_works() -> None:
    code = "import sys, llpp_core.cli; print(*{'torch', 'numpy', 'PIL', 'scipy', 'sympy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_help_names_what_is_needed() -> None:
    text = " ".join(CliRunner().invoke(app, ["score", "--help"]).stdout.split())
    for phrase in (
        "1.5 times",
        "tight round the person",
        "exit code is 2",
        "Example: llpp score",
        "hidden ones are not",
    ):
        assert phrase in text
