"""A learning-management system's own table of grades, filled in: by its ids, else by login, address and name.

Nothing of such a table is changed but the cells of grades. Who is in one of the two places only is said.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.books import tables
from autograder.errors import AutograderError
from autograder.intake import collected

if TYPE_CHECKING:
    from autograder.books.export import Column

#: What Moodle calls the columns of its grading worksheet in a few languages; the others by `--column`.
_GRADES = ("grade", "bewertung", "note", "calificación", "calificacion", "valutazione", "nota", "cijfer", "beoordeling")
_MOST = ("maximum grade", "höchstwertung", "bestwertung", "note maximale", "calificación máxima")
_ADDRESSES = ("email address", "e-mail", "e-mail-adresse", "email", "adresse de courriel", "dirección de correo")


@dataclass
class Person:
    """What is known of a student: id, name, address, and the numbers under which files of theirs came."""

    student: str
    names: set[str] = field(default_factory=set)
    shown: str = ""
    email: str = ""
    #: (system, number, chapter)
    numbers: list[tuple[str, str, str]] = field(default_factory=list)


class People:
    """The students of a course, found by what a system calls them."""

    def __init__(self, people: Iterable[Person]) -> None:
        self.by_id = {person.student: person for person in people}

    @classmethod
    def of(cls, root: Path, students: Sequence[Mapping[str, Any]]) -> People:
        """Return the people of rows with student_id, last_name, first_name, email, and of what was collected."""
        made = cls(Person(str(s["student_id"]), shown=str(s["student_id"]), email=str(s["email"] or "")) for s in students)
        for s in students:
            person = made.by_id[str(s["student_id"])]
            person.names |= name_keys(f"{s['first_name']} {s['last_name']}") | name_keys(f"{s['last_name']} {s['first_name']}")
            person.names |= name_keys(person.student)
        for row in collected.rows(root):
            known = made.by_id.get(row.student)
            if known is None or not row.taken:
                continue
            known.shown = row.shown or known.shown
            known.names |= name_keys(row.shown)
            known.numbers.append((row.system, row.number, row.chapter))
        return made

    def shown(self, student: str) -> str:
        """Return the name that the system showed, else the id."""
        return self.by_id[student].shown

    def number(self, student: str, system: str, chapter: str = "") -> str:
        """Return a student's number in a system (in Moodle, of a chapter's assignment), "" where none is known."""
        fits = [n for s, n, c in self.by_id[student].numbers if s == system and n and chapter in ("", c)]
        return fits[-1] if fits else ""

    def find(self, system: str, chapter: str, number: str, logins: Sequence[str], email: str, name: str) -> list[str]:
        """Return who a row of a system's table may be, by the strongest sign that tells anybody; [] where none does."""
        signs: list[Callable[[Person], bool]] = [
            lambda p: bool(number) and number == self.number(p.student, system, chapter),
            lambda p: p.student.casefold() in {login.casefold() for login in logins if login},
            lambda p: bool(email and p.email) and email.casefold() == p.email.casefold(),
            lambda p: bool(name_keys(name) & p.names),
        ]
        for sign in signs:
            if fits := [person.student for person in self.by_id.values() if sign(person)]:
                return fits
        return []


def name_keys(name: str) -> set[str]:
    """Return what a name is compared by: its parts in any order, and run together as Canvas does ("lovelaceada").

    Letters and digits of any script, whatever their case; nothing for a name without any.
    """
    parts = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name).casefold())
    return {" ".join(sorted(parts)), "".join(parts)} if parts else set()


@dataclass
class Filled:
    """A table that was filled in: its rows, how many grades stand in it now, and a line for all that did not fit."""

    lines: list[list[str]]
    delimiter: str
    count: int = 0
    said: list[str] = field(default_factory=list)

    def content(self) -> bytes:
        """Return the file's bytes, its fields as the system wrote them."""
        return tables.for_a_file(tables.to_csv(self.lines, self.delimiter, as_it_is=True))


@dataclass(frozen=True)
class _Table:
    """Where a system's table says who and how much: indexes of columns, -1 where there is none."""

    system: str
    number: int
    logins: tuple[int, ...]
    email: int
    name: int
    most: int = -1


