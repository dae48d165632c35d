"""Grades as CSV for spreadsheets and learning-management systems, read from nbgrader's gradebook.

Every field is quoted by the csv module, and one that a spreadsheet would run as a formula begins with `'`.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from autograder.books.gradebook import open_gradebook

FORMATS = ("csv", "canvas", "moodle")
COLUMNS = ("assignment", "timestamp", "student_id", "last_name", "first_name", "email", "auto_score", "manual_score",
           "late_submission_penalty", "score", "max_score", "needs_manual_grade")  # fmt: skip


def neutral(value: Any) -> Any:
    """Return a field that no spreadsheet takes for a formula."""
    text = value if isinstance(value, str) else None
    if text and text[0] in "=+-@\t\r":
        return "'" + text
    return value


def rows(root: Path, chapters: list[str]) -> list[dict[str, Any]]:
    """Return one row a student and chapter that nbgrader knows of, missing submissions as zero."""
    found = []
    with open_gradebook(root) as gradebook:
        for assignment in gradebook.assignments:
            if chapters and assignment.name not in chapters:
                continue
            handed_in = {submission.student.id: submission for submission in assignment.submissions}
            for student in gradebook.students:
                found.append(_row(assignment, student, handed_in.get(student.id)))
    return found


def _row(assignment: Any, student: Any, submission: Any) -> dict[str, Any]:
    penalty = submission.late_submission_penalty if submission else 0.0
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades] if submission else []
    return {
        "assignment": assignment.name,
        "timestamp": str(submission.timestamp or "") if submission else "",
        "student_id": student.id,
        "last_name": student.last_name or "",
        "first_name": student.first_name or "",
        "email": student.email or "",
        "auto_score": sum(grade.auto_score or 0.0 for grade in grades),
        "manual_score": sum(grade.manual_score or 0.0 for grade in grades),
        "late_submission_penalty": penalty or 0.0,
        "score": max(0.0, submission.score - (penalty or 0.0)) if submission else 0.0,
        "max_score": assignment.max_score,
        "needs_manual_grade": bool(submission and submission.needs_manual_grade),
    }


def to_csv(found: list[dict[str, Any]], form: str) -> str:
    """Return rows as CSV text in one of FORMATS."""
    out = io.StringIO()
    if form == "csv":
        table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows({name: neutral(row[name]) for name in COLUMNS} for row in found)
        return out.getvalue()
    assignments = sorted({row["assignment"] for row in found})
    scores = {(row["student_id"], row["assignment"]): row for row in found}
    people = sorted({row["student_id"] for row in found})
    first = {row["student_id"]: row for row in found}
    writer = csv.writer(out, lineterminator="\n")
    if form == "canvas":
        most = {a: next(row["max_score"] for row in found if row["assignment"] == a) for a in assignments}
        writer.writerow(["Student", "ID", "SIS Login ID", "Section", *assignments])
        writer.writerow(["    Points Possible", "", "", "", *(most[a] for a in assignments)])
        head = [
            [", ".join(n for n in (first[p]["last_name"], first[p]["first_name"]) if n) or p, "", p, ""]
            for p in people
        ]
    else:
        writer.writerow(["Identifier", "Email address", *assignments])
        head = [[p, first[p]["email"]] for p in people]
    for person, start in zip(people, head, strict=True):
        writer.writerow(
            [
                *(neutral(v) for v in start),
                *(scores.get((person, a), {}).get("score", "") for a in assignments),
            ]
        )
    return out.getvalue()
