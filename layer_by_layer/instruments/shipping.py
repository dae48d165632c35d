"""Instruments of chapter 11: what a refusal says, how long and how much a call takes, what an exported file gives."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import io
import linecache
import logging
import os
import shutil
import statistics
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Sequence
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


class Nap(nn.Module):
    """A layer that sleeps `seconds` in each forward pass and gives back what came in."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sleep; return x."""
        _sleep(self.seconds)
        return x


class Often(nn.Module):
    """Calls its child `quick` `times` times and its child `long` once."""

    def __init__(self, quick: float, long: float, times: int) -> None:
        super().__init__()
        self.long, self.quick, self.times = Nap(long), Nap(quick), times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x."""
        for _ in range(self.times):
            x = self.quick(x)
        return self.long(x)


class Idle(nn.Module):
    """Spends `between` seconds of its own between its two children, of which `first` takes `seconds`."""

    def __init__(self, seconds: float, between: float) -> None:
        super().__init__()
        self.first, self.second, self.between = Nap(seconds), Nap(0.002), between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x."""
        x = self.first(x)
        _sleep(self.between)
        return self.second(x)


class Breaks(nn.Module):
    """A layer that raises RuntimeError("this layer is broken")."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Raise."""
        raise RuntimeError("this layer is broken")


def hooks(model: Any) -> list[list[int]]:
    """Return the ids of the forward hooks of every submodule, before and after, in the order of `model.modules()`."""
    return [[id(hook) for held in (m._forward_pre_hooks, m._forward_hooks) for hook in held.values()] for m in model.modules()]


def leaf_seconds(model: Any, x: Any) -> dict[str, float]:
    """Return the seconds that one warm forward pass spends in each module without children, by its name."""
    spent: dict[str, float] = {}
    for _ in range(2):  # the second pass counts
        spent, handles = {}, []
        for name, module in model.named_modules():
            if not list(module.children()):
                handles += _clocked(name, module, spent)
        with torch.no_grad():
            model(x)
        for handle in handles:
            handle.remove()
    return spent


def _clocked(name: str, module: Any, spent: dict[str, float]) -> list[Any]:
    began: list[float] = []

    def stop(*_: Any) -> None:
        spent[name] = spent.get(name, 0.0) + _now() - began.pop()

    return [module.register_forward_pre_hook(lambda *_: began.append(_now())), module.register_forward_hook(stop)]


@no_answer_to("bottleneck")
def bottleneck(model: Any, x: Any) -> str:
    """Return the name of the module without children that takes most of a pass."""
    spent = leaf_seconds(model, x)
    return max(spent, key=lambda name: spent[name])


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


def in_quiet(once: Callable[[], Any], seconds: float, most: int = 3) -> list[Any]:
    """Return what `once()` gave, again (`most` times in all) while it took 40 ms longer than the `seconds` it sleeps:
    on a busy machine a clock may be stopped late, and a second try says whether it was that.
    """
    found = []
    for _ in range(most):
        started = _now()
        found.append(once())
        if _now() - started < seconds + 0.04:
            break
    return found


