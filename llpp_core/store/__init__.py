"""What is kept on disk: files that are whole or not there, records that are checked when read, claims on work.

Knows only files and bytes: what they mean is the business of the rooms above.
"""

from llpp_core.store.claims import claimed
from llpp_core.store.files import (
    file_fingerprint,
    files_fingerprint,
    fingerprint,
    folder_fingerprint,
    read_checked,
    write_checked,
    written_whole,
)
from llpp_core.store.records import MANIFEST, DamagedError, Record, clear_parts, read_record, seal, set_aside

__all__ = [
    "MANIFEST",
    "DamagedError",
    "Record",
    "claimed",
    "clear_parts",
    "file_fingerprint",
    "files_fingerprint",
    "fingerprint",
    "folder_fingerprint",
    "read_checked",
    "read_record",
    "seal",
    "set_aside",
    "write_checked",
    "written_whole",
]
