"""Instruments of chapter 11: what a refusal says, how long and how much a call takes, what an exported file gives."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import io
import linecache
import os
import shutil
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lessonkit import check, guard, inputs
from lessonkit.lent import no_answer_to

#: What `pip install` is to be given where one of the three is missing.
EXTRA = 'layer-by-layer[export]'
_EXPORT = ("onnx", "onnxruntime", "onnxscript")

# torch's own exporters pickle a class that torch itself has deprecated; nobody who exports can do anything about it
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)", category=FutureWarning)


# --- refusals ---------------------------------------------------------------------------------------------------


def refusal(call: Callable[[], Any]) -> list[Any]:
    """Return what `call()` raised: [the names of the exception's class and its bases, the message]; [[], ""] for nothing."""
    try:
        call()
    except Exception as error:
        return [[base.__name__ for base in type(error).__mro__ if base is not object], str(error)]
    return [[], ""]


def as_with_minus_o(name: str, function: Any) -> Any:
    """Return the function `name` as `python -O` would have defined it: the text it came from, compiled without `assert`.

    `function` is what the name means now. It is returned itself where its text is not known (as when a notebook is
    run as a script) or its text defines no such name.
    """
    plain = inspect.unwrap(function) if callable(function) else function
    if not hasattr(plain, "__code__"):  # an object that can be called: its class came from the same cell
        plain = vars(type(plain)).get("__call__", plain)
    code, space = getattr(plain, "__code__", None), getattr(plain, "__globals__", None)
    if code is None or space is None or guard.is_library(code.co_filename):
        return function
    text = "".join(linecache.getlines(code.co_filename))
    fresh = {key: value for key, value in space.items() if key != name}
    try:
        compiled = compile(text, code.co_filename, "exec", optimize=1)
    except (SyntaxError, ValueError):
        return function
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        exec(compiled, fresh)  # the student's own cell once more, in names of its own
    return fresh.get(name, function)


# --- time -------------------------------------------------------------------------------------------------------


class Sleeper(nn.Module):
    """A layer whose n-th forward pass takes at least `naps[n]` seconds, and which remembers every call.

    `calls` holds [seconds it really took, whether gradients were on, the sum of what came in] for each. It has a
    child of its own mode, so that a mode that is set for everything shows, and a parameter, so that a flag does.
    """

    def __init__(self, naps: Sequence[float] = ()) -> None:
        super().__init__()
        self.naps = list(naps)
        self.calls: list[list[Any]] = []
        self.inner = nn.Dropout(0.5).eval()
        self.shift = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sleep, note the call, and return x + 1: another tensor than came in."""
        started, number = _now(), len(self.calls)
        if number < len(self.naps):
            _sleep(self.naps[number])
        out = x + self.shift
        self.calls.append([_now() - started, torch.is_grad_enabled(), float(x.detach().sum())])
        return out


_now, _sleep = time.perf_counter, time.sleep


def time_factor(fast: Callable[[], Any], slow: Callable[[], Any], rounds: int = 5) -> float:
    """Return how many times longer `slow()` takes than `fast()`, each at its best of several calls after a first one.

    A profile function, such as the guard's, is off meanwhile: it would charge each call of Python's.
    """
    _keep_freed_memory()
    profile = sys.getprofile()
    sys.setprofile(None)
    try:
        best = [min(_seconds(one) for _ in range(calls)) for one, calls in ((fast, 4 * rounds), (slow, rounds))]
    finally:
        sys.setprofile(profile)
    return best[1] / max(best[0], 1e-9)


def _keep_freed_memory() -> None:
    """Let the C library keep what is freed for the next call, where it is glibc.

    Else it depends on how the heap happens to lie whether a large temporary is handed back to the kernel and comes
    again page by page: measured here, the same 16 MiB product took 1.7 ms in one process and 15 ms in the next.
    """
    trim, mmap = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h, in bytes; the second at most 32 MiB
    with contextlib.suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(trim, 2**30)
        libc.mallopt(mmap, 32 * 2**20)


def _seconds(call: Callable[[], Any]) -> float:
    started = _now()
    call()
    return _now() - started


def double_loop(x: torch.Tensor, w: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the bilinear form (B, O) of (B, I), (O, I, J), (B, J), one number at a time: the way that hurts."""
    out = x.new_empty(len(x), len(w))
    for b in range(len(x)):
        for o in range(len(w)):
            out[b, o] = x[b] @ w[o] @ y[b]
    return out


# --- memory -----------------------------------------------------------------------------------------------------


class _Watch(TorchDispatchMode):
    """Sees every operation that runs, and which of the storages they made are alive."""

    PRODUCTS = ("aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm", "aten::mv", "aten::addmv", "aten::dot")

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = self.largest = self.product = self.count = 0
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.count += 1
        self.names.add(func._schema.name)
        given = {self._key(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)}
        self.alive = {key: held for key, held in self.alive.items() if not held[0].expired()}
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor) and leaf.layout is torch.strided:
                elements = leaf.untyped_storage().nbytes() // leaf.element_size()
                if func._schema.name in self.PRODUCTS:
                    self.product = max(self.product, leaf.numel())
                if self._key(leaf) in self.alive or self._key(leaf) not in given:
                    self.alive[self._key(leaf)] = (StorageWeakRef(leaf.untyped_storage()), elements)
                    self.largest = max(self.largest, elements)
        self.peak = max(self.peak, sum(elements for _, elements in self.alive.values()))
        return out

    @staticmethod
    def _key(tensor: torch.Tensor) -> int:
        return tensor.untyped_storage()._cdata


