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
from functools import cache

from autograder.sandbox import linux

#: name -> number on x86_64 and aarch64 (-1: there is none), from the kernel's tables of system calls.
DENIED = {
    # namespaces, mounts, roots
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "perf_event_open": (298, 241),
    # parts of the kernel with a history, or that outlive a process
    "bpf": (321, 280), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "modify_ldt": (154, -1), "quotactl": (179, 60), "syslog": (103, 116), "acct": (163, 89),
    # memory that no limit of a process counts: it has no mapping, or pins more than it says
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "vmsplice": (278, 75), "inotify_init": (253, -1), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    # a larger share of the processor or the disk, or the core of somebody else
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
    "sched_setattr": (314, 274), "ioprio_set": (251, 30),
}  # fmt: skip
_CLONE, _CLONE3, _MMAP, _PRCTL = (56, 220), (435, 435), (9, 222), (157, 167)
_SETRLIMIT, _PRLIMIT = (160, 164), (302, 261)
_SOCKETS = ((41, 198), (53, 199))  # socket, socketpair
_ARCHITECTURE = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
#: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_PR_SET_DUMPABLE, _PR_SCHED_CORE = 4, 62
_AF_UNIX, _AF_INET, _AF_NETLINK, _RLIMIT_CORE = 1, 2, 16, 4
#: MAP_SHARED (and MAP_SHARED_VALIDATE) with MAP_ANONYMOUS: pages that stay when no process has touched them.
_SHARED_ANONYMOUS, _HUGE_PAGES = 0x01 | 0x20, 0x40000

_Line = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _refuse(number: int) -> _Line:
    return (_RETURN, 0, 0, _ERRNO | number)


def _argument(index: int) -> _Line:
    """Load the lower half of a call's argument: flags, families and options have no more."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)


def _where(number: int, lines: list[_Line]) -> list[_Line]:
    """Return `lines` for one call only; they must end in a return or fall through with the number loaded again."""
    return [(_EQUAL, 0, len(lines) + 1, number), *lines, (_LOAD, 0, 0, _NUMBER_AT)] if number >= 0 else []


@cache
def program(machine: str, loopback: bool = False) -> bytes:
    """Return the filter for a machine as the kernel reads it (struct sock_filter); KeyError for another machine.

    With `loopback` a run may also have sockets of the internet, and ask which interfaces there are: what ranks of
    torch.distributed need to talk. Its network is still its template's own, where there is nothing but `lo`.
    """
    column, audit = _ARCHITECTURE[machine]
    no = _refuse(errno.EPERM)
    lines = [(_LOAD, 0, 0, _ARCHITECTURE_AT), (_EQUAL, 1, 0, audit), no, (_LOAD, 0, 0, _NUMBER_AT)]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, 0x40000000), no]  # the x32 numbers of the same calls
    for numbers in DENIED.values():
        lines += _where(numbers[column], [no])
    # the flags of clone3 lie in memory that a filter cannot read; without it the C library takes clone
    lines += _where(_CLONE3[column], [_refuse(errno.ENOSYS)])
    lines += _where(_CLONE[column], [_argument(0), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), no])
    # of all kinds of sockets a run may have those that cannot leave it
    families = (_AF_UNIX, _AF_INET, _AF_NETLINK) if loopback else (_AF_UNIX,)
    for numbers in _SOCKETS:
        known = [(_EQUAL, len(families) - i, 0, family) for i, family in enumerate(families)]
        lines += _where(numbers[column], [_argument(0), *known, _refuse(errno.EAFNOSUPPORT)])
    flags = [_argument(3), (_ANY_BIT, 0, 1, _HUGE_PAGES), no, (_AND, 0, 0, _SHARED_ANONYMOUS)]
    lines += _where(_MMAP[column], [*flags, (_EQUAL, 0, 1, _SHARED_ANONYMOUS), no])
    # not dumpable would hide a process's memory from the watchdog; a core of one's own takes it from a neighbour
    options = [_argument(0), (_EQUAL, 1, 0, _PR_SET_DUMPABLE), (_EQUAL, 0, 1, _PR_SCHED_CORE), no]
    lines += _where(_PRCTL[column], options)
    # a limit of 0 in the place of ours would hand each crash to the machine's own collector of core dumps
    lines += _where(_SETRLIMIT[column], [_argument(0), (_EQUAL, 0, 1, _RLIMIT_CORE), no])
    lines += _where(_PRLIMIT[column], [_argument(1), (_EQUAL, 0, 1, _RLIMIT_CORE), no])
    lines += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def prepare() -> None:
    """Make the filter before the fork, once for all runs."""
    if platform.machine() in _ARCHITECTURE:
        program(platform.machine())


def install(loopback: bool = False) -> None:
    """Put the filter on this process and all it will start; OSError where the kernel has none."""
    machine = platform.machine()
    if machine not in _ARCHITECTURE:
        return  # the canaries say what that leaves open
    code = program(machine, loopback)
    linux.prctl_pointer(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(_Program(len(code) // 8, code)))
