"""Tables as files: CSV that a spreadsheet opens as it is meant, XLSX, and no field that anybody's spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from autograder.errors import AutograderError

Value = str | float | int | bool | None
_T = TypeVar("_T")


def neutral(value: _T) -> _T | str:
    """Return a field that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value and value[0] in "=+-@\t\r":
        return "'" + value
    return value


def to_csv(rows: Iterable[Sequence[Value]], delimiter: str = ",", as_it_is: bool = False) -> str:
    """Return rows as CSV text; `as_it_is` for fields that another program wrote and reads again."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([value if as_it_is else neutral(value) for value in row] for row in rows)
    return out.getvalue()


def for_a_file(text: str) -> bytes:
    """Return the bytes of a CSV file: UTF-8 with the mark by which Excel knows it."""
    return text.encode("utf-8-sig")


def to_xlsx(rows: Iterable[Sequence[Value]], title: str = "grades") -> bytes:
    """Return rows as a workbook with one sheet, the first row kept in view."""
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([ILLEGAL_CHARACTERS_RE.sub("?", value) if isinstance(value, str) else value for value in map(neutral, row)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_csv(data: bytes) -> tuple[list[list[str]], str]:
    """Return the rows of a CSV file and the delimiter that it uses; ValueError where it is none.

    UTF-8 with or without a mark, UTF-16 with one, else Windows' western encoding, which older Excels write.
    """
    if b"\0" in data[:200] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("the file is no text; save it as CSV")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row], delimiter


def read_named(path: Path, headings: Mapping[str, Sequence[str]]) -> tuple[list[dict[str, str]], set[str], list[str]]:
    """Return a list that somebody keeps as CSV: its rows as what is not empty by name, the names found, and all headings.

    `headings` are the ways in which a column of each name may be headed. Raises AutograderError where the file cannot be read.
    """
    try:
        lines, _ = read_csv(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AutograderError(f"{path} could not be read: {error}. Save the list as CSV.") from error
    heads = [head.strip().casefold() for head in lines[0]] if lines else []
    places = {name: heads.index(one) for name, ways in headings.items() if (one := next((way for way in ways if way in heads), None)) is not None}
    rows = [{name: row[place].strip() for name, place in places.items() if place < len(row) and row[place].strip()} for row in lines[1:]]
    return rows, set(places), heads
