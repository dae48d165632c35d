"""The rules of the course, each a small function with a one-line message."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from pathlib import Path

from nbformat import NotebookNode

from autograder.course import chapter as ch
from autograder.course import solutions
from autograder.course.settings import ExerciseSettings, read_exercises
from autograder.rebuild.split import check_name, hidden_lines

MAX_LINES = 25
#: Cells that hold a student's or a judge's work may be longer than one that is only read; test cells are folded.
MAX_TEST_LINES = 75
MIN_HINTS = 2
RANDOM_ID = re.compile(r"cell-[0-9a-f]{16}")
STATEMENT = re.compile(r"^\*difficulty [123] of 3 · \d+ minutes · about \d+ lines?\b.*\*$", re.MULTILINE)
LEAKS = (
    "### BEGIN SOLUTION",
    "### END SOLUTION",
    "### BEGIN HIDDEN",
    "### END HIDDEN",
    "### BEGIN MARK",
    "**Model answer.**",
)
_TRIVIAL = 5


def chapter(folder: Path, notebook: NotebookNode) -> list[str]:
    """Return every finding about a chapter, one line each; [] where it keeps the rules."""
    name = folder.name
    settings = read_exercises(folder / "exercises.toml")
    exercises = ch.exercises_of(notebook, settings)
    known = solutions.read(folder / solutions.MISTAKES, ch.references_of(notebook))
    findings = [*_ids(notebook), *_cells(notebook, settings), *_alt_text(notebook), *_test_cells(notebook)]
    findings += _statements(notebook, exercises)
    counts = Counter(m.exercise for m in known)
    fewer = {n: table.few_mistakes for n, table in settings.items()}
    for exercise in exercises.values():
        findings += _exercise(exercise, counts[exercise.id], fewer.get(exercise.id, ""))
    findings += [
        f"exercises.toml has [{n}], which is no exercise of the notebook"
        for n in settings
        if n not in exercises
    ]
    findings += _mistakes(known, exercises)
    return [f"{name}: {finding}" for finding in findings]


def _ids(notebook: NotebookNode) -> list[str]:
    found = [ch.grade_id_of(cell) for cell in notebook.cells if ch.nbgrader_of(cell)]
    findings = [f"the grade id {i!r} stands twice" for i, n in Counter(found).items() if n > 1]
    for grade_id in found:
        if RANDOM_ID.fullmatch(grade_id) or not re.fullmatch(r"\w+", grade_id):
            findings.append(
                f"the grade id {grade_id!r} is random or not a name; give it one in Create Assignment"
            )
    return findings


def _cells(notebook: NotebookNode, settings: dict[str, ExerciseSettings]) -> list[str]:
    findings = []
    for index, cell in enumerate(notebook.cells):
        where = ch.grade_id_of(cell) or f"cell {index}"
        if found := re.search(r"[\x00-\x08\t\x0b-\x1f]", cell.source):
            findings.append(f"{where} holds the control character {found[0]!r}: a backslash lost on the way?")
        lines = sum(1 for line in cell.source.split("\n") if line.strip())
        if cell.cell_type == "code" and ch.is_test(cell):
            if lines > MAX_TEST_LINES:
                findings.append(
                    f"{where} has {lines} lines of tests; more than {MAX_TEST_LINES} want a second cell"
                )
        elif cell.cell_type == "code" and not ch.is_solution(cell) and lines > MAX_LINES:
            findings.append(
                f"{where} has {lines} lines of code; more than {MAX_LINES} want a split or a helper"
            )
        elif (
            cell.cell_type == "code"
            and ch.is_solution(cell)
            and lines > (most := _most_lines(where, settings))
        ):
            findings.append(
                f"{where} has {lines} lines in its solution; more than {most} want smaller exercises"
            )
    return findings


def _most_lines(exercise: str, settings: dict[str, ExerciseSettings]) -> int:
    """Return how long a solution may be: `lines` in exercises.toml, where a whole class cannot be cut in two."""
    return settings.get(exercise, ExerciseSettings()).lines


def _alt_text(notebook: NotebookNode) -> list[str]:
    findings = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and re.search(r"!\[\]\(", cell.source):
            findings.append(f"cell {index} has an image without alt text")
        if (
            cell.cell_type == "code"
            and re.search(r"\bplt\.(show|figure|subplots)\(", cell.source)
            and not ch.is_solution(cell)
        ):
            findings.append(f"cell {index} draws without lessonkit.plot, so its picture has no alt text")
        if cell.cell_type == "code" and "plot." in cell.source and not ch.is_test(cell):
            findings += _calls_without_alt(cell.source, index)
    return findings


#: Plot functions whose default alt text is worked out from the data.
OWN_ALT = {"gradient_check", "memory", "confusion", "images"}


def _calls_without_alt(source: str, index: int) -> list[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    findings = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            named = {keyword.arg for keyword in node.keywords}
            if node.func.value.id == "plot" and node.func.attr not in OWN_ALT and "alt" not in named:
                if node.func.attr == "figure" and node.args:
                    continue
                findings.append(f"cell {index}: plot.{node.func.attr}(…) has no alt text; add alt=")
    return findings


def _test_cells(notebook: NotebookNode) -> list[str]:
    findings = []
    behaviours: Counter[str] = Counter()
    defined = _names_of_students(notebook)
    for cell in notebook.cells:
        if not ch.is_test(cell):
            continue
        grade_id = ch.grade_id_of(cell)
        meta = ch.nbgrader_of(cell)
        if "__" not in grade_id:
            findings.append(f"{grade_id}: a test cell is called <exercise>__<behaviour>")
        if not meta.get("locked"):
            findings.append(f"{grade_id} is not locked")
        if not float(meta.get("points", 0)) > 0:
            findings.append(f"{grade_id} is worth no points")
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            findings.append(f"{grade_id} is not Python: {error.msg} in line {error.lineno}")
            continue
        findings += _test_cell(grade_id, tree, cell.source, defined, behaviours)
    findings += [
        f"the behaviour {b!r} stands twice; give each check its own sentence"
        for b, n in behaviours.items()
        if n > 1
    ]
    return findings


def _test_cell(
    grade_id: str, tree: ast.Module, source: str, defined: set[str], behaviours: Counter[str]
) -> list[str]:
    findings = []
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if len(tree.body) != 1:
        return [f"{grade_id}: a test cell is one function under @check.cell({grade_id!r})"]
    if not functions or f"check.cell('{grade_id}')" not in [
        ast.unparse(d) for d in functions[0].decorator_list
    ]:
        return [f"{grade_id}: the function wants @check.cell({grade_id!r})"]
    hidden = hidden_lines(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and check_name(node)]
    if not any(call.lineno not in hidden for call in calls):
        findings.append(f"{grade_id} has no visible check: a student could not tell what it asks")
    for call in calls:
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        if not call.args or not (isinstance(call.args[0], (ast.Constant, ast.JoinedStr))):
            findings.append(f"{grade_id}, line {call.lineno}: the behaviour is a sentence in quotes")
        elif isinstance(call.args[0], ast.Constant):
            behaviours[str(call.args[0].value)] += 1
        kind = check_name(call)
        if kind in ("close", "equal", "probes") and "expected" not in keywords:
            findings.append(f"{grade_id}, line {call.lineno}: check.{kind} wants expected=")
        if kind == "that" and "judge" not in keywords:
            findings.append(f"{grade_id}, line {call.lineno}: check.that wants judge=")
        if "judge" in keywords:
            findings += _closed(grade_id, keywords["judge"])
    for statement in functions[0].body:
        for name in _called_now(statement) & defined:
            findings.append(
                f"{grade_id}, line {statement.lineno}: {name} runs outside an observation; wrap it in a lambda or def"
            )
    return findings


def _closed(grade_id: str, judge: ast.expr) -> list[str]:
    bound = {
        a.arg
        for node in ast.walk(judge)
        if isinstance(node, ast.Lambda)
        for a in [*node.args.args, *node.args.kwonlyargs]
    }
    bound |= {n.id for n in ast.walk(judge) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = {n.id for n in ast.walk(judge) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    open_names = used - bound - {"np", "math", "judges"} - set(dir(builtins))
    return [
        f"{grade_id}: a judge is closed, and this one uses {name!r}; hand it in with given="
        for name in sorted(open_names)
    ]


def _names_of_students(notebook: NotebookNode) -> set[str]:
    names: set[str] = set()
    for cell in notebook.cells:
        if ch.is_solution(cell) and cell.cell_type == "code":
            try:
                tree = ast.parse(cell.source)
            except SyntaxError:
                continue
            names |= {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return names


def _called_now(statement: ast.stmt) -> set[str]:
    """Return the names a statement calls when it runs, not inside a lambda or a nested def."""
    found: set[str] = set()

    def walk(node: ast.AST) -> None:
        if isinstance(node, (ast.Lambda, ast.FunctionDef, ast.ClassDef)):
            return
        if isinstance(node, ast.Call):
            root = node.func
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name):
                found.add(root.id)
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(statement)
    return found


def _statements(notebook: NotebookNode, exercises: dict[str, ch.Exercise]) -> list[str]:
    findings = []
    for name in exercises:
        cells = [
            c
            for c in notebook.cells
            if c.cell_type == "markdown" and re.search(rf"^### Exercise .*`{name}`", c.source, re.M)
        ]
        if not cells:
            findings.append(f"{name}: no statement cell headed `### Exercise N.M · `{name}``")
        elif not STATEMENT.search(cells[0].source):
            findings.append(
                f"{name}: the statement wants its line `*difficulty 1 of 3 · 5 minutes · about 3 lines*`"
            )
        if not any(c.cell_type == "code" and f'hint("{name}")' in c.source for c in notebook.cells):
            findings.append(f'{name}: no cell with hint("{name}")')
    return findings


def _exercise(exercise: ch.Exercise, mistakes: int, why_few: str) -> list[str]:
    findings = []
    if not exercise.points:
        findings.append(f"{exercise.id} has no test cell")
    if len(exercise.settings.hints) < MIN_HINTS or not all(hint.strip() for hint in exercise.settings.hints):
        findings.append(
            f"{exercise.id} has {len(exercise.settings.hints)} hints; at least {MIN_HINTS}, none empty, in exercises.toml"
        )
    if mistakes < _TRIVIAL and not why_few:
        findings.append(
            f"{exercise.id} has {mistakes} named mistakes; at least {_TRIVIAL}, or say why in few_mistakes"
        )
    return findings


def _mistakes(known: list[solutions.NamedSolution], exercises: dict[str, ch.Exercise]) -> list[str]:
    findings = []
    for mistake in known:
        if mistake.exercise not in exercises:
            findings.append(f"mistakes.py: {mistake.exercise} is no exercise of the notebook")
        if not mistake.help:
            findings.append(f"mistakes.py: {mistake.exercise}: {mistake.name} has no `# help:` line")
    for key, n in Counter((m.exercise, m.name) for m in known).items():
        if n > 1:
            findings.append(f"mistakes.py: {key[0]}: {key[1]} stands twice")
    return findings


def release(chapter: str, notebook: NotebookNode) -> list[str]:
    """Return what must not be in a student's notebook and is."""
    findings = []
    for index, cell in enumerate(notebook.cells):
        for leak in LEAKS:
            if leak in cell.source:
                findings.append(f"{chapter}: the release leaks {leak!r} in cell {index}")
        if cell.get("outputs"):
            findings.append(f"{chapter}: the release has an output in cell {index}")
    return findings
