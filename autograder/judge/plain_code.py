"""Does a student's text do nothing but compute? Then it can reach nothing that is not given to it.

The question is asked the safe way round: what is known to lead nowhere is named, and everything else counts as a way
to somewhere (another process, a frame, a module by a computed name, a file). A text that is not plain is no offence;
it only costs another run (`autograder.judge.withheld`).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable

from lessonkit.reading import Unreadable, constant, deep, tree_of

#: Packages that compute, and those of the standard library that a solution has a use for.
PACKAGES = {
    "__future__", "abc", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "decimal", "enum", "fractions",
    "functools", "heapq", "itertools", "math", "matplotlib", "numbers", "numpy", "operator", "random", "re", "statistics",
    "string", "textwrap", "time", "torch", "typing", "warnings",
}  # fmt: skip
#: Names of the standard library's modules that arrays, tensors and their packages have methods and parts of too.
_ALSO_METHODS = PACKAGES | {"array", "chunk", "profile", "queue", "select", "signal", "stat", "test", "token", "trace"}
_MODULES = frozenset(sys.stdlib_module_names) - _ALSO_METHODS
#: Attributes behind which text or a file becomes code, a name becomes an object, or another process starts.
_DOORS = frozenset({
    "DataSource", "ForwardRef", "Formatter", "UntypedStorage", "attrgetter", "benchmark", "bundled_inputs", "classes", "collect_env",
    "compile", "cpp_extension", "ctypeslib", "datapipes", "distributed", "export", "f2py", "from_file", "fromfile", "fromregex", "fx",
    "genfromtxt", "get_field", "get_sample_data", "get_type_hints", "hipify", "hub", "jit", "lib", "library", "load", "loads", "loadtxt",
    "lookfor", "memmap", "methodcaller", "model_zoo", "onnx", "open_memmap", "ops", "overrides", "package", "serialization", "singledispatch",
    "singledispatchmethod", "source", "storage", "testing", "user_ns",
})  # fmt: skip
#: What is behind a running or sleeping piece of code.
_FRAMES = frozenset({
    "ag_await", "ag_code", "ag_frame", "cr_await", "cr_code", "cr_frame", "f_back", "f_builtins", "f_code", "f_globals", "f_locals",
    "gi_code", "gi_frame", "gi_yieldfrom", "tb_frame", "tb_next",
})  # fmt: skip
#: Names with an underscore in front that lead to values only.
_VALUES = frozenset({
    "_asdict", "_backward_hooks", "_buffers", "_ctx", "_fields", "_forward_hooks", "_forward_pre_hooks", "_input_metadata", "_make",
    "_metadata", "_modules", "_non_persistent_buffers_set", "_parameters", "_replace", "_saved_self", "_saved_other", "_version",
    *(f"__{name}__" for name in (
        "abs", "add", "and", "annotations", "array", "bool", "call", "cause", "class", "complex", "contains", "delattr", "delitem", "dir",
        "doc", "enter", "eq", "exit", "float", "floordiv", "format", "ge", "getitem", "gt", "hash", "iadd", "imul", "index", "init", "int",
        "invert", "isub", "iter", "itruediv", "le", "len", "lt", "main", "matmul", "mod", "mul", "name", "ne", "neg", "new", "next", "or",
        "pos", "post_init", "pow", "qualname", "radd", "repr", "reversed", "rmatmul", "rmul", "round", "rsub", "rtruediv", "setitem", "str",
        "sub", "truediv", "version", "xor",
    )),
})  # fmt: skip
_NAMED = {"getattr", "setattr", "delattr", "hasattr"}
#: Builtins behind which there is a door, an attribute by a name that is computed, or the names of a scope.
_BUILTINS = {"breakpoint", "compile", "eval", "exec", "get_ipython", "globals", "help", "locals", "open", "vars"}
_OWN = ("self", "cls")


def is_plain(texts: Iterable[str], course: frozenset[str] = frozenset()) -> bool:
    """Return True where every text does nothing but compute.

    `course` are the names under which the set-up cell has imported what is the course's: they may be called, and
    nothing of them be looked at.
    """
    try:
        with deep():
            return all(_plain(tree_of(text), course) for text in texts)
    except (Unreadable, RecursionError):
        return False


def _plain(tree: ast.Module, course: frozenset[str]) -> bool:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return all(_allowed(node, course, called) for node in ast.walk(tree))


def _allowed(node: ast.AST, course: frozenset[str], called: set[int]) -> bool:
    if isinstance(node, ast.Attribute):
        own = isinstance(node.value, ast.Name) and node.value.id in _OWN
        return _leads_nowhere(node.attr, own) and not (isinstance(node.value, ast.Name) and node.value.id in course)
    if isinstance(node, ast.Name):
        if node.id in course or node.id in _NAMED:
            return id(node) in called
        return node.id not in _BUILTINS and (not node.id.startswith("__") or node.id in _VALUES)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMED:
        name = constant(node.args[1]) if len(node.args) > 1 else None
        return name is not None and name.isidentifier() and _leads_nowhere(name, own=False)
    if isinstance(node, ast.Import):
        return all(_package(alias.name) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and _package(node.module or "") and all(_leads_nowhere(a.name, own=False) for a in node.names)
    if isinstance(node, ast.MatchClass):
        return all(_leads_nowhere(name, own=False) for name in node.kwd_attrs)
    return True


def _package(name: str) -> bool:
    first, *rest = name.split(".")
    return first in PACKAGES and all(_leads_nowhere(part, own=False) for part in rest)


def _leads_nowhere(name: str, own: bool) -> bool:
    """Return True for an attribute behind which there are only values; of an `own` object any single underscore is."""
    if name in _MODULES or name in _DOORS or name in _FRAMES or name == "*":
        return False
    return not name.startswith("_") or name in _VALUES or (own and not name.startswith("__"))
