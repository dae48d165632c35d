"""What a forbidden name stands for besides itself: other names of the same operation, and ways around being heard.

One table for the text rule (`lessonkit.forbidden`) and for what is heard while a check runs (`lessonkit.guard`).
"""

from __future__ import annotations

from collections.abc import Sequence

_DROPOUTS = (
    *(f"torch.nn.functional.{name}" for name in ("dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")),
    *(f"torch.{name}" for name in ("feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout")),
    *(f"torch.nn.{name}" for name in ("Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")),
)
_SOFTMAXES = (
    *(f"torch.nn.functional.{name}" for name in ("cross_entropy", "softmin", "gumbel_softmax", "scaled_dot_product_attention")),
    *(f"torch.nn.{name}" for name in ("CrossEntropyLoss", "Softmin", "Softmax2d", "AdaptiveLogSoftmaxWithLoss", "MultiheadAttention")),
)
#: A forbidden name, and what does the same (or holds it and gives it back).
TWINS: dict[str, tuple[str, ...]] = {
    "torch.*": ("scipy.*", "sklearn.*", "jax.*", "tensorflow.*"),
    "torch.nn.functional.dropout": _DROPOUTS,
    "torch.nn.functional.log_softmax": _SOFTMAXES,
    "torch.autograd.backward": ("torch.autograd.Variable._execution_engine.run_backward",),
}
#: Where calls cannot be heard: another process or thread, an interpreter of its own, the hearing switched off. An answer to
#: an exercise that forbids calls needs none of them.
UNHEARD = (
    "subprocess.*", "multiprocessing.*", "torch.multiprocessing.*", "pty.*", "_thread.*", "_posixsubprocess.*", "os.system", "os.popen",
    "os.fork", "os.forkpty", "os.posix_spawn", "os.posix_spawnp", "ctypes.*", "cffi.*", "torch.jit.*", "torch.utils.cpp_extension.*",
    "torch._C.*", "torch.overrides.*", "torch.package.*", "torch.hub.*", "sys.setprofile", "sys.settrace", "threading.setprofile",
    "threading.settrace", "signal.*", "code.*", "codeop.*", "runpy.*",
)  # fmt: skip


def with_twins(forbidden: Sequence[str]) -> list[str]:
    """Return forbidden names with those that stand for the same."""
    return list(dict.fromkeys([*forbidden, *(twin for name in forbidden for twin in TWINS.get(name, ()))]))
