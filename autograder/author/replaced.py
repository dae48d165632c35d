"""Keep what a build would wipe out: a release notebook that somebody worked in, and files that are not the course's."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

#: Where the kept files lie, below the course root.
FOLDER = Path(".autograder") / "replaced"
_STUB = "raise NotImplementedError"


def keep(root: Path, path: Path) -> Path:
    """Copy a file of the root aside and return where it lies now."""
    target = root / FOLDER / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}" / path.relative_to(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target)
    return target


def worked_in(old: bytes, new: bytes) -> bool:
    """Return True where the old notebook was run, or has other text in the place of a stub of the new one."""
    try:
        before = json.loads(old)["cells"]
        after = {cell.get("id"): "".join(cell["source"]) for cell in json.loads(new)["cells"]}
        ran = any(cell.get("outputs") or cell.get("execution_count") for cell in before)
        return ran or any(_STUB in after.get(cell.get("id"), "") and _STUB not in "".join(cell["source"]) for cell in before)
    except (ValueError, KeyError, TypeError, AttributeError):
        return True  # it cannot be read; whatever it is, it is somebody's
