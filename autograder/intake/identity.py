"""Who handed in a file, from what a learning-management system calls it.

A person is known by the system's own number where there is one, else by the shown name (NFC). The id under `submitted/`
is the name in plain letters; two people never share one: where two names or two numbers would fall together, the later
one gets its number, or a mark, behind it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from anyascii import anyascii

#: How the usual systems name what they hand out, the most telling first. Brightspace and Blackboard say the time too.
PATTERNS = (
    ("moodle", r"^(?:(?:Group|Gruppe|Groupe|Grupo)[ _]?[\w ]+?-)?(?P<name>[^/]+?)_(?P<number>\d+)_assignsubmission_[a-z]+_?"),
    ("brightspace", r"^(?P<number>\d+-\d+) ?- ?(?P<name>[^/]+?) ?- ?(?P<when>[A-Z][a-z]+ \d{1,2}, \d{4} \d{3,4} ?[AP]M)"),
    ("blackboard", r"^(?:.*/)?[^/]+?_(?P<name>[^_/]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})[_.]"),
    ("canvas", r"^(?:.*/)?(?P<name>[^/_ A-Z]+?)(?P<late>_LATE)?_(?P<number>\d+)_(?P<submission>\d+)_[^/]+$"),
    ("google", r"^(?:.*/)?(?P<name>[^/]+?) - [^/]+$"),
    ("folder", r"^(?:submitted/)?(?P<name>[^/]+)/"),
    ("file", r"^(?P<name>[^/_-]+)[_-][^/]*$"),
)
_TIMES = ("%Y-%m-%d-%H-%M-%S", "%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p", "%b %d, %Y %I%M%p", "%B %d, %Y %I%M%p")


@dataclass(frozen=True)
class Name:
    """What a file's name says: who (as shown), in which system, under which number, which attempt, when."""

    shown: str
    system: str
    number: str = ""
    attempt: int = 0
    when: datetime | None = None
    late: bool = False


def read(member: str, assignments: Iterable[str], pattern: str | None = None) -> Name | None:
    """Return what a member's name says of who handed it in; None where nobody can be told from it.

    `assignments` are the names of the chapters: `01_numpy_backprop_ada.ipynb` is ada's, and no chapter is a person.
    `pattern` is a regular expression with a group `student` that says it instead.
    """
    member = unicodedata.normalize("NFC", member)
    if pattern:
        found = re.search(pattern, member)
        return Name(found["student"], "pattern") if found else None
    known = sorted(assignments, key=len, reverse=True)
    last = member.rpartition("/")[2]
    for assignment in known:
        if "/" not in member and re.match(rf"{re.escape(assignment)}[_-](?!attempt)[^/]+\.", last):
            rest = last[len(assignment) + 1 :].rpartition(".")[0]
            return Name(rest, "file") if not _is_assignment(rest, known) else None
    for system, expression in PATTERNS:
        if found := re.search(expression, member):
            groups = found.groupdict()
            shown = groups["name"].strip()
            if system in ("folder", "file", "google") and _is_assignment(shown, known):
                continue
            return Name(shown, system, groups.get("number") or "", _attempt(last), _time(groups.get("when")), bool(groups.get("late")))
    return None


def _is_assignment(name: str, known: list[str]) -> bool:
    """Return True for the name or the number of an assignment, which is nobody's."""
    return any(name in (one, one.partition("_")[0], f"{one}.ipynb") for one in known)


def _attempt(name: str) -> int:
    """Return the number that a system or a browser puts behind a repeated upload: `x-2.ipynb`, `x (2).ipynb`."""
    found = re.search(r"(?:-(\d{1,2})| \((\d{1,2})\))\.[A-Za-z.]+$", name)
    return int(found[1] or found[2]) if found else 0


def _time(text: str | None) -> datetime | None:
    for form in _TIMES if text else ():
        try:
            return datetime.strptime(str(text), form)
        except ValueError:
            continue
    return None


