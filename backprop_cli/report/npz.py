"""Values and gradients for numpy: members `name` and `name.grad`.

Members are written here: `np.savez(**names)` fails on a node called `file` and drops one called `allow_pickle`.
"""

from __future__ import annotations

import io
import zipfile

from backprop_cli.report.view import READING, View
from backprop_cli.tasks.result import Result

_EPOCH = (1980, 1, 1, 0, 0, 0)  # so that the same spec gives the same bytes


def render(result: Result, view: View = READING) -> bytes:
    """The bytes of the file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for node in result.nodes:
            _add(archive, node.name, node.value)
            if node.gradient is not None:
                _add(archive, f"{node.name}.grad", node.gradient.value)
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, value: object) -> None:
    import numpy as np

    with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)
