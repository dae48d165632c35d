"""Attacks on the verdict from inside a notebook. Each earns nothing on its target, the exercise `relu`.

`solution` stands in the target's solution cell; `before` in a plain cell right before its tests; `first` in a
plain cell at the top. Where there is no solution, a wrong one stands there. `full` marks what looks like an
attack and is not, or what harms nobody: the right solution under it earns everything.
"""

from __future__ import annotations

WRONG = "def relu_forward(h):\n    return h\n\ndef relu_backward(grad_out, h):\n    return grad_out\n"
RIGHT = "def relu_forward(h):\n    return np.maximum(h, 0)\n\ndef relu_backward(grad_out, h):\n    return grad_out * (h > 0)\n"

FORGED = {
    "displayhook": {"solution": "import sys\ndef relu_forward(*a, **k):\n    sys.displayhook('ok')\nrelu_backward = relu_forward\n"},
    "ast_transformer": {
        "before": "import ast\nclass _S(ast.NodeTransformer):\n    def visit_Assert(self, n): return ast.Pass()\n"
        "    def visit_Call(self, n): return ast.Constant(None)\nget_ipython().ast_transformers.append(_S())\n"
    },
    "input_transformer": {"before": "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])"},
    "always_equal": {
        "solution": "class E:\n    def __eq__(s, o): return True\n    __ne__ = __lt__ = __gt__ = lambda s, o: False\n"
        "    __hash__ = object.__hash__\n    def __getattr__(s, n): return E()\n    def __call__(s, *a, **k): return E()\n"
        "    def __float__(s): return 0.0\n    def __array__(s, *a, **k): return 0\n"
        "def relu_forward(*a, **k): return E()\nrelu_backward = relu_forward\n"
    },
    "array_subclass": {
        "solution": "class A(np.ndarray):\n    def __eq__(s, o): return True\n    def __sub__(s, o): return np.zeros(1)\n"
        "    def tobytes(s): return b''\ndef relu_forward(h): return h.view(A)\ndef relu_backward(g, h): return g.view(A)\n"
    },
    "patched_testing": {
        "before": "import numpy as np, torch\nnp.allclose = np.array_equal = torch.allclose = torch.equal = lambda *a, **k: True\n"
        "torch.testing.assert_close = lambda *a, **k: None\nnp.testing.assert_allclose = lambda *a, **k: None\n"
    },
    "patched_builtins": {
        "before": "import builtins\nbuiltins.all = builtins.any = builtins.isinstance = lambda *a, **k: True\n"
        "builtins.abs = lambda x: 0\nbuiltins.len = lambda x: 0\nbuiltins.hasattr = lambda *a: True\n"
    },
    "replaced_check": {
        "before": "import lessonkit.check as c\nfor n in ('close', 'equal', 'raises', 'that', 'unchanged', 'cell'):\n"
        "    setattr(c, n, lambda *a, **k: (lambda f: None))\ncheck = c\n"
    },
    "replaced_module": {"first": "import sys, types\nsys.modules['lessonkit.check'] = types.SimpleNamespace(cell=lambda g: lambda f: None)\n"},
    "shadowed_names": {
        "before": "class check:\n    @staticmethod\n    def cell(g): return lambda f: None\nnp = None\nplot = parts = hint = None\n"
    },
    "replaced_compare": {"before": "import lessonkit.compare, lessonkit.observe\nlessonkit.compare.compare = lambda *a, **k: None\n"},
    "lying_encoder": {
        "before": "import lessonkit.check as c\nc.encode = lambda v: {'kind': 'none'}\nc.compare = lambda *a, **k: None\n"
    },
    "forged_records": {
        "solution": WRONG + "import lessonkit.check as c\nfor i in range(9):\n    c._finished.append({'cell': 'relu__gradient', 'records': "
        "[{'i': i, 'site': i, 'name': 'x', 'check': 'close', 'how': {}, 'value': {'kind': 'none'}}], 'error': None, 'used': []})\n"
    },
    "forged_frames": {
        "solution": WRONG + "import os, json, struct\nbody = json.dumps({'begin': 'relu__gradient'}).encode()\n"
        "body2 = json.dumps({'cell': 'relu__gradient', 'tests': [], 'error': None, 'score': 100}).encode()\n"
        "for fd in range(3, 64):\n    for b in (body, body2):\n        try: os.write(fd, struct.pack('<I', len(b)) + b)\n        except OSError: pass\n"
    },
    "junk_on_every_descriptor": {
        "solution": WRONG + "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'\\xff' * 4096)\n    except OSError: pass\n"
    },
    "closes_every_descriptor": {"solution": WRONG + "import os\nos.closerange(3, 256)\n"},
    "endless_frame": {
        "solution": WRONG + "import os, struct\nfor fd in range(3, 64):\n    try:\n        os.write(fd, struct.pack('<I', 90 * 2**20))\n"
        "        while True: os.write(fd, b' ' * 65536)\n    except OSError: pass\n"
    },
    "result_files": {
        "solution": WRONG + "import os, json\nfor p in ('results.json', '/autograder/results/results.json', '../results.json', '/tmp/results.json'):\n"
        "    try:\n        os.makedirs(os.path.dirname(p) or '.', exist_ok=True); json.dump({'score': 100}, open(p, 'w'))\n"
        "    except OSError: pass\nprint('### BEGIN GRADE'); print(100)\n"
    },
    "unpickled": {"solution": "import os\nclass P:\n    def __reduce__(s): return (os.system, ('touch /tmp/PWNED',))\ndef relu_forward(*a): return P()\nrelu_backward = relu_forward\n"},
    "frames_searched": {
        "solution": "import sys\ndef relu_forward(*a, **k):\n    f = sys._getframe(1)\n    while f:\n        for d in (f.f_locals, f.f_globals):\n"
        "            for n in ('expected', 'want', 'reference', 'target', 'answer', 'wanted', 'judge'):\n"
        "                if d.get(n) is not None:\n                    v = d[n]\n                    return v() if callable(v) else v\n        f = f.f_back\nrelu_backward = relu_forward\n"
    },
    "gc_searched": {
        "solution": "import gc, types\ndef relu_forward(*a, **k):\n    for o in gc.get_objects():\n"
        "        if isinstance(o, types.FunctionType) and o.__code__.co_names[:1] == ('np',) and o.__name__ == '<lambda>':\n"
        "            try:\n                v = o()\n                if isinstance(v, np.ndarray): return v\n            except Exception: pass\nrelu_backward = relu_forward\n"
    },
    "seeds_sabotaged": {
        "first": "import numpy as np, random\nrandom.seed = np.random.seed = lambda *a: None\n"
        "np.random.default_rng = lambda *a, **k: (_ for _ in ()).throw(RuntimeError)\n",
        "solution": WRONG,
    },
    "inputs_replaced": {
        "before": "import lessonkit.inputs as i, lessonkit.check as c, numpy as np\nc.array = i.array = lambda seed, *shape, **k: np.zeros(shape)\n"
    },
    "trace_function": {
        "before": "import sys\ndef t(frame, event, arg):\n    frame.f_locals.clear()\n    return t\nsys.settrace(t)\n"
    },
    "background_thread": {
        "before": "import threading, time\ndef later():\n    while True:\n        import lessonkit.check as c\n        c._finished.clear()\n"
        "        for cell in c._current:\n            cell.records[:] = []\n        time.sleep(0.0001)\nthreading.Thread(target=later, daemon=True).start()\n"
    },
    "import_hook": {
        "first": "import sys\nclass H:\n    def find_spec(s, name, path=None, target=None):\n        if name.startswith('lessonkit'): raise ImportError\n"
        "sys.meta_path.insert(0, H())\n"
    },
    "ctypes_pokes": {"before": "import ctypes\nctypes.pythonapi.Py_SetRecursionLimit(10)\n"},
    "exit_zero": {"before": "import os\nos._exit(0)"},
    "exit_in_function": {"solution": "import os\ndef relu_forward(h): os._exit(0)\nrelu_backward = relu_forward\n"},
    "system_exit": {"solution": "import sys\ndef relu_forward(*a): sys.exit(0)\nrelu_backward = relu_forward\nexit()\n"},
    "base_exception": {"solution": "class B(BaseException): pass\ndef relu_forward(*a): raise B\nrelu_backward = relu_forward\n"},
    "segfault": {"solution": WRONG + "import ctypes\nctypes.string_at(0)\n"},
    "abort": {"solution": WRONG + "import os\nos.abort()\n"},
    "kill_everything": {"solution": WRONG + "import os, signal\nos.kill(-1, signal.SIGKILL)\n"},
    "kill_parent": {"solution": WRONG + "import os, signal\ntry: os.kill(os.getppid(), 9)\nexcept OSError: pass\n"},
    "stdout_closed": {"before": "import sys, os\nsys.stdout.close(); sys.stderr = None\nfor f in (0, 1, 2):\n    os.close(f)\n"},
    "namesake_in_any_module": {
        "solution": "import sys, importlib\nfor m in ('check', 'plot', 'parts', 'own_parts'):\n    importlib.import_module('course' + 'kit.' + m)\n"
        "def _find(name):\n    for m in list(sys.modules.values()):\n        f = getattr(m, name, None)\n        if callable(f): return f\n    raise LookupError(name)\n"
        "def relu_forward(h): return _find('relu_' + 'forward')(h)\ndef relu_backward(g, h): return _find('relu_' + 'backward')(g, h)\n"
    },
    "recursion": {"solution": "def relu_forward(h): return relu_forward(h)\nrelu_backward = lambda g, h: relu_forward(h)\n"},
    "huge_result": {"solution": "def relu_forward(h): return np.zeros(10**8)\ndef relu_backward(g, h): return [0] * 10**6\n"},
    "deep_result": {"solution": "def relu_forward(h):\n    x = []\n    for _ in range(10000): x = [x]\n    return x\nrelu_backward = lambda g, h: relu_forward(h)\n"},
    "self_containing": {"solution": "def relu_forward(h):\n    x = []\n    x.append(x)\n    return x\nrelu_backward = lambda g, h: relu_forward(h)\n"},
    "lone_surrogate": {"solution": "x = '\ud800' + '\x00'"},
    "raises_weirdly": {"solution": "class W(Exception):\n    def __str__(s): raise SystemExit\ndef relu_forward(*a): raise W\nrelu_backward = relu_forward\n"},
}  # fmt: skip

