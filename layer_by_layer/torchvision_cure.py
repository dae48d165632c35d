"""Import torchvision where its wheel and torch's do not fit together (pytorch/vision #9085).

torchvision's wheel from PyPI is built against the CUDA build of torch. Beside a CPU-only torch its compiled
operators do not load, and then `import torchvision` fails with "operator torchvision::nms does not exist",
because it registers shape rules for two operators that nobody has declared. Declaring their schemas is
enough: data sets, transforms and models need neither operator. (Calling `torchvision.ops.nms` itself still
raises, with torchvision's own explanation.)

    from layer_by_layer import torchvision_cure
    torchvision = torchvision_cure.load()

After that an ordinary `import torchvision` works everywhere in the process.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

#: torch forgets a schema as soon as the library object that declared it is gone, so it is kept here.
_declared: list[Any] = []


def load() -> ModuleType:
    """Return the torchvision module, declaring the two missing schemas only where the import needs them.

    Raises ImportError (or whatever torchvision raises) where the import fails for another reason.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        # not declared before trying: a second declaration clashes with operators that do load
        if _declared or not _is_missing_operator(error):
            raise
    _declare()
    return importlib.import_module("torchvision")


def _is_missing_operator(error: BaseException) -> bool:
    text = str(error)
    return "torchvision::nms" in text or "torchvision::qnms" in text


def _declare() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    _declared.append(library)
    for schema in _SCHEMAS:
        library.define(schema)
