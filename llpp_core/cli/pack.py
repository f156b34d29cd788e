"""``llpp data pack`` and ``llpp data unpack``: data sets in parcels, for a machine that takes little at a time."""

from pathlib import Path
from typing import Annotated

import typer

from llpp_core.cli.app import STOPPED, answered, say
from llpp_core.cli.check import data


@data.command()
def pack(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The data folder, which holds lsp/ and lspet/.")],
    parcels: Annotated[Path, typer.Argument(metavar="PARCELS", help="Folder to write the parcels to.")],
    most: Annotated[float, typer.Option(help="Largest size of a parcel in MB.", min=1.0)] = 45.0,
) -> None:
    """Write LSP and LSPET as a few tar files, with a list of their hashes beside them.

    Exit codes: 0 done; 1 the machine failed; 2 the data is not whole, or there are parcels already; 3 stopped.
    """
    with answered():
        from llpp_core.data import parcels as of

        for place in of.pack(folder, parcels, most=most):
            print(f"{place}  {place.stat().st_size / 1e6:.1f} MB")


@data.command()
def unpack(
    parcels: Annotated[Path, typer.Argument(metavar="PARCELS", help="Folder with parcels.json and what has arrived.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The data folder to fill.")],
) -> None:
    """Check the parcels that have arrived by their hashes, and unpack them; again for those that come later.

    Exit codes: 0 everything has arrived; 1 the machine failed; 2 a parcel is not what was packed; 3 some are to come.
    """
    with answered(resumed=True):
        from llpp_core.data import parcels as of

        arrived = of.unpack(parcels, folder)
    print(f"{folder}: {arrived.files:,} of {arrived.wanted:,} files")
    if arrived.missing:
        say(f"to come: {', '.join(arrived.missing)}")
        raise typer.Exit(STOPPED)