def held(call: Callable[[], Any]) -> dict[str, Any]:
    """Return what `call()` holds: `peak` elements alive at once in tensors it made, the `largest` of them, the largest
    result of a matrix `product`, the peak of `bytes` outside torch, how many `operations` ran, and whether torch's own
    attention is `fused` among them.
    """
    with _Watch() as watch:
        call()
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    call()
    outside = tracemalloc.get_traced_memory()[1] - before
    if not running:
        tracemalloc.stop()
    return {
        "peak": watch.peak, "largest": watch.largest, "product": watch.product, "bytes": outside,
        "operations": watch.count, "fused": any("scaled_dot_product" in name for name in watch.names),
    }  # fmt: skip


# --- models and files -------------------------------------------------------------------------------------------


class Asks(nn.Module):
    """A layer that asks `self.training` in Python, as the Dropout of chapter 5: in training it gives x + 1, else x."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x + 1 or x."""
        return x + 1 if self.training else x


class Tagger(nn.Module):
    """A small image model: (N, 1, 6, 6) -> (N, 4), with batch norm, dropout, and a batch size that it looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), Asks())
        self.drop = nn.Dropout(0.4)
        self.head = nn.Linear(48, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of a batch of images."""
        return self.head(self.drop(self.look(images).reshape(images.shape[0], -1)))


def mixed(seed: int, kind: str = "rows", dtype: str = "float32") -> Any:
    """Return a filled model whose submodules are in different modes, `rows` (N, 6) -> (N, 3) or `images` as Tagger."""
    if kind == "images":
        model: Any = Tagger()
    else:
        model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3), Asks())
    filled(model, seed).to(getattr(torch, dtype)).train()
    for number, module in enumerate(model.modules()):
        module.training = number % 3 != 1
    return model


def filled(model: Any, seed: int) -> Any:
    """Give every parameter and float buffer of a model numbers of the check's own; return the model."""
    draw = inputs.rng(seed)
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            values = torch.from_numpy(draw.uniform(-0.9, 0.9, tuple(tensor.shape)))
            if tensor.is_floating_point():
                tensor.copy_(values.abs() + 0.3 if "var" in name else values)
    return model


def modes(model: Any) -> list[bool]:
    """Return the mode of every submodule, in the order of `model.modules()`."""
    return [module.training for module in model.modules()]