def fill(path: Path, people: People, scores: Sequence[Column], named: Mapping[str, str] | None = None) -> Filled:
    """Return the table at `path` with the scores in it; AutograderError where it is no table of a known system.

    `named` says which heading a chapter's grades belong under, where the headings do not say it.
    """
    try:
        lines, delimiter = tables.read_csv(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AutograderError(f"{path} could not be read ({error}). Give the CSV that Canvas or Moodle lets you download.") from error
    if not lines:
        raise AutograderError(f"{path} is empty. Download the table again.")
    filled = Filled(lines, delimiter)
    heads = [head.strip() for head in lines[0]]
    kind = _kind(path, heads, lines[1:])
    places = [(column, _place(path, heads, kind, column, scores, named or {})) for column in scores]
    seen: set[str] = set()
    owners = _owners(lines, kind, people, scores, filled)
    for row, student in owners:
        seen.add(student)
        for column, place in places:
            row.extend([""] * (place + 1 - len(row)))
            if student in column.scores:
                row[place] = f"{round(column.scores[student], 4):g}"
                filled.count += 1
    _compare_most(lines, kind, places, filled)
    missing = sorted({student for column in scores for student in column.scores} - seen)
    filled.said += [f"not in {path.name}: {student} ({people.shown(student)})" for student in missing]
    return filled


def _kind(path: Path, heads: list[str], rest: list[list[str]]) -> _Table:
    low = [head.casefold() for head in heads]

    def at(*names: str) -> int:
        return next((low.index(name) for name in names if name in low), -1)

    if {"student", "id"} <= set(low):
        logins = tuple(place for place in (at("sis login id"), at("sis user id")) if place >= 0)
        return _Table("canvas", at("id"), logins, -1, at("student"))
    numbered = [bool(re.fullmatch(r"\D*\d+", row[0].strip())) for row in rest if row[0].strip()]
    if "identifier" in low or (numbered and all(numbered)):
        number = max(0, at("identifier"))
        name = at("full name", "vollständiger name", "nom complet", "nombre completo")
        name = name if name >= 0 else number + 1
        return _Table("moodle", number, (at("id number", "username"),), at(*_ADDRESSES), name, at(*_MOST))
    found = ", ".join(heads)[:200]
    raise AutograderError(f"{path} is no table of Canvas (Student, ID, …) or Moodle (Identifier, …): its columns are {found}. Download the gradebook or the grading worksheet, or use `autograder export --format csv`.")


def _place(path: Path, heads: list[str], kind: _Table, column: Column, scores: Sequence[Column], named: Mapping[str, str]) -> int:
    """Return the column of a table that takes a column of scores."""
    if wanted := named.get(column.heading) or named.get(column.chapter):
        fits = [i for i, head in enumerate(heads) if wanted in (head, _without_number(head))]
    elif kind.system == "moodle":
        if len(scores) > 1:
            raise AutograderError(f"a grading worksheet takes one chapter: `autograder export CHAPTER --into {path.name}`.")
        fits = [i for i, head in enumerate(heads) if head.casefold() in _GRADES]
    else:
        fits = _by_heading(heads, column)
    if len(fits) == 1:
        return fits[0]
    found = ", ".join(repr(head) for head in heads)[:400]
    why = "several columns fit" if fits else "no column fits"
    raise AutograderError(f"{path}: {why} {column.heading}; there are {found}. Say which: `--column '{column.heading}=HEADING'`.")


def _without_number(head: str) -> str:
    """Return a heading without the number that Canvas puts behind it: `01_numpy_backprop (12345)`."""
    return re.sub(r"\s*\(\d+\)$", "", head)


def _by_heading(heads: list[str], column: Column) -> list[int]:
    plain = [re.sub(r"[\W_]+", "", _without_number(head)).casefold() for head in heads]
    whole = re.sub(r"[\W_]+", "", column.heading).casefold()
    if same := [i for i, head in enumerate(plain) if head == whole]:
        return same
    number = re.match(r"\d+", column.heading)
    if column.heading != column.chapter or number is None:
        return []
    without = whole.removeprefix(number[0])
    if same := [i for i, head in enumerate(plain) if head == without]:
        return same
    numbered = re.compile(rf"\D*0*{int(number[0])}(?!\d)")
    return [i for i, head in enumerate(heads) if re.search(r"\(\d+\)$", head) and numbered.match(_without_number(head))]


def _owners(
    lines: list[list[str]], kind: _Table, people: People, scores: Sequence[Column], filled: Filled
) -> list[tuple[list[str], str]]:
    """Return the rows whose owner is known, each with the student; say the others."""
    chapter = scores[0].chapter if kind.system == "moodle" and scores else ""
    claims: dict[str, list[tuple[int, list[str]]]] = defaultdict(list)
    for place, row in enumerate(lines[1:], 2):
        who = _person_of(row, kind)
        if who is None:
            continue
        found = people.find(kind.system, chapter, *who)
        if len(found) == 1:
            claims[found[0]].append((place, row))
        elif found:
            filled.said.append(f"line {place}: {who[3]} may be {' or '.join(sorted(found))}; not filled")
        else:
            filled.said.append(f"line {place}: {who[3]} ({who[0] or 'no id'}) has no grade here; left as it is")
    for student, places in claims.items():
        if len(places) > 1:
            filled.said.append(f"lines {', '.join(str(place) for place, _ in places)} all seem to be {student}; not filled")
    return [(places[0][1], student) for student, places in claims.items() if len(places) == 1]


def _person_of(row: list[str], kind: _Table) -> tuple[str, list[str], str, str] | None:
    """Return number, logins, address and name of a row; None for Canvas's rows that are nobody's."""

    def at(place: int) -> str:
        return row[place].strip() if 0 <= place < len(row) else ""

    name, number = at(kind.name), at(kind.number)
    if kind.system == "moodle":
        digits = re.search(r"(\d+)$", number)
        number = digits[1] if digits else ""
    elif not number or name in ("Points Possible", "Student, Test", "Test Student"):
        return None
    return (number, [at(place) for place in kind.logins if place >= 0], at(kind.email), name) if number or name else None


def _compare_most(lines: list[list[str]], kind: _Table, places: Sequence[tuple[Column, int]], filled: Filled) -> None:
    """Say where the system counts to another number of points."""
    for column, place in places:
        if kind.system == "canvas":
            theirs = {row[place].strip() for row in lines[1:4] if row[0].strip() == "Points Possible" and place < len(row)}
        else:
            theirs = {row[kind.most].strip() for row in lines[1:] if 0 <= kind.most < len(row)}
        for text in sorted(theirs):
            try:
                most = float(text.replace(",", "."))
            except ValueError:
                continue
            if abs(most - column.most) > 1e-9:
                filled.said.append(f"{column.heading} counts {column.most:g} points here and {most:g} there; change the assignment's points there")
