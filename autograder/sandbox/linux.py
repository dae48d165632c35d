"""The system calls of Linux that Python 3.11 has no name for: unshare, mount, mount_setattr, prctl, capset."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass

#: What a run may write to. It mounts each of them itself, empty, and they go when it ends.
OWN = ["/dev/pts", "/dev/shm", "/tmp"]
CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 32, 4096, 16384
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 4, 38, 36
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAPBSET_DROP = 47, 4, 24

_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID = 1, 2

_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags`; OSError where the kernel forbids it."""
    _call("unshare", flags)


def mount(source: str, target: str, kind: str, flags: int, data: str) -> None:
    """Mount a file system; OSError where the kernel forbids it."""
    _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo: where, of which kind, and the options of this mount alone."""

    point: str
    kind: str
    options: tuple[str, ...]

    @property
    def writable(self) -> bool:
        """Return True where a file could be made or changed below it."""
        return "ro" not in self.options


def mounts(text: str) -> list[Mount]:
    """Return the mounts that the text of a `/proc/PID/mountinfo` lists, oldest first."""
    found = []
    for line in filter(None, text.splitlines()):
        before, _, after = line.partition(" - ")
        fields = before.split()
        found.append(Mount(_unescaped(fields[4]), after.split()[0], tuple(fields[5].split(","))))
    return found


def _unescaped(point: str) -> str:
    return point.encode().decode("unicode_escape") if "\\" in point else point


class _MountAttributes(ctypes.Structure):
    _fields_ = [
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    ]


def make_read_only(mountinfo: Callable[[], str]) -> None:
    """Make every mount below / read-only and without set-user-id programs; device nodes stay usable.

    One call since Linux 5.12, before that one for each mount that `mountinfo` reads. OSError where one of them refuses.
    """
    wanted = _MountAttributes(_ATTR_RDONLY | _ATTR_NOSUID, 0, 0, 0)
    arguments = (_AT_FDCWD, b"/", _AT_RECURSIVE, ctypes.byref(wanted), ctypes.c_size_t(ctypes.sizeof(wanted)))
    if _libc is not None and _libc.syscall(ctypes.c_long(_MOUNT_SETATTR), *arguments) == 0:
        return
    names = {"nodev": MS_NODEV, "noexec": MS_NOEXEC}
    for one in mounts(mountinfo()):
        kept = sum(names.get(option, 0) for option in one.options)
        mount("none", one.point, "none", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | kept, "")


def prctl(option: int, value: int = 0) -> None:
    """Set an attribute of this process; OSError where the kernel forbids it."""
    zero = ctypes.c_ulong(0)
    _call("prctl", option, ctypes.c_ulong(value), zero, zero, zero)


def prctl_pointer(option: int, value: int, pointer: object) -> None:
    """Set an attribute of this process that is a structure; OSError where the kernel forbids it."""
    zero = ctypes.c_ulong(0)
    _call("prctl", option, ctypes.c_ulong(value), pointer, zero, zero)


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def drop_capabilities() -> None:
    """Give up every capability for good, also for programs started later."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last one this kernel knows
    header = _CapHeader(0x20080522, 0)
    data = (_CapData * 2)()
    _call("capset", ctypes.byref(header), ctypes.byref(data))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