def quiet(call: Callable[[], Any]) -> Any:
    """Return `call()` without what it prints: exporters report their progress."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return call()


def run_onnx(path: str, *batches: torch.Tensor) -> list[torch.Tensor]:
    """Return what onnxruntime computes from the file for each batch, as tensors (the first output).

    Raises FileNotFoundError where there is none, ValueError where it is no ONNX file or does not take a batch: in words
    that hold no path and no name of the student's.
    """
    import onnxruntime

    if not os.path.isfile(path):
        beside = ", ".join(sorted(os.listdir(os.path.dirname(path)))) or "nothing"
        raise FileNotFoundError(f"no file at the path that was given; in that folder: {beside}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source: Any = path
    try:
        if os.path.isdir("/proc") and not os.path.isdir("/proc/self/fd"):
            # a sandbox without procfs, where onnxruntime refuses to open the file that lies beside: hand it all in
            import onnx

            source = onnx.load(path).SerializeToString()
        session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ValueError(f"onnxruntime cannot read the file ({type(error).__name__})") from error
    given, found = session.get_inputs()[0], []
    for batch in batches:
        try:
            found.append(torch.from_numpy(session.run(None, {given.name: batch.detach().numpy()})[0].copy()))
        except Exception as error:
            sizes = [size if isinstance(size, int) else "free" for size in given.shape]
            raise ValueError(f"onnxruntime refuses {len(batch)} rows: the file's input is {sizes}") from error
    return found


@no_answer_to("export_program")
def export_program(model: Any, example: Any) -> Any:
    """Return the model as a torch.export program in eval mode, with a free batch size; modes stay as they are."""
    before = [(module, module.training) for module in model.modules()]
    try:
        batch = torch.export.Dim("batch", min=1)
        return torch.export.export(model.eval(), (example,), dynamic_shapes=({0: batch},))
    finally:
        for module, training in before:
            module.training = training


def op_report(operator: Any, *operands: Any) -> list[list[str]]:
    """Return what opcheck says of an operator: [test, "SUCCESS" or the type of what was raised, a word on it], sorted."""
    found = torch.library.opcheck(operator, operands, raise_exception=False)
    return [
        [name, result, ""] if isinstance(result, str) else [name, type(result).__name__, _kind_of(str(result))]
        for name, result in sorted(found.items())
    ]


def _kind_of(text: str) -> str:
    """Return a fixed word for opcheck's complaint, whose own text holds numbers and addresses."""
    words = ("stride", "shape", "dtype", "alias", "mutat", "fake", "meta", "autograd", "requires_grad", "gradient")
    return ", ".join(word for word in words if word in text.lower())


def program_graph(program: Any) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return an exported program as boxes (name -> label) and arrows for `plot.graph`."""
    boxes, links = {}, []
    for node in program.graph.nodes:
        if node.op == "output":
            boxes[node.name] = "output"
        elif node.op == "placeholder":
            boxes[node.name] = node.name.removeprefix("p_")
        else:
            boxes[node.name] = str(node.target).removeprefix("aten.").removesuffix(".default")
        links += [(source.name, node.name) for source in node.all_input_nodes]
    turn = {name: i for i, name in enumerate(boxes)}
    goes_to = {name: [turn[end] for start, end in links if start == name] or [len(boxes)] for name in boxes}
    # an input stands beside what it goes into, the batch among the weights: so fewer arrows cross
    order = sorted(boxes, key=lambda name: sum(goes_to[name]) / len(goes_to[name]))
    return {name: boxes[name] for name in order}, links


# --- what this machine has --------------------------------------------------------------------------------------


def can_export() -> bool:
    """Return True where the extra `export` is there; else say in one line that the cell is skipped, and return False."""
    if missing := check.absent(_EXPORT):
        print(f'skipped: {", ".join(missing)} not installed; pip install "{EXTRA}"')
    return not missing


def can_compile() -> bool:
    """Return True where a C++ compiler and ninja are found; else say in one line what is missing, and return False."""
    missing = [] if any(shutil.which(name) for name in ("c++", "g++", "clang++", "cl")) else ["a C++ compiler"]
    if not shutil.which("ninja"):
        missing.append("ninja (pip install ninja)")
    if missing:
        print(f"skipped: this machine lacks {' and '.join(missing)}; nothing later needs this cell")
    return not missing
