"""Find forbidden calls in the text of a solution, whichever way they are spelled. `lessonkit.guard` sees what ran.

Names are followed through imports and aliases; `getattr(nn, "Linear")`, subclasses, and references that are
passed on count; a mention in a comment, a string, an annotation, an `isinstance` or a name of the student's own
does not.
"""

from __future__ import annotations

import ast
import re

from lessonkit.guard import ALLOWED_MODULES
from lessonkit.guard import message as guard_message
from lessonkit.message import Message

#: Names under which a chapter's set-up cell has imported things.
USUAL = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "np": "numpy"}
LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
#: What checks are made of; importing it is no answer to anything.
KIT = {"check": "lessonkit.check"}


def refuse(
    source: str, forbidden: list[str], stub: str = "", lent: dict[str, str] | None = None
) -> Message | None:
    """Return the message that refuses a solution, None where its text is free of forbidden calls.

    `stub` is the untouched solution cell: what it defines, the solution must not merely import. `lent` are the
    names under which the course has imported its own parts, with what they stand for: they answer nothing.
    """
    lent = KIT | (lent or {})
    never = sorted({f"{package}.*" for package in lent.values()})
    used = find(source, [*forbidden, *never], _defined(stub), lent)
    return guard_message(used) if used else None


def find(
    source: str, forbidden: list[str], defines: frozenset[str] = frozenset(), lent: dict[str, str] | None = None
) -> list[str]:
    """Return the forbidden names that a solution's text uses, sorted; [] for text that is not Python.

    An import alone is no use, except under one of the names that the solution `defines`.
    """
    try:
        tree = ast.parse(_without_magics(source))
    except (SyntaxError, ValueError, RecursionError):
        return []
    finder = _Finder(forbidden, lent or {})
    finder.visit(tree)
    for full in _imported_as(tree.body, defines).values():
        finder._note(full)
    return sorted(finder.used)


def _defined(stub: str) -> frozenset[str]:
    try:
        body = ast.parse(_without_magics(stub)).body
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    return frozenset(node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))


def _imported_as(body: list[ast.stmt], names: frozenset[str]) -> dict[str, str]:
    """Return those of `names` that stand for an import when the text has run, with what they import."""
    bound: dict[str, str] = {}
    for node in body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                shown = names if alias.name == "*" else names & {alias.asname or alias.name}
                bound.update(
                    {name: f"{node.module}.{name if alias.name == '*' else alias.name}" for name in shown}
                )
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.pop(node.name, None)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                bound.pop(getattr(target, "id", ""), None)
        else:
            inner = [
                part
                for field in ("body", "handlers", "orelse", "finalbody")
                for part in getattr(node, field, [])
            ]
            bound.update(_imported_as(inner, names))
    return bound


def _without_magics(source: str) -> str:
    return "\n".join("pass" if re.match(r"\s*[%!]", line) else line for line in source.split("\n"))


