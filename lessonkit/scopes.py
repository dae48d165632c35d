"""What a name in a syntax tree stands for: imports and aliases followed through Python's scopes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from lessonkit.reading import constant

#: Parts of a dotted name that are followed, and meanings of one name that are kept.
LONGEST, MEANINGS = 40, 200
#: What a name may be bound to: an expression of this scope, a dotted name (an import), or a thing of the cell's own.
Source = ast.expr | str | None
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Scope:
    """One scope: its bindings by name, and the scope around it (None for the module's)."""

    kind: str
    bound: dict[str, list[Source]] = field(default_factory=dict)
    outer: Scope | None = None
    #: names declared `global` here
    shared: set[str] = field(default_factory=set)
    #: names that a def or a class of this scope makes
    own: set[str] = field(default_factory=set)

    def holder(self, name: str) -> Scope | None:
        """Return the scope that a load of `name` here finds it in; None for a builtin or a name of the set-up cell."""
        scope: Scope | None = self
        first = True
        while scope is not None:
            if name in scope.shared:
                return scope.module() if name in scope.module().bound else None
            if name in scope.bound and (first or scope.kind != "class"):
                return scope
            scope, first = scope.outer, False
        return None

    def module(self) -> Scope:
        """Return the outermost scope."""
        return self if self.outer is None else self.outer.module()


def bind(scope: Scope, body: Iterable[ast.AST]) -> Scope:
    """Note in `scope` every name that statements bind in it, with what they bind it to."""
    for node in _of_this_scope(body):
        for name, source in _bindings(node):
            scope.bound.setdefault(name, []).append(source)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            scope.own.add(node.name)
        elif isinstance(node, ast.Global):
            scope.shared |= set(node.names)
    for name in scope.shared:
        for source in scope.bound.pop(name, []):
            scope.module().bound.setdefault(name, []).append(source)
    return scope


def of_function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, outer: Scope) -> Scope:
    """Return the scope of a function's body: its parameters and what it assigns."""
    scope = Scope("function", outer=outer)
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            scope.bound[argument.arg] = [None]
    return bind(scope, node.body if isinstance(node.body, list) else [node.body])


def of_comprehension(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, outer: Scope) -> Scope:
    """Return the scope of a comprehension: the targets of its `for`s."""
    scope = Scope("function", outer=outer)
    for generator in node.generators:
        for name, source in _targets(generator.target, None):
            scope.bound.setdefault(name, []).append(source)
    return scope


def bound_by(statement: ast.stmt) -> set[str]:
    """Return the names that a statement of a module binds there, in its branches too."""
    return {name for node in _of_this_scope([statement]) for name, _ in _bindings(node)}


def _of_this_scope(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Walk statements without entering the bodies of functions and classes; each is yielded itself."""
    todo = list(body)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            todo += [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif isinstance(node, ast.ClassDef):
            todo += [*node.decorator_list, *node.bases]
        elif not isinstance(node, ast.Lambda):
            todo += list(ast.iter_child_nodes(node))


def _bindings(node: ast.AST) -> Iterator[tuple[str, Source]]:
    """Yield the (name, source) pairs that one node binds, its children's left out."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name, None
    elif isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.split(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (first, first)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target, node.value)
    elif (isinstance(node, ast.AnnAssign) and node.value is not None) or isinstance(node, ast.NamedExpr):
        yield from _targets(node.target, node.value)
    elif isinstance(node, (ast.AugAssign, ast.For, ast.AsyncFor)):
        yield from _targets(node.target, None)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from _targets(node.optional_vars, None)
    elif (isinstance(node, ast.ExceptHandler) and node.name) or (isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name):
        yield node.name, None


def _targets(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, Source]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value, None)
    elif isinstance(target, (ast.Tuple, ast.List)):
        parts: list[ast.expr | None] = [None] * len(target.elts)
        starred = any(isinstance(part, ast.Starred) for part in target.elts)
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(parts) and not starred:
            parts = list(value.elts)
        for one, part in zip(target.elts, parts, strict=True):
            yield from _targets(one, part)


