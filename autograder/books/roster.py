"""Who is in the course: nbgrader's own table of students, filled from a CSV, and who of them handed in nothing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from autograder.books import tables
from autograder.books.gradebook import file_of, one_transaction, open_gradebook, patiently
from autograder.course import nbgrader_api as nb
from autograder.errors import AutograderError
from autograder.intake import identity
from autograder.intake.door import valid_id

#: What a roster's columns may be called, by nbgrader's name for them.
HEADINGS = {
    "id": ("id", "student_id", "username", "login", "matriculation", "student id"),
    "first_name": ("first_name", "first name", "firstname", "given name", "vorname", "prénom", "nombre"),
    "last_name": ("last_name", "last name", "lastname", "surname", "family name", "nachname", "nom", "apellidos"),
    "email": ("email", "e-mail", "mail", "email address", "e-mail-adresse"),
    "lms_user_id": ("lms_user_id",),
}


@dataclass
class Imported:
    """How a roster went into the gradebook; `refused` has a line for each row that could not be taken."""

    new: int = 0
    changed: int = 0
    same: int = 0
    refused: list[str] = field(default_factory=list)


def read_into(root: Path, path: Path) -> Imported:
    """Put a roster's rows into the gradebook, all in one transaction; a field that is empty changes nothing.

    Raises AutograderError where the file is no table with a column of ids.
    """
    rows, named, heads = tables.read_named(path, HEADINGS)
    if "id" not in named:
        raise AutograderError(f"{path} has no column `id`; there are: {', '.join(heads) or 'none'}. Head it with id,first_name,last_name,email.")
    done = Imported()
    with closing(open_gradebook(root)) as gradebook:
        from nbgrader.api import Student

        def write() -> None:
            nonlocal done
            done = Imported()
            with one_transaction(gradebook):
                known = {student.id: student for student in gradebook.db.query(Student)}
                for number, row in enumerate(rows, 2):
                    values = dict(row)  # the transaction may be tried again
                    student = values.pop("id", "")
                    if not valid_id(student):
                        done.refused.append(f"line {number}: {student!r} is no student id; letters, digits and . _ @ + - make one")
                        continue
                    there = known.get(student)
                    if there is None:
                        known[student] = Student(id=student, **values)
                        gradebook.db.add(known[student])
                        done.new += 1
                    elif all(getattr(there, name) == value for name, value in values.items()):
                        done.same += 1
                    else:
                        for name, value in values.items():
                            setattr(there, name, value)
                        done.changed += 1

        patiently(write)
    return done


def by_name(root: Path) -> dict[str, str]:
    """Return ids by the names that a system may show (`identity.key_of`); two people of one name are not among them."""
    url = nb.gradebook_url(root)
    file = file_of(url)
    if file is not None and not file.is_file():
        return {}
    found: dict[str, set[str]] = {}
    with closing(open_gradebook(root)) as gradebook:
        from nbgrader.api import Student

        for student, first, last in gradebook.db.query(Student.id, Student.first_name, Student.last_name):
            for key in identity.keys_of(first or "", last or "") if first and last else ():
                found.setdefault(key, set()).add(student)
    return {key: next(iter(ids)) for key, ids in found.items() if len(ids) == 1}


def absent(root: Path, chapter: str) -> list[str]:
    """Return the students in the gradebook who handed in nothing of a chapter, sorted; [] where there is no gradebook."""
    with closing(open_gradebook(root)) as gradebook:
        from nbgrader.api import Student

        everybody = [one.id for one in gradebook.db.query(Student.id)]
    folder = root / "submitted"
    return sorted(student for student in everybody if not (folder / student / chapter).is_dir())
