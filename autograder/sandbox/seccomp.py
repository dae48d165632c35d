"""The system calls that a run may not make, as a seccomp filter of the kernel's own.

bubblewrap could install one, but the template behind it still has to make a namespace for every child; so a child
installs it last, when its own doors are closed. Nothing a notebook does needs any of these calls: they make
namespaces inside namespaces, mount, look into other processes, or talk to parts of the kernel with a history.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from autograder.sandbox import linux

#: name -> number on x86_64 and aarch64, from the kernel's tables of system calls.
DENIED = {
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "bpf": (321, 280),
    "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "perf_event_open": (298, 241), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "open_by_handle_at": (304, 265), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "mount_setattr": (442, 442), "kexec_load": (246, 104), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106),
}  # fmt: skip
_CLONE, _CLONE3 = (56, 220), (435, 435)
_ARCHITECTURE = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
#: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def program(machine: str) -> bytes:
    """Return the filter for a machine as the kernel reads it (struct sock_filter); KeyError for another machine."""
    column, audit = _ARCHITECTURE[machine]
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    lines = [(_LOAD, 0, 0, _ARCHITECTURE_AT), (_EQUAL, 1, 0, audit), refuse, (_LOAD, 0, 0, _NUMBER_AT)]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, 0x40000000), refuse]  # the x32 numbers of the same calls
    for numbers in DENIED.values():
        lines += [(_EQUAL, 0, 1, numbers[column]), refuse]
    # the flags of clone3 lie in memory that a filter cannot read; without it the C library takes clone
    lines += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    lines += [(_EQUAL, 0, 3, _CLONE[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), refuse]
    lines += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def install() -> None:
    """Put the filter on this process and all it will start; OSError where the kernel has none."""
    machine = platform.machine()
    if machine not in _ARCHITECTURE:
        return  # the canaries say what that leaves open
    code = program(machine)
    linux.prctl_pointer(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(_Program(len(code) // 8, code)))
