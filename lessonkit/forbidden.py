"""Find what an exercise forbids in the text of a solution, whichever way it is spelled.

The same rule reads in a notebook's check and in the grader. It looks at what the answer is made of: the names the
exercise asks for, and from there every helper they use, in whichever of the student's cells it stands. A self-test
beside the answer is not the answer. `lessonkit.guard` sees what ran.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence

import numpy as np

from lessonkit.guard import ALLOWED_MODULES
from lessonkit.guard import message as guard_message
from lessonkit.message import Message
from lessonkit.reading import Unreadable, constant, deep, tree_of
from lessonkit.scopes import (
    COMPREHENSIONS,
    FUNCTIONS,
    USUAL,
    Resolver,
    Scope,
    bind,
    bound_by,
    of_comprehension,
    of_function,
)
from lessonkit.twins import UNHEARD, with_twins

_LOOPS = (ast.For, ast.AsyncFor, ast.While, *COMPREHENSIONS)
#: What checks are made of; using it is no answer to anything.
KIT = {"check": "lessonkit.check"}
_KIT_ROOMS = ("check", "lent", "lend", "guard", "observe", "fingerprint", "notes", "forbidden")
#: Ways to look into code that is not one's own. Where the course lends parts, an answer needs none of them.
_LOOKS = (
    "inspect.getsource", "inspect.getsourcelines", "inspect.findsource", "inspect.getclosurevars", "inspect.currentframe",
    "inspect.stack", "linecache.getlines", "linecache.getline", "gc.get_objects", "gc.get_referrers", "gc.get_referents",
    "sys._getframe", "sys._current_frames", "pkgutil.get_data", "marshal.loads", "dis.dis", "ctypes.*", "importlib.resources.*",
)  # fmt: skip
_LOOKS_ATTRIBUTES = ("__closure__", "cell_contents", "__code__", "__globals__", "f_back", "f_locals", "f_globals", "gi_frame")
_REACHES = {"setattr", "delattr", "exec", "eval", "globals", "vars", "locals", "get_ipython"}


def refuse(
    source: str, forbidden: Sequence[str], stub: str = "", lent: dict[str, str] | None = None, beside: Sequence[str] = ()
) -> Message | None:
    """Return the message that refuses a solution, None where its text is free of forbidden calls.

    `stub` is the untouched solution cell: what it defines is what the exercise asks for. `lent` are the names under
    which the course has imported its own parts, with what they stand for: they answer nothing. `beside` are the
    texts of the student's other cells, in order.
    """
    try:
        used = find(source, forbidden, defined(stub), lent, beside)
    except Unreadable as unreadable:
        return Message(
            "not yet", "it can be read", actual=str(unreadable), where="what an exercise forbids cannot be looked for in it",
            try_="write the solution in a shorter cell; data and experiments can stand in cells of their own",
        )  # fmt: skip
    return guard_message(used) if used else None


def find(
    source: str, forbidden: Sequence[str], defines: Iterable[str] = (), lent: dict[str, str] | None = None,
    beside: Sequence[str] = (),
) -> list[str]:
    """Return the forbidden names that a solution's text uses, sorted. Raises Unreadable.

    `defines` are the names the exercise asks for; without any, the whole of `source` is the answer.
    """
    with deep():
        return sorted(_Answer(source, forbidden, frozenset(defines), lent or {}, beside).used())


def written(names: Iterable[str], cells: Sequence[str]) -> tuple[str, list[str]]:
    """Return the cell that answers an exercise, and the student's others, of all cells that ran in a notebook.

    `names` are what the exercise asks for. The newest cell that binds each of them answers; an older version of a
    cell that ran again, and the course's own check cells, play no part.
    """
    wanted = set(names)
    answer: list[str] = []
    beside: list[str] = []
    replaced: set[str] = set()
    for text in reversed(list(dict.fromkeys(cells))):
        try:
            bound = {name for statement in tree_of(text).body for name in bound_by(statement)}
        except Unreadable:
            bound = set()
        if "check.cell(" in text or (bound and bound <= replaced):
            continue
        if bound & wanted:
            wanted -= bound
            answer.insert(0, text)
        else:
            beside.insert(0, text)
        replaced |= bound
    if wanted and not answer:  # nothing defines them; `from package import *` may bring them
        answer = [text for text in beside if _has_star(text)]
        beside = [text for text in beside if text not in answer]
    return "\n\n".join(answer), beside


def _has_star(text: str) -> bool:
    try:
        body = tree_of(text).body
    except Unreadable:
        return False
    return any(isinstance(one, ast.ImportFrom) and one.names[0].name == "*" for one in body)


def defined(stub: str) -> frozenset[str]:
    """Return the functions and classes that an untouched solution cell defines."""
    try:
        body = tree_of(stub).body
    except Unreadable:
        return frozenset()
    return frozenset(node.name for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)))


class _Answer:
    """The statements that make up an answer, gathered from what the exercise asks for."""

    def __init__(
        self, source: str, forbidden: Sequence[str], defines: frozenset[str], lent: dict[str, str], beside: Sequence[str]
    ) -> None:
        self.body = tree_of(source).body
        self.unread = False
        self.beside: list[ast.stmt] = []
        for text in beside:
            try:
                self.beside += tree_of(text).body
            except Unreadable:
                self.unread = True
        self.space = bind(Scope("module"), self.body)
        around = bind(Scope("module"), self.beside)
        for name in around.bound.keys() - self.space.bound.keys():  # the solution's own cell has the last word
            self.space.bound[name] = around.bound[name]
            if name in around.own:
                self.space.own.add(name)
        self.defines = defines if defines & {name for one in self.body for name in bound_by(one)} else frozenset()
        course = {**KIT, **lent}
        asked = with_twins(forbidden)
        if any("." in name for name in forbidden):
            asked += UNHEARD
        never = [*(f"{package}.*" for package in lent.values()), *(f"lessonkit.{room}.*" for room in _KIT_ROOMS)]
        self.finder = _Finder([*asked, *never, *(_LOOKS if lent else ())], course, bool(lent), self.space)
        for tree in (self.body, self.beside):
            self.finder.remember_own(tree, self.space)
        if not self.defines and defines & self.space.bound.keys():  # `from package import *` binds names as well
            self.defines = defines

    def used(self) -> set[str]:
        """Return the forbidden names that the answer uses."""
        finder = self.finder
        if self.defines:
            for name in self.defines:
                finder.look_up("global", name)
                finder.note_all(finder.resolver.name(name, self.space))
            self._gather()
        else:
            for statement in self.body:
                finder.visit(statement, self.space)
            self._gather()
        for statement in self.body:  # importing a part of the course means to use it, wherever it stands
            finder.note_course_imports(statement)
        if self.unread and self._unknown():
            raise Unreadable("a cell that the solution may use cannot be read")
        return finder.used

    def _unknown(self) -> set[str]:
        known = self.space.bound.keys() | self.finder.course.keys() | USUAL.keys() | set(dir(builtins))
        return self.finder.globals - known

    def _gather(self) -> None:
        """Visit every statement that what was found so far uses, until nothing new is found."""
        here = {name for one in self.body for name in bound_by(one)}
        todo = [_Facts(one, True, frozenset()) for one in self.body] if self.defines else []
        # a helper of the same name in another cell gives way to the solution's own
        todo += [_Facts(one, False, frozenset(here)) for one in self.beside]
        index: dict[tuple[str, str], list[_Facts]] = {}
        for facts in todo:
            for key in facts.under:
                index.setdefault(key, []).append(facts)
        ready = list(index.get(("always", ""), []))
        while ready or self.finder.fresh:
            for facts in ready:
                if not facts.visited:
                    facts.visited = True
                    self.finder.visit(facts.statement, self.space)
            new, self.finder.fresh = self.finder.fresh, []
            keys = [key for kind, name in new for key in self._keys_of(kind, name)]
            ready = [facts for key in keys for facts in index.get(key, [])]

    def _keys_of(self, kind: str, name: str) -> list[tuple[str, str]]:
        """Return under what the statements stand that a name (of the module's scope, or an attribute) leads to."""
        if kind == "attribute":
            return [("stores", name)]
        return [("binds", name), ("root", name), *([("mentions", name)] if self._is_data(name) else [])]

    def _is_data(self, name: str) -> bool:
        sources = self.space.bound.get(name)
        return bool(sources) and name not in self.defines | self.space.own and not all(isinstance(s, str) for s in sources or [])


class _Facts:
    """What makes one statement of a module part of an answer: what it binds, mentions and changes."""

    def __init__(self, statement: ast.stmt, here: bool, taken: frozenset[str]) -> None:
        self.statement, self.visited = statement, False
        self.under = {("binds", name) for name in bound_by(statement) - taken}
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            return
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                self.under.add(("mentions", node.id))
            elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                self.under |= {("stores", node.attr), ("root", _root(node))}
            elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
                self.under.add(("root", _root(node)))
                if here and not isinstance(_base(node), ast.Name):
                    self.under.add(("always", ""))
            elif here and isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _REACHES:
                self.under.add(("always", ""))

def _root(node: ast.expr) -> str:
    base = _base(node)
    return base.id if isinstance(base, ast.Name) else ""


def _base(node: ast.expr) -> ast.expr:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node


class _Finder:
    """Walks the statements of an answer and notes what they use."""

    def __init__(self, forbidden: Sequence[str], course: dict[str, str], looks: bool, space: Scope) -> None:
        self.course, self.looks = course, looks
        # in the list's own order, where the first name says it: a message is the same in every process
        exact = [name for name in reversed(forbidden) if "." in name and not name.endswith(".*")]
        self.canonical = {_canonical(name): name for name in exact}
        self.packages = {name[:-2]: name for name in forbidden if name.endswith(".*")}
        self.loops = next((name for name in forbidden if name.lower().startswith("python loop")), None)
        self.methods = {
            _stem(name): name
            for name in exact
            if (name.startswith("torch.") and not _stem(name)[:1].isupper()) or (name.startswith("numpy.") and hasattr(np.ndarray, _stem(name)))
        }
        self.used: set[str] = set()
        #: names of the module's scope, and attributes, that the answer looks up
        self.globals: set[str] = set()
        self.attributes: set[str] = set()
        #: those among them that nobody has followed yet
        self.fresh: list[tuple[str, str]] = []
        self.own: set[str] = set()
        bound = space.bound
        self.resolver = Resolver(lambda name: course[name] if name in course and name not in bound else USUAL.get(name))

    def look_up(self, kind: str, name: str) -> None:
        """Note that the answer looks up a `global` or an `attribute`."""
        names = self.globals if kind == "global" else self.attributes
        if name not in names:
            names.add(name)
            self.fresh.append((kind, name))

    def remember_own(self, body: list[ast.stmt], space: Scope) -> None:
        """Note the functions, classes and attributes that are the student's own, wherever they stand."""
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    self.own.add(node.name)
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    self.own.add(node.attr)
                elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                    self._star(node, space)

    def visit(self, node: ast.AST, scope: Scope) -> None:
        """Note what a node uses, in the scope it stands in."""
        if self.loops and isinstance(node, _LOOPS):
            self.used.add(self.loops)
        special = getattr(self, f"_visit_{type(node).__name__}", None)
        if special is not None:
            special(node, scope)
        elif isinstance(node, FUNCTIONS):
            self._function(node, scope)
        elif isinstance(node, COMPREHENSIONS):
            self._comprehension(node, scope)
        else:
            self._children(node, scope)

    def _children(self, node: ast.AST, scope: Scope) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child, scope)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope) -> None:
        outside = [*node.args.defaults, *(d for d in node.args.kw_defaults if d), *getattr(node, "decorator_list", [])]
        for part in outside:  # annotations are a mention
            self.visit(part, scope)
        inner = of_function(node, scope)
        for part in node.body if isinstance(node.body, list) else [node.body]:
            self.visit(part, inner)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope) -> None:
        self.visit(node.generators[0].iter, scope)
        inner = of_comprehension(node, scope)
        for generator in node.generators:
            for part in (generator.target, *generator.ifs):
                self.visit(part, inner)
        for generator in node.generators[1:]:
            self.visit(generator.iter, inner)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.visit(part, inner)

    def _visit_ClassDef(self, node: ast.ClassDef, scope: Scope) -> None:
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id == node.name:  # class MSELoss(MSELoss): what the name meant before
                before = self.resolver.name(base.id, scope, own_too=True) or {self.resolver.given(base.id) or ""}
                self.note_all(before)
        for part in (*node.bases, *node.keywords, *node.decorator_list):
            self.visit(part, scope)
        inner = bind(Scope("class", outer=scope), node.body)
        for statement in node.body:
            self.visit(statement, inner)

    def _visit_AnnAssign(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.visit(node.value, scope)
            self.visit(node.target, scope)

    def _visit_Import(self, node: ast.Import, scope: Scope) -> None:
        self.note_course_imports(node)

    def _visit_ImportFrom(self, node: ast.ImportFrom, scope: Scope) -> None:
        self.note_course_imports(node)

    def _star(self, node: ast.ImportFrom, space: Scope) -> None:
        """What `from package import *` brings in, nobody can follow: a forbidden package counts, and its names are bound."""
        self._note(f"{node.module}.*", packages_only=True)
        for full in self.canonical:
            home, _, name = full.rpartition(".")
            if home == node.module:
                space.bound.setdefault(name, []).append(full)

    def _visit_Name(self, node: ast.Name, scope: Scope) -> None:
        if isinstance(node.ctx, ast.Load):
            holder = scope.holder(node.id)
            if holder is None or holder.outer is None:
                self.look_up("global", node.id)
            self.note_all(self.resolver.name(node.id, scope))

    def _visit_Attribute(self, node: ast.Attribute, scope: Scope) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.visit(node.value, scope)
            return
        self.look_up("attribute", node.attr)
        full = self.resolver.expression(node, scope)
        self.note_all(full)
        self._attribute(node.attr, known=bool(full))
        if full:
            base = _base(node)
            if isinstance(base, ast.Name) and ((holder := scope.holder(base.id)) is None or holder.outer is None):
                self.look_up("global", base.id)
        if not full or not isinstance(_base(node), ast.Name):
            self.visit(node.value, scope)

    def _attribute(self, name: str, known: bool = False) -> None:
        """Note a method of whatever object it is."""
        if self.looks and name in _LOOKS_ATTRIBUTES:
            self.used.add(name)
        if known:
            return
        if _stem(name) in self.methods and name not in self.own:
            self.used.add(self.methods[_stem(name)])
        elif name == "numpy" and "numpy" in self.packages:
            self.used.add(self.packages["numpy"])

    def _visit_Call(self, node: ast.Call, scope: Scope) -> None:
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in ("isinstance", "issubclass") and isinstance(node.func, ast.Name):
            for argument in node.args[:1]:  # the rest is a mention
                self.visit(argument, scope)
            return
        text = next((found for argument in node.args[:2] if (found := constant(argument))), None)
        if text and called in ("getattr", "hasattr", "__getattribute__", "methodcaller", "attrgetter"):
            full = self.resolver.expression(node, scope)
            self.note_all(full)
            for part in text.split("."):
                self.look_up("attribute", part)
                self._attribute(part, known=bool(full))
        else:
            self.note_all(self.resolver.expression(node, scope))
        self._children(node, scope)

    def _visit_Subscript(self, node: ast.Subscript, scope: Scope) -> None:
        self.note_all(self.resolver.expression(node, scope))
        self._children(node, scope)

    def note_course_imports(self, statement: ast.AST) -> None:
        """Note imports of the course's own parts: they mean to use them. Any other import alone is a mention."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                fulls = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                fulls = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for full in fulls:
                if any(f"{full}.".startswith(f"{package}.") for package in self.packages if package.startswith(self._rooms())):
                    self._note(full)

    def _rooms(self) -> tuple[str, ...]:
        return ("lessonkit.", *self.course.values())

    def note_all(self, fulls: Iterable[str]) -> None:
        """Note dotted names that are used."""
        for full in fulls:
            self._note(full)

    def _note(self, full: str, packages_only: bool = False) -> None:
        full = _canonical(full)
        for package, name in self.packages.items():
            inside = full == package or full.startswith(package if package.endswith("_") else f"{package}.")
            if inside and not any(f"{full}.".startswith(f"{allowed}.") for allowed in _ALLOWED):
                self.used.add(name)
        if packages_only:
            return
        if full in self.canonical:
            self.used.add(self.canonical[full])
        elif _stem(full) in self.methods and full.rpartition(".")[0] in _HOMES:
            self.used.add(self.methods[_stem(full)])


_ALLOWED = (*ALLOWED_MODULES, "torch.autograd.no_grad")
#: Where torch keeps the same operation under the same name.
_HOMES = {
    "torch", "torch.Tensor", "torch.nn.functional", "torch.special", "torch._C._nn", "torch.ops.aten",
    "torch._C._VariableFunctions", "torch._C.TensorBase", "torch._refs",
}  # fmt: skip
_SAME = (
    (re.compile(r"(\.__(call|wrapped|func|get|init|new)__)+$"), ""),
    (re.compile(r"^torch\.nn\.modules\.\w+\."), "torch.nn."),
    (re.compile(r"^torch\.optim\.\w+\."), "torch.optim."),
    (re.compile(r"^(torch\.ops\.aten\.\w+)\.\w+$"), r"\1"),
    (re.compile(r"^numpy\.(_core|core)\.\w+\."), "numpy."),
    (re.compile(r"^numpy\.linalg\._?(umath_)?linalg\."), "numpy.linalg."),
    (re.compile(r"^(scipy\.\w+)\._\w+\."), r"\1."),
    (re.compile(r"^jax\._src\."), "jax."),
)


def _canonical(full: str) -> str:
    for found, instead in _SAME:
        full = found.sub(instead, full)
    return full


def _stem(name: str) -> str:
    """Return the last part of a name without the underscore of in-place forms and torch's own prefixes."""
    last = name.rpartition(".")[2]
    last = last.rstrip("_") if not last.startswith("__") else last
    return re.sub(r"^(native_|special_|_)(?=[a-z])", "", last)
