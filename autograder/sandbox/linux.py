"""The system calls of Linux that Python 3.11 has no name for: unshare, mount, prctl, capset."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_BIND, MS_REC = 2, 4, 8, 1, 4096, 16384
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 4, 38, 36
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAPBSET_DROP = 47, 4, 24

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