class Resolver:
    """Follows names to the dotted names they may stand for; `given` says what the set-up cell's names mean."""

    def __init__(self, given: Callable[[str], str | None]) -> None:
        self.given = given
        self._open: set[tuple[int, str]] = set()
        self._known: dict[tuple[int, str, bool], set[str]] = {}
        self._circle = False

    def name(self, name: str, scope: Scope, own_too: bool = False) -> set[str]:
        """Return what a name may stand for; nothing for a thing of the cell's own, unless `own_too` asks what it
        was before a def or class took the name."""
        holder = scope.holder(name)
        found = self.given(name)
        if holder is None:
            return {found} if found else set()
        key = (id(holder), name, own_too)
        if key not in self._known:
            values = self._values(name, holder, own_too)
            # at the top of a cell the set-up's meaning may have been used before the name was bound anew
            if found and holder.outer is None and not own_too and name in USUAL:
                values |= {found}
            if self._circle and self._open:
                return values  # half of the truth, seen from inside a circle of names
            self._circle = False
            self._known[key] = values
        return self._known[key]

    def _values(self, name: str, holder: Scope, own_too: bool) -> set[str]:
        if name in holder.own and not own_too:
            return set()
        if (id(holder), name) in self._open:
            self._circle = True
            return set()
        self._open.add((id(holder), name))
        try:
            found = {full for source in holder.bound[name] for full in self._source(source, holder)}
        finally:
            self._open.discard((id(holder), name))
        return set(sorted(found)[:MEANINGS])

    def _source(self, source: Source, scope: Scope) -> set[str]:
        if source is None:
            return set()
        return {source} if isinstance(source, str) else self.expression(source, scope)

    def expression(self, node: ast.expr, scope: Scope) -> set[str]:
        """Return the dotted names that an expression may stand for."""
        if isinstance(node, ast.Name):
            return self.name(node.id, scope)
        if isinstance(node, ast.Attribute):
            return self._attributes(node, scope)
        if isinstance(node, ast.NamedExpr):
            return self.expression(node.value, scope)
        if isinstance(node, ast.IfExp):
            return self.expression(node.body, scope) | self.expression(node.orelse, scope)
        if isinstance(node, ast.BoolOp):
            return {full for value in node.values for full in self.expression(value, scope)}
        if isinstance(node, ast.Subscript):
            return self._entry(node, scope)
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        return set()

    def _attributes(self, node: ast.expr, scope: Scope) -> set[str]:
        names: list[str] = []
        while isinstance(node, ast.Attribute) and len(names) <= LONGEST:
            names.append(node.attr)
            node = node.value
        if len(names) > LONGEST:
            return set()
        return {".".join([full, *reversed(names)]) for full in self.expression(node, scope)}

    def _entry(self, node: ast.Subscript, scope: Scope) -> set[str]:
        """`globals()["F"]`, `sys.modules["torch"]`, `vars(F)["softmax"]`, `F.__dict__["softmax"]`."""
        key, base = constant(node.slice), node.value
        if key is None:
            return set()
        if isinstance(base, ast.Call) and isinstance(base.func, ast.Name):
            if base.func.id in ("globals", "locals", "vars") and not base.args:
                return self.name(key, scope.module())
            if base.func.id == "vars" and base.args:
                return {f"{full}.{key}" for full in self.expression(base.args[0], scope)}
        fulls = self.expression(base, scope)
        if "sys.modules" in fulls:
            return {key}
        return {f"{full.removesuffix('.__dict__')}.{key}" for full in fulls if full.endswith(".__dict__")}

    def _call(self, node: ast.Call, scope: Scope) -> set[str]:
        """`getattr(F, "softmax")`, `importlib.import_module("torch")`, `__import__("torch")`."""
        texts = [constant(argument) for argument in node.args]
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(texts) >= 2 and texts[1]:
            return {f"{full}.{texts[1]}" for full in self.expression(node.args[0], scope)}
        if isinstance(node.func, ast.Name) and node.func.id == "__import__" and texts and texts[0]:
            return {texts[0] if len(texts) > 3 or node.keywords else texts[0].split(".")[0]}
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("__getattribute__", "__getattr__") and texts and texts[-1]:
            owner = node.args[0] if len(texts) > 1 else node.func.value
            return {f"{full}.{texts[-1]}" for full in self.expression(owner, scope)}
        called = self.expression(node.func, scope)
        if called & {"importlib.import_module", "importlib.__import__"} and texts and texts[0]:
            return {texts[0]}
        return set()


#: Names under which a chapter's set-up cell has imported things.
USUAL = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "np": "numpy"}