def plain(shown: str) -> str:
    """Return a shown name in letters that are safe in paths, tables and pages; "" where nothing is left of it."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", shown))
    text = anyascii("".join(c for c in text if not unicodedata.combining(c)))
    return re.sub(r"[^A-Za-z0-9_.@+-]+", "_", text).strip("_.+-@")[:48]


def keys_of(first: str, last: str) -> set[str]:
    """Return what a system may call somebody of this name, in the form of `key_of`: first or last name first, or in one word."""
    both = f"{first} {last}"
    return {key_of(both), key_of(both.replace(" ", "")), key_of(f"{last}{first}".replace(" ", ""))} - {""}


def key_of(shown: str) -> str:
    """Return a shown name without case, punctuation and the order of its words; accents tell people apart."""
    return " ".join(sorted(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", shown).casefold())))


class People:
    """Gives ids, each to one person; starts with those that were given before.

    `roster` are ids by `key_of` a name: who is called so, and by no other name before, has that id.
    """

    def __init__(self, given: Iterable[tuple[str, str, str, str, str]] = (), roster: Mapping[str, str] | None = None) -> None:
        self.roster = roster or {}
        #: id -> who has it: (shown name, system, number, chapter)
        self.owners: dict[str, list[tuple[str, str, str, str]]] = {}
        for student, *who in given:
            self.owners.setdefault(student, []).append((who[0], who[1], who[2], who[3]))

    def id_of(self, name: Name, chapter: str) -> str:
        """Return a person's id; another than anybody else's. "" where the name holds nothing that an id can."""
        shown = unicodedata.normalize("NFC", name.shown)
        base = plain(shown)
        if not base and not name.number:
            return ""
        wanted = [base] if base else []
        known = any(shown == owner[0] for owners in self.owners.values() for owner in owners)
        if not known and (listed := self.roster.get(key_of(shown))):
            wanted.insert(0, listed)
        if name.number:
            wanted.append(f"{base}_{name.number}".strip("_"))
        wanted.append(f"{base}_{hashlib.sha256(shown.encode()).hexdigest()[:6]}".strip("_"))
        who = (shown, name.system, name.number, chapter)
        chosen = next((one for one in wanted if self._is_free(one, who)), wanted[-1])
        if who not in self.owners.setdefault(chosen, []):
            self.owners[chosen].append(who)
        return chosen

    def _is_free(self, student: str, who: tuple[str, str, str, str]) -> bool:
        shown, system, number, chapter = who
        for other, their_system, their_number, their_chapter in self.owners.get(student, []):
            if other != shown:
                return False
            # a Canvas number is a person's for good, a Moodle number for one assignment
            lasting = system == "canvas" or their_chapter == chapter
            if number and their_number and system == their_system and lasting and number != their_number:
                return False
        return True


def without_common_folder(names: list[str], assignments: Iterable[str]) -> list[str]:
    """Return member names without a folder that a download puts around all of them."""
    known = list(assignments)
    while True:
        heads = {name.partition("/")[0] for name in names if "/" in name}
        rests = [name.partition("/")[2] for name in names]
        if len(heads) != 1 or not all(rests) or not names:
            return names
        head = next(iter(heads))
        people = {rest.partition("/")[0] for rest in rests}
        told = any(re.search(expression, f"{head}/x") for system, expression in PATTERNS if system in ("moodle", "brightspace"))
        nobody = all("/" not in rest and read(rest, known) is None for rest in rests)
        if told or nobody or any(_is_assignment(one, known) for one in people):
            return names
        if not any("/" in rest for rest in rests) and not all(_told(rest) for rest in rests):
            return names
        names = rests


def _told(name: str) -> bool:
    """Return True for a flat file whose name says whose it is in a system's own way."""
    return any(re.search(expression, name) for system, expression in PATTERNS if system in ("moodle", "brightspace", "blackboard", "canvas", "google"))