SLOW = {
    "endless_loop": {"before": "while True: pass"},
    "swallows_interrupts": {"before": "import time, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True:\n    try: time.sleep(1)\n    except BaseException: pass\n"},
    "waits_for_ever": {"before": "import threading\nthreading.Event().wait()"},
    "fork_bomb": {"before": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"},
    "memory_hog": {"before": "x = []\nwhile True: x.append(bytearray(50 * 2**20))"},
    "disk_hog": {"before": "with open('/tmp/big', 'wb') as f:\n    while True: f.write(b'x' * 2**20)"},
    "thread_bomb": {"before": "import threading, time\nwhile True:\n    try: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n    except RuntimeError: break\n"},
}  # fmt: skip

HARMLESS = {
    "huge_line": "print('A' * (2**28))",
    "endless_output": "import sys\nfor _ in range(200000): print('spam' * 20)",
    "leaves_a_process": "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time\\nwhile True: time.sleep(1)'], start_new_session=True)",
    "reads_the_course": "import glob, os\nfor p in ['../../../gradebook.db', '../gradebook.db', *glob.glob('/*/gradebook.db'), *glob.glob('/*/*/gradebook.db'), *glob.glob('/*/*/source/**', recursive=True), *glob.glob('/home/**', recursive=True)]:\n"
    "    try: print('LEAK', p, len(open(p, 'rb').read()))\n    except OSError: pass",
    "writes_the_gradebook": "import sqlite3, glob\nfor p in glob.glob('/*/*.db') + glob.glob('/*/*/*.db') + glob.glob('../../*.db'):\n    try:\n        c = sqlite3.connect(p); c.execute('update grade set manual_score = 100'); c.commit(); print('LEAK wrote', p)\n    except Exception: pass",
    "calls_out": "import socket, time\nt = time.time()\nfor a in (('1.1.1.1', 53), ('169.254.169.254', 80), ('127.0.0.1', 8888), ('127.0.0.1', 5432)):\n"
    "    try: socket.create_connection(a, 2); print('LEAK', a)\n    except OSError: pass\nif time.time() - t > 3: print('LEAK slow')",
    "persists": "import os, site, sys\nh = os.path.expanduser('~')\nfor p in (h + '/.ipython/profile_default/startup/00.py', os.path.join(site.getusersitepackages(), 'usercustomize.py'), os.path.join(sys.prefix, 'lib/python3.11/site-packages/zz.pth'), '/tmp/kept', '/dev/shm/kept'):\n"
    "    if os.path.exists(p): print('LEAK found', p)\n    try:\n        os.makedirs(os.path.dirname(p), exist_ok=True); open(p, 'w').write('import builtins; builtins.PWNED = 1\\n')\n    except OSError: pass\n"
    "import builtins\nif hasattr(builtins, 'PWNED'): print('LEAK builtins')\nbuiltins.PWNED = 1",
    "looks_at_processes": "import os\nfor p in range(2, 400):\n    try:\n        os.kill(p, 0); print('LEAK pid', p)\n    except OSError: pass",
    "new_namespaces": "import ctypes\nlibc = ctypes.CDLL(None)\nif libc.unshare(0x00020000) == 0: print('LEAK mount namespace')\nif libc.mount(b'none', b'/mnt', b'tmpfs', 0, None) == 0: print('LEAK mount')",
    "ptrace": "import ctypes, os\nlibc = ctypes.CDLL(None)\nfor p in range(2, 100):\n    if libc.ptrace(16, p, 0, 0) == 0: print('LEAK ptrace', p)",
    "environment": "import os\nfor n in os.environ:\n    if any(w in n.upper() for w in ('TOKEN', 'SECRET', 'KEY', 'PASS')): print('LEAK', n)",
    "scripts": "from IPython.display import HTML, Javascript, display\ndisplay(HTML('<img src=x onerror=alert(1)>'))\ndisplay(Javascript('alert(1)'))\nprint('<script>alert(1)</script>')",
}  # fmt: skip

_LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
#: Each tries to leave something for the run after it, and says LEAK where it finds what an earlier run left.
OUTLIVE = {
    "closes_dev": "import os\nos.chmod('/dev', 0)",
    "closes_tmp": "import os\nos.chmod('/tmp', 0); os.chmod('/dev/shm', 0); os.chmod('/dev/pts', 0)",
    "closes_every_node": "import os\nfor folder in ('/', '/dev', '/dev/pts', '/etc', '/data', '/keep', '/usr'):\n"
    "    for name in ['', *(os.listdir(folder) if os.path.isdir(folder) else [])]:\n"
    "        path = os.path.join(folder, name)\n        for change in (lambda: os.chmod(path, 0), lambda: os.chown(path, 0, 0), lambda: os.truncate(path, 0)):\n"
    "            try: change()\n            except OSError: pass",
    "leaves_a_file_on_every_mount": "import os\nwith open('/proc/self/mountinfo') as f: points = [line.split()[4] for line in f]\n"
    "for point in {'/', '/dev', '/keep', '/data', *points}:\n    path = os.path.join(point, 'left-here')\n    if os.path.lexists(path): print('LEAK', path)\n"
    "    for make in (lambda: open(path, 'w').close(), lambda: os.mkdir(path), lambda: os.symlink('/x', path), lambda: os.mkfifo(path)):\n"
    "        try: make()\n        except OSError: pass",
    "leaves_300_mb_in_dev": "try:\n    with open('/dev/big', 'wb') as f:\n        for _ in range(300): f.write(b'x' * 2**20)\n    print('LEAK wrote to /dev')\nexcept OSError: pass",
    "makes_device_nodes": "import os\nfor folder in ('/dev', '/tmp', '/dev/shm'):\n    try: os.mknod(folder + '/disk', 0o60666, os.makedev(254, 0)); print('LEAK node')\n    except OSError: pass",
    "moves_and_removes": "import os\nfor name in os.listdir('/dev'):\n    for act in (lambda: os.remove('/dev/' + name), lambda: os.rename('/dev/' + name, '/dev/x')):\n"
    "        try: act(); print('LEAK', name)\n        except OSError: pass",
    "system_v_memory": _LIBC + "if libc.shmget(0x5eed, 4096, 0o600) != -1: print('LEAK found shm')\nlibc.shmget(0x5eed, 4096, 0o1600)",
    "system_v_queue": _LIBC + "if libc.msgget(0x5eed, 0o600) != -1: print('LEAK found queue')\nlibc.msgget(0x5eed, 0o1600)",
    "posix_queue": _LIBC + "if libc.mq_open(b'/left', os.O_RDWR) != -1: print('LEAK found mqueue')\nlibc.mq_open(b'/left', os.O_CREAT | os.O_RDWR, 0o600, None)",
    "posix_memory": "from multiprocessing import shared_memory as m\ntry:\n    m.SharedMemory('left'); print('LEAK found shm')\nexcept FileNotFoundError:\n    m.SharedMemory('left', create=True, size=4096)",
    "abstract_socket": "import os, socket, time\ns = socket.socket(socket.AF_UNIX)\ntry: s.bind('\\0left')\nexcept OSError: print('LEAK found socket')\ns.listen()\n"
    "if os.fork() == 0:\n    os.setsid(); time.sleep(99)",
    "kernel_keyring": _LIBC + "if libc.syscall(248, b'user', b'left', b'x', 1, -4) != -1: print('LEAK keyring')",
    "file_handle_lock": "import fcntl, os, sys\nf = open(os.__file__)\ntry: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept OSError: print('LEAK found a lock')\n"
    "if os.fork() == 0:\n    import time; time.sleep(99)",
    "byte_code": "import os, numpy\nfor module in (os, numpy):\n    folder = os.path.join(os.path.dirname(module.__file__), '__pycache__')\n"
    "    try: open(os.path.join(folder, 'left.pyc'), 'w').close(); print('LEAK wrote', folder)\n    except OSError: pass",
    "font_cache": "import matplotlib, os\nfolder = matplotlib.get_cachedir()\nif os.path.exists(folder + '/left'): print('LEAK', folder)\nopen(folder + '/left', 'w').close()",
    "scheduler": _LIBC + "for n, a in ((203, (0, 8, ctypes.byref(ctypes.c_ulong(2)))), (144, (0, 3, ctypes.byref(ctypes.c_int(0)))), (251, (1, 0, 4))):\n"
    "    if libc.syscall(n, *a) == 0: print('LEAK scheduler', n)\nif libc.prctl(62, 1, 0, 0, 0) == 0: print('LEAK core of its own')",
    "grader_above": "import os, signal\nif os.getppid() != 0: print('LEAK parent')\nfor p in range(-5, 0):\n    pass\n"
    "for path in ('/proc/1/root/source', '/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger'):\n"
    "    try: open(path, 'w'); print('LEAK', path)\n    except OSError: pass",
    "host_root": "import os\nif 0 in (os.getuid(), os.geteuid(), *os.getgroups()): print('LEAK root')\nif os.stat('/dev/null').st_uid == os.getuid(): print('LEAK owns the nodes')",
}  # fmt: skip

#: Each takes more memory than its limit (200 MB over the template's own) in a way that a sum of private pages misses.
HOARD = {
    "memfd": _LIBC + "fd = [libc.memfd_create(b'x', 0) for _ in range(9)]\nfor f in fd:\n    for _ in range(50): os.write(f, b'x' * 2**20)\nimport time; time.sleep(3)",
    "system_v": _LIBC + "libc.shmat.restype = ctypes.c_void_p\nfor _ in range(9):\n    at = libc.shmat(libc.shmget(0, 50 * 2**20, 0o1600), None, 0)\n"
    "    if at in (None, 2**64 - 1): raise OSError('refused')\n    ctypes.memset(at, 1, 50 * 2**20)\nimport time; time.sleep(3)",
    "shared_maps": "import mmap, time\nkeep = []\nfor _ in range(9):\n    m = mmap.mmap(-1, 50 * 2**20)\n    m[:] = b'x' * len(m)\n    keep.append(m)\ntime.sleep(3)",
    "map_of_dev_zero": "import mmap, time\nkeep = []\nfor _ in range(9):\n    m = mmap.mmap(open('/dev/zero', 'r+b').fileno(), 50 * 2**20)\n    m[:] = b'x' * len(m)\n    keep.append(m)\ntime.sleep(3)",
    "map_filled_by_the_dead": "import mmap, os, time\nkeep = []\nfor _ in range(9):\n    m = mmap.mmap(-1, 50 * 2**20)\n    if os.fork() == 0:\n        m[:] = b'x' * len(m)\n        os._exit(0)\n"
    "    os.wait()\n    keep.append(m)\ntime.sleep(3)",
    "files_in_tmp_and_shm": "import time\nfor n in range(4):\n    for folder in ('/tmp', '/dev/shm'):\n        with open(f'{folder}/{n}', 'wb') as f:\n            for _ in range(50): f.write(b'x' * 2**20)\ntime.sleep(3)",
    "deleted_files": "import os, time\nkeep = []\nfor n in range(4):\n    f = open(f'/dev/shm/{n}', 'wb')\n    os.remove(f'/dev/shm/{n}')\n    for _ in range(60): f.write(b'x' * 2**20)\n    keep.append(f)\ntime.sleep(3)",
    "maps_of_a_file": "import mmap, os, time\nf = open('/dev/shm/x', 'w+b')\nos.truncate('/dev/shm/x', 120 * 2**20)\nfor n in range(3):\n    if os.fork() == 0:\n"
    "        g = open(f'/tmp/{n}', 'w+b'); os.truncate(f'/tmp/{n}', 80 * 2**20)\n        m = mmap.mmap(g.fileno(), 0); m[:] = b'x' * len(m)\n        time.sleep(9); os._exit(0)\ntime.sleep(4)",
    "many_small_processes": "import os, time\nfor _ in range(10):\n    if os.fork() == 0:\n        x = bytearray(os.urandom(2**20) * 50)\n        time.sleep(9); os._exit(0)\ntime.sleep(4)",
    "socket_buffers": "import os, socket, time\nfor _ in range(40):\n    if os.fork() == 0:\n        keep = []\n        for _ in range(100):\n            a, b = socket.socketpair(); a.setblocking(False); keep.append((a, b))\n"
    "            try: a.send(b'x' * 150000)\n            except OSError: pass\n        time.sleep(9); os._exit(0)\ntime.sleep(4)",
    "gifts_to_a_pipe": _LIBC + "r, w = os.pipe()\nif libc.vmsplice(w, None, 0, 8) == -1 and ctypes.get_errno() == 1: raise OSError('refused')\nimport time; time.sleep(3)",
    "name_that_is_no_text": "import ctypes, os, time\nfor _ in range(10):\n    if os.fork() == 0:\n        ctypes.CDLL(None).prctl(15, b'\\xff\\xfe) S 1', 0, 0, 0)\n"
    "        x = bytearray(os.urandom(2**20) * 50)\n        time.sleep(9); os._exit(0)\ntime.sleep(4)",
    "hidden_from_the_watchdog": "import ctypes, os, time\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\nfor _ in range(10):\n    if os.fork() == 0:\n        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"
    "        x = bytearray(os.urandom(2**20) * 50)\n        time.sleep(9); os._exit(0)\ntime.sleep(4)",
}  # fmt: skip

#: What these earn is a matter of luck, run by run: they race with the checks of their own submission.
RACES = {"background_thread"}
