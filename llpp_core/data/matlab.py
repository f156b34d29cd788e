"""One variable of a MATLAB file, or one clear sentence that says why there is none."""

from pathlib import Path
from typing import Any

from scipy.io import loadmat


def read_variable(file: str | Path, name: str, **options: Any) -> Any:
    """Return a variable of a MATLAB file of version 4 to 7.

    Args:
        file: the file.
        name: of the variable.
        options: of `scipy.io.loadmat`.

    Raises:
        ValueError: there is no such file, it is none of MATLAB's that can be read, or it lacks the variable.
    """
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"wanted the MATLAB file {path}, which is {'a folder' if path.is_dir() else 'not there'}")
    try:
        found = loadmat(path, **options)
    except Exception as error:  # a broken file leads SciPy into errors of every kind, IndexError and NameError too
        raise ValueError(f"{path} is no MATLAB file that can be read: {error}") from error
    if name not in found:
        others = ", ".join(key for key in found if not key.startswith("__")) or "none"
        raise ValueError(f"{path} has no variable {name!r}; the variables it has: {others}")
    return found[name]