class _Finder(ast.NodeVisitor):
    def __init__(self, forbidden: list[str], lent: dict[str, str]) -> None:
        self.lent = lent
        self.exact = {name for name in forbidden if "." in name and not name.endswith(".*")}
        self.canonical = {_canonical(name): name for name in self.exact}
        self.packages = {name[:-2]: name for name in forbidden if name.endswith(".*")}
        self.loops = next((name for name in forbidden if name.lower().startswith("python loop")), None)
        self.methods = {
            _stem(name): name
            for name in self.exact
            if name.startswith("torch.") and not _stem(name)[:1].isupper()
        }
        self.used: set[str] = set()
        self.aliases = dict(USUAL)
        self.own: set[str] = set()
        self.own_attributes: set[str] = set()

    def visit_Module(self, node: ast.Module) -> None:
        bound: set[str] = set()
        for child in ast.walk(node):
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                self.own.add(child.name)
            elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
                self.own_attributes.add(child.attr)
            elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                bound.add(child.id)
            elif isinstance(child, ast.arg):
                bound.add(child.arg)
        # the set-up cell imports these; a solution that binds the name itself means its own
        self.aliases.update({name: full for name, full in self.lent.items() if name not in bound | self.own})
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.aliases[alias.asname] = alias.name
            else:
                self.aliases[alias.name.split(".")[0]] = alias.name.split(".")[0]
            self._note_course(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            if alias.name == "*":
                self.aliases.update(
                    {_last(n): n for n in self.exact if _canonical(n).rpartition(".")[0] == node.module}
                )
                self._note(f"{node.module}.*", packages_only=True)  # what it brings in, nobody can follow
            self.aliases[alias.asname or alias.name] = full
            self._note_course(full)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.aliases.pop(node.id, None)  # `N, F = x.shape`: from here on a name of the student's own
        if isinstance(node.ctx, ast.Load) and node.id in self.aliases and node.id not in self.own:
            self._note(self.aliases[node.id])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        full = self._dotted(node)
        if full:
            self._note(full)
        elif _stem(node.attr) in self.methods and node.attr not in self.own | self.own_attributes:
            self.used.add(self.methods[_stem(node.attr)])
        elif node.attr == "numpy" and "numpy" in self.packages:
            self.used.add(self.packages["numpy"])
        if not full:
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            # class MSELoss(MSELoss): the base is what the name meant before
            if isinstance(base, ast.Name) and base.id == node.name and base.id in self.aliases:
                self._note(self.aliases[base.id])
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass"):
            for argument in node.args[:1]:
                self.visit(argument)
            return
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr") and len(node.args) >= 2:
            owner, name = self._dotted(node.args[0]), node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                if owner:
                    self._note(f"{owner}.{name.value}")
                elif _stem(name.value) in self.methods:
                    self.used.add(self.methods[_stem(name.value)])
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        full = self._dotted(node.value)
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                if full:
                    self.aliases[target.id] = full
                else:
                    self.aliases.pop(target.id, None)
            else:
                self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_arg(self, node: ast.arg) -> None:
        """An annotation is a mention."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        inner = {a.arg for a in [*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs]}
        hidden = {name: self.aliases.pop(name) for name in inner & set(self.aliases)}
        for part in [
            *node.decorator_list,
            *node.args.defaults,
            *[d for d in node.args.kw_defaults if d],
            *node.body,
        ]:
            self.visit(part)
        self.aliases.update(hidden)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def generic_visit(self, node: ast.AST) -> None:
        if self.loops and isinstance(node, LOOPS):
            self.used.add(self.loops)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            for generator in node.generators:  # they bind the names that the element before them uses
                self.visit(generator)
        super().generic_visit(node)

    def _dotted(self, node: ast.AST) -> str | None:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in self.aliases:
            return ".".join([self.aliases[node.id], *reversed(parts)])
        return None

    def _note_course(self, full: str) -> None:
        """Note an import of the course's own parts: it means to use them. Any other import alone is a mention."""
        if full.startswith(tuple(f"{package}." for package in self.lent.values())) or full in self.lent.values():
            self._note(full)

    def _note(self, full: str, packages_only: bool = False) -> None:
        full = _canonical(full)
        for package, name in self.packages.items():
            inside = full == package or full.startswith((f"{package}.", package if package.endswith("_") else f"{package}."))
            if inside and not any(f"{full}.".startswith(f"{allowed}.") for allowed in _ALLOWED):
                self.used.add(name)
        if packages_only or not full.startswith("torch"):
            return
        if full in self.canonical:
            self.used.add(self.canonical[full])
        elif _stem(full) in self.methods and full.rpartition(".")[0] in _HOMES:
            self.used.add(self.methods[_stem(full)])


_ALLOWED = (*ALLOWED_MODULES, "torch.autograd.no_grad")
#: Where torch keeps the same operation under the same name.
_HOMES = {
    "torch",
    "torch.Tensor",
    "torch.nn.functional",
    "torch.special",
    "torch._C._nn",
    "torch.ops.aten",
    "torch._C._VariableFunctions",
}


def _canonical(full: str) -> str:
    full = re.sub(r"(\.__(call|wrapped|func|get)__)+$", "", full)
    full = re.sub(r"^torch\.nn\.modules\.\w+\.", "torch.nn.", full)
    full = re.sub(r"^torch\.optim\.(\w+)\.", r"torch.optim.", full)
    full = re.sub(r"^(torch\.ops\.aten\.\w+)\.\w+$", r"\1", full)
    return full


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _stem(name: str) -> str:
    """Return the last part of a name without the underscore of in-place forms and torch's own prefixes."""
    last = name.rpartition(".")[2]
    last = last.rstrip("_") if not last.startswith("__") else last
    return re.sub(r"^(native_|special_|_)(?=[a-z])", "", last)
