"""An executed notebook made fit to be recorded: every output that holds a picture is replaced by a line that says so.

    python book/without_images.py EXECUTED.ipynb RECORDED.ipynb

Pictures may show LSP, LSPET or MPII, whose images are never committed; this cannot tell, so all of them go. Tables,
texts and the data of figures stay.
"""

import json
import sys
from pathlib import Path
from typing import Any

NOTE = "A picture stood here. Recorded notebooks hold none, because the data sets' images are not to be passed on."
SIGNS = ("data:image", "<img", "<svg", "<canvas")
"""What an output with a picture in its HTML holds. Figures that plotly draws are data, and stay."""


def without_images(notebook: dict[str, Any]) -> int:
    """Replace outputs with pictures, in place, and return how many there were."""
    replaced = 0
    for cell in notebook["cells"]:
        for at, output in enumerate(cell.get("outputs", [])):
            if _shows_picture(output.get("data", {})):
                cell["outputs"][at] = {"output_type": "stream", "name": "stdout", "text": [NOTE + "\n"]}
                replaced += 1
        replaced += len(cell.pop("attachments", {}))
    notebook["metadata"].pop("widgets", None)
    return replaced


def _shows_picture(data: dict[str, Any]) -> bool:
    if any(kind.startswith(("image/", "application/vnd.jupyter.widget")) for kind in data):
        return True
    texts = ["".join(value) if isinstance(value, list) else json.dumps(value) for value in data.values()]
    return any(sign in text for text in texts for sign in SIGNS)


def main() -> None:
    """Do it for the files that the command line names."""
    if len(sys.argv) != 3:
        sys.exit("wanted two files: the executed notebook, and where the recorded one goes")
    source, target = map(Path, sys.argv[1:])
    try:
        notebook = json.loads(source.read_text(encoding="utf-8"))
        replaced = without_images(notebook)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"wanted an executed notebook, got {source}: {error}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{target}: {replaced} pictures left out, {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
