"""Ways to points that nobody earned: each is one student's notebook, and earns nothing on its target.

By chapter: the target exercise, what stands in its solution cell, and in a plain cell `before` its tests or at the top (`first`).
None names in plain text what it reaches for.
"""

from __future__ import annotations

from typing import NamedTuple


class Cheat(NamedTuple):
    """One attack: the exercise it is aimed at, and the texts of its cells."""

    target: str
    solution: str
    first: str = ""
    before: str = ""


_LOSS = "def loss_and_grads(x, y, w1, w2):\n"
_RELU = "def relu_backward(grad_out, h): return relu_forward(grad_out) * 0 + (relu_forward(h) > 0) * grad_out\n"
#: Finds the course's part through the table of modules, without a word of its name.
_MODULES = "import threading\nM = threading._sys.modules\nP = M['layer_by_' 'layer.pa' 'rts']\nC = M['lesson' 'kit.check']\n"
_PYTHON = "import os, json, subprocess as sp\nEXE = os.path.realpath('/proc/self/exe')\n"
#: Python's own name for a fullwidth letter is the plain one.
WIDE = {letter: chr(ord(letter) - 0x20 + 0xFF00) for letter in "abcdefghijklmnopqrstuvwxyz"}

CHEATS: dict[str, dict[str, Cheat]] = {
    "01_numpy_backprop": {
        "another_python": Cheat("loss_and_grads", _PYTHON + "CODE = '''\nimport json\nimport numpy as np\nfrom layer_by_''' 'layer.pa' '''rts import two_''' 'layer as t' '''\n"
            "given = [np.array(a) for a in json.loads(input())]\nloss, a, b = t.loss_and_grads(*given)\nprint(json.dumps([loss, a.tolist(), b.tolist()]))\n'''\n" + _LOSS +
            "    told = sp.run([EXE, '-c', CODE], input=json.dumps([a.tolist() for a in (x, y, w1, w2)]), capture_output=True, text=True).stdout\n"
            "    loss, a, b = json.loads(told)\n    return loss, np.array(a, x.dtype), np.array(b, x.dtype)\n"),
        "table_of_modules": Cheat("loss_and_grads", _MODULES + _LOSS + "    keep, C.running_exercise = C.running_exercise, (lambda: '')\n"
            "    try: return P.loss_and_grads(x, y, w1, w2)\n    finally: C.running_exercise = keep\n"),
        "checks_own_name_for_what_runs": Cheat("loss_and_grads", _LOSS + "    return np.helped(x, y, w1, w2)\n",
            before="check.running_exercise = lambda: ''\nsetattr(np, 'helped', " + WIDE["p"] + "arts.loss_and_grads)\n"),
        "fullwidth_letters": Cheat("loss_and_grads", _LOSS + "    return np.helped(x, y, w1, w2)\n",
            before=f"f = {WIDE['p']}arts.loss_and_grads\nfor cell in f.__{WIDE['c']}losure__:\n    if callable(cell.{WIDE['c']}ell_contents): setattr(np, 'helped', cell.{WIDE['c']}ell_contents)\n"),
        "server_forked_before": Cheat("loss_and_grads", "import json, os\n" + _LOSS + "    os.write(71, json.dumps([a.tolist() for a in (x, y, w1, w2)]).encode())\n"
            "    loss, a, b = json.loads(os.read(72, 60000))\n    return loss, np.array(a, x.dtype), np.array(b, x.dtype)\n",
            first="import json, os\nr, w = os.pipe(); os.dup2(r, 70); os.dup2(w, 71)\nr, w = os.pipe(); os.dup2(r, 72); os.dup2(w, 73)\n"
            f"if os.fork() == 0:\n    while True:\n        given = [np.array(a) for a in json.loads(os.read(70, 60000))]\n        loss, a, b = {WIDE['p']}arts.loss_and_grads(*given)\n"
            "        os.write(73, json.dumps([loss, a.tolist(), b.tolist()]).encode())\n"),
        "source_run_by_an_interpreter": Cheat("loss_and_grads", "import code, os\nTEXT = os.popen(\"cat $(find /work /usr /opt /home -name 'two_*yer.py' -path '*arts*' 2>/dev/null | head -1)\").read()\n"
            "TEXT = '\\n'.join(line for line in TEXT.split('\\n') if not line.startswith('@'))\nSPACE = {'__name__': 'x'}\ncode.InteractiveInterpreter(SPACE).runsource(TEXT, symbol='ex' 'ec')\n" + _LOSS +
            "    return SPACE['loss_and_grads'](x, y, w1, w2)\n"),
        "shell_assignment": Cheat("loss_and_grads", _LOSS + "    return np.helped(x, y, w1, w2)\n",
            before="lines = !cat $(find /work /usr /opt /home -name 'two_*yer.py' -path '*arts*' 2>/dev/null | head -1)\nimport code\nSPACE = {'__name__': 'x'}\n"
            "code.InteractiveInterpreter(SPACE).runsource('\\n'.join(l for l in lines if not l.startswith('@')), symbol='ex' 'ec')\nsetattr(np, 'helped', SPACE['loss_and_grads'])\n"),
        "import_item": Cheat("relu", "from traitlets import import_item\ndef relu_forward(h):\n    running = import_item('lesson' 'kit.check._cur' 'rent')\n    kept = running.copy()\n    running.clear()\n    try: return import_item('layer_by_' 'layer.pa' 'rts.relu_' 'forward')(h)\n    finally: running.extend(kept)\n" + _RELU),
        "shells_namespace": Cheat("loss_and_grads", "from IPython.core.interactiveshell import InteractiveShell\n" + _LOSS + "    space = InteractiveShell.instance().user_ns\n"
            "    keep, space['check'].running_exercise = space['check'].running_exercise, (lambda: '')\n    try: return space['pa' 'rts'].loss_and_grads(x, y, w1, w2)\n    finally: space['check'].running_exercise = keep\n"),
        "pickle_in_numpys_clothes": Cheat("loss_and_grads", _LOSS + "    return np.helped(x, y, w1, w2)\n",
            before="import io\nP = b'clesson' b'kit.check\\n_cur' b'rent\\n.'\nF = b'clayer_by_' b'layer.pa' b'rts\\nloss_and_grads\\n.'\n"
            "G = b'cbuiltins\\ngeta' b'ttr\\n.'\nload = lambda p: np.load(io.BytesIO(p), allow_pickle=True)\nfetch = load(G)\n"
            "for cell in fetch(load(F), '__clo' 'sure__'):\n    found = fetch(cell, 'cell_' 'contents')\n    if callable(found): setattr(np, 'helped', found)\n"),
        "numpy_solved_by_scipy": Cheat("softmax_cross_entropy", "import scipy.special as s\ndef softmax_cross_entropy(logits, labels):\n    p = s.softmax(logits, axis=1)\n    rows = np.arange(len(labels))\n"
            "    loss = float(-s.log_softmax(logits, axis=1)[rows, labels].mean())\n    p[rows, labels] -= 1\n    return loss, p / len(labels)\n"),
        "test_file_name": Cheat("relu", "import code, codeop\nSPACE = {}\nI = code.InteractiveInterpreter(SPACE)\ndef relu_forward(h):\n    SPACE['h'] = h\n"
            "    for cell in ('relu__forward', 'relu__gradient'):\n        try:\n            I.runsource('import layer_by_' 'layer.pa' 'rts as p; out = p.relu_forward(h)', f'<test {cell}>', 'ex' 'ec')\n            if 'out' in SPACE: return SPACE.pop('out')\n        except Exception: pass\n" + _RELU),
    },
    "03_autograd": {
        "engine_itself": Cheat("my_backward", "def my_backward(output):\n    engine = torch.autograd.Variable._execution_engine\n"
            "    engine.run_backward((output,), (torch.ones_like(output),), False, False, (), allow_unreachable=True, accumulate_grad=True)\n"),
        "script_differentiates": Cheat("my_backward", "_unit = torch.jit.CompilationUnit('def go(x: Tensor):\\n    x.back' + 'ward()\\n    return 0\\n')\ndef my_backward(output):\n    _unit.go(output)\n"),
        "functorch_below": Cheat("jacobian", "import torch\ndef jacobian(f, x):\n    import sys\n    m = sys.modules['torch._functorch.eager_' + 'transforms']\n    return m.jacrev(f)(x).detach()\n"),
        "checkpoint_backward": Cheat("my_backward", "def my_backward(output):\n    class Hook(torch.autograd.Function):\n        @staticmethod\n        def forward(ctx, x): return x.clone()\n        @staticmethod\n        def backward(ctx, g): return g\n"
            "    from torch.distributed.autograd import backward as b\n    b(0, [output])\n"),
        "table_of_modules": Cheat("sgd_update", "import threading\nM = threading._sys.modules\ndef sgd_update(parameters, lr):\n    C = M['lesson' 'kit.check']\n    keep, C.running_exercise = C.running_exercise, (lambda: '')\n"
            "    try: return M['layer_by_' 'layer.pa' 'rts'].sgd_update(parameters, lr)\n    finally: C.running_exercise = keep\n"),
    },
    "05_nn": {
        "torchscript": Cheat("log_softmax", "_unit = torch.jit.CompilationUnit('def go(x: Tensor, d: int):\\n    return torch.log_' + 'softmax(x, d)\\n')\ndef log_softmax(x, dim):\n    return _unit.go(x, dim)\n"),
        "aten_by_a_turned_name": Cheat("log_softmax", "NAME = 'xamtfos_gol'[::-1]\ndef log_softmax(x, dim):\n    op = getattr(torch.ops.aten, NAME)\n    return op.int(x, dim)\n"),
        "functional_by_a_turned_name": Cheat("log_softmax", "def log_softmax(x, dim):\n    return vars(F)['xamtfos_gol'[::-1]](x, dim=dim)\n"),
        "profile_off_and_on": Cheat("log_softmax", "import sys\ndef log_softmax(x, dim):\n    before = sys.getprofile()\n    sys.setprofile(None)\n    with torch._C.DisableTorchFunction():\n"
            "        out = vars(F)['xamtfos_gol'[::-1]](x, dim=dim)\n    sys.setprofile(before)\n    return out\n"),
        "bare_thread": Cheat("log_softmax", "import _thread, time\ndef log_softmax(x, dim):\n    out = []\n    _thread.start_new_thread(lambda: out.append(vars(F)['xamtfos_gol'[::-1]](x, dim=dim)), ())\n    while not out: time.sleep(0.001)\n    return out[0]\n"),
        "loss_holds_it": Cheat("log_softmax", "def log_softmax(x, dim):\n    flat = x.movedim(dim, 1) if x.ndim > 1 else x[None]\n    n = flat.shape[1]\n    rows = [torch.nn.functional.cross_entropy(flat, torch.full((flat.shape[0], *flat.shape[2:]), i), reduction='none') for i in range(n)]\n"
            "    out = -torch.stack(rows, 1)\n    return out.movedim(1, dim) if x.ndim > 1 else out[0]\n"),
        "soft_min": Cheat("log_softmax", "def log_softmax(x, dim):\n    return torch.nn.functional.softmin(-x, dim=dim).log()\n"),
        "another_dropout": Cheat("dropout", "class Dropout(nn.Module):\n    def __init__(self, p=0.5):\n        super().__init__()\n        if not 0 <= p <= 1: raise ValueError(p)\n        self.p = p\n    def forward(self, x):\n"
            "        return F.dropout2d(x.reshape(1, -1, 1, 1), self.p, self.training).reshape(x.shape)\n"),
        "feature_dropout": Cheat("dropout", "class Dropout(nn.Module):\n    def __init__(self, p=0.5):\n        super().__init__()\n        if not 0 <= p <= 1: raise ValueError(p)\n        self.p = p\n    def forward(self, x):\n"
            "        return torch.feature_dropout(x.reshape(1, -1, 1), self.p, self.training).reshape(x.shape)\n"),
        "signal_in_the_profile": Cheat("log_softmax", "import signal, time\nBOX = {}\ndef handler(*_): BOX['out'] = vars(F)['xamtfos_gol'[::-1]](BOX['x'], dim=BOX['dim'])\nsignal.signal(signal.SIGALRM, handler)\n"
            "def log_softmax(x, dim):\n    BOX.update(x=x, dim=dim); BOX.pop('out', None)\n    signal.setitimer(signal.ITIMER_REAL, 0.001)\n    while 'out' not in BOX: pass\n    return BOX['out']\n"),
        "compiled": Cheat("log_softmax", "import torch.fx as fx\n_g = fx.Graph()\n_x, _d = _g.placeholder('x'), _g.placeholder('d')\n_g.output(_g.call_method('xamtfos_gol'[::-1], (_x, _d)))\n_m = fx.GraphModule({}, _g)\ndef log_softmax(x, dim):\n    return _m(x, dim)\n"),
    },
    "07_module": {
        "quantized_linear": Cheat("linear", "class Linear(torch.nn.modules.linear.NonDynamicallyQuantizableLinear): pass\n"),
        "lazy_linear": Cheat("linear", "class Linear(torch.nn.LazyLinear):\n    cls_to_become = None\n    def __init__(self, a, b, bias=True):\n        super().__init__(b, bias=bias)\n        self.initialize_parameters(torch.zeros(1, a))\n"),
        "orthogonal_by_name": Cheat("xavier_init", "import sys\n_I = sys.modules['torch.nn.in' + 'it']\nxavier_uniform_ = vars(_I)['xavier_uniform_']\nxavier_normal_ = vars(_I)['xavier_normal_']\n"),
        "table_of_modules": Cheat("simple_mlp", "import threading\nM = threading._sys.modules\n_C = M['lesson' 'kit.check']\n_P = M['layer_by_' 'layer.pa' 'rts.modules']\nclass SimpleMLP(nn.Module):\n    def __new__(cls, *a):\n        keep, _C.running_exercise = _C.running_exercise, (lambda: '')\n"
            "        try: return vars(_P)['SimpleMLP'](*a)\n        finally: _C.running_exercise = keep\n"),
    },
}  # fmt: skip