@no_answer_to("batched_bilinear")
def bilinear(x: torch.Tensor, w: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the bilinear form (B, O) of (B, I), (O, I, J), (B, J)."""
    return nn.functional.bilinear(x, y, w)


@no_answer_to("profile_layer")
def profile_layer(layer: Any, x: Any, warmup: int = 3, repeats: int = 20) -> dict[str, float]:
    """Return the median, minimum and maximum seconds of a forward pass, as `torch.utils.benchmark` would time it."""
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        times = [_seconds(lambda: layer(x)) for _ in range(repeats)]
    return {"median": statistics.median(times), "minimum": min(times), "maximum": max(times)}


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


def operations(call: Callable[[], Any]) -> int:
    """Return how many operations `call()` runs."""
    with _Watch() as watch:
        call()
    return watch.count


@no_answer_to("tiled_attention")
def tiled_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, block: int) -> torch.Tensor:
    """Return softmax(q kᵀ / √D) v, `block` keys at a time: pieces of torch's own attention, joined by their logsumexp."""
    top, out = q.new_full((len(q), 1), -torch.inf), q.new_zeros(len(q), v.shape[1])
    for start in range(0, len(k), block):
        scores = q @ k[start : start + block].T / q.shape[1] ** 0.5
        here = scores.logsumexp(dim=1, keepdim=True)
        both = torch.logaddexp(top, here)
        out = out * (top - both).exp() + scores.softmax(dim=1) @ v[start : start + block] * (here - both).exp()
        top = both
    return out


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


@contextlib.contextmanager
def no_chatter() -> Iterator[None]:
    """Let nothing through to standard error, C++ included: tools that log their progress or why they refuse."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    logging.disable(logging.CRITICAL)
    try:
        os.dup2(null, 2)
        with contextlib.redirect_stderr(io.StringIO()):  # a notebook's own stream is not the descriptor
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
        logging.disable(logging.NOTSET)


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


def quietly_exported(model: Any, example: Any, dynamic_shapes: Any = None) -> Any:
    """Return `torch.export.export(model, (example,))`, without what it logs where it refuses. Raises what it raises."""
    with no_chatter():
        return quiet(lambda: torch.export.export(model.eval(), (example,), dynamic_shapes=dynamic_shapes))


@no_answer_to("export_onnx")
def export_onnx(model: Any, example: Any, path: str) -> None:
    """Write `export_program(model, example)` as an ONNX file."""
    torch.onnx.export(export_program(model, example), (), path, dynamo=True, verbose=False)


@no_answer_to("fgsm")
def fgsm(model: Any, x: Any, y: Any, eps: float) -> Any:
    """Return x moved by eps along the sign of the loss's gradient, in [0, 1] (Goodfellow and others, 2015)."""
    before = [(module, module.training) for module in model.modules()]
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            slope = torch.autograd.grad(nn.functional.cross_entropy(model.eval()(leaf), y), leaf)[0]
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


@no_answer_to("validate_input")
def validate_input(x: Any, features: int) -> Any:
    """Return x where it is a finite floating-point tensor (..., features); TypeError or ValueError otherwise."""
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        raise TypeError("expected a floating-point tensor")
    if not x.numel() or x.shape[-1:] != (features,):
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not bool(torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


_onnx_runs: dict[Any, dict[str, Any]] = {}


def onnx_run(export_onnx: Any, seed: int, kind: str, shape: tuple[int, ...], sizes: tuple[int, ...], dtype: str = "float32",
             train: bool = False) -> dict[str, Any]:  # fmt: skip
    """Return what `export_onnx` makes of `mixed(seed, kind, dtype)`: the outputs of its file for batches of `sizes` rows,
    and what is left of model and example. An export takes seconds: the same one is made once.
    """
    key = (id(export_onnx), int(inputs.rng(seed).integers(2**31)), kind, sizes, dtype, train)
    if key not in _onnx_runs:
        _onnx_runs[key] = {"function": export_onnx} | _onnx_run(export_onnx, seed, kind, shape, sizes, dtype, train)
    return _onnx_runs[key]


def _onnx_run(export_onnx: Any, seed: int, kind: str, shape: tuple[int, ...], sizes: tuple[int, ...], dtype: str,
              train: bool) -> dict[str, Any]:  # fmt: skip
    model, example = onnx_model(seed, kind, dtype, train), check.tensor(seed + 1, sizes[0], *shape, dtype=dtype)
    next(model.parameters()).requires_grad_(False)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = os.path.join(folder, "model.onnx")
        quiet(lambda: export_onnx(model, example, path))
        outputs = run_onnx(path, *(check.tensor(seed + 2 + n, n, *shape, dtype=dtype) for n in sizes))
    same = all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
    flags = [p.requires_grad for p in model.parameters()]
    return {"outputs": outputs, "left": [modes(model), same, torch.is_grad_enabled(), flags, example]}


def onnx_model(seed: int, kind: str, dtype: str = "float32", train: bool = False) -> Any:
    """Return the model of `onnx_run`: half frozen, or in training mode throughout."""
    return mixed(seed, kind, dtype).train() if train else mixed(seed, kind, dtype)


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
