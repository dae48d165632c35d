"""Where the data come from, what is said about it, and what happens where a source is missing or broken."""

import gzip
import hashlib
import http.server
import json
import os
import random
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from layer_by_layer import _mnist, _standin, data, torchvision_cure
from lessonkit import show

REAL = os.environ.get("COURSE_DATA")  # before the tests clear it


@pytest.fixture(scope="session")
def warm_home(tmp_path_factory):
    """Return a home folder whose cache holds the stand-in, made once."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("USERPROFILE", str(home))
        _standin.standin()
    return home


@pytest.fixture(autouse=True)
def _quiet_world(monkeypatch, warm_home):
    """Give every test the warm home, no variable of the course, and no network."""
    for name in ("COURSE_DATA", "COURSE_PREPARED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    monkeypatch.setenv("HOME", str(warm_home))
    monkeypatch.setenv("USERPROFILE", str(warm_home))
    monkeypatch.setattr(data, "_download_failed", [])


def write_mnist(root: Path, train: int = 50, test: int = 20, packed: bool = False) -> Path:
    """Write a small MNIST in its own format: image i is grey level i, its label i % 10."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, count in (("train", train), ("t10k", test)):
        head = b"".join(n.to_bytes(4, "big") for n in (0x803, count, 28, 28))
        images = head + np.repeat(np.arange(count, dtype=np.uint8), 784).tobytes()
        labels = (0x801).to_bytes(4, "big") + count.to_bytes(4, "big") + bytes(i % 10 for i in range(count))
        for kind, content in (("images-idx3", images), ("labels-idx1", labels)):
            path = raw / f"{name}-{kind}-ubyte"
            if packed:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
            else:
                path.write_bytes(content)
    return root


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, layer_by_layer.data, lessonkit.plot, lessonkit.train;"
        "heavy = ('torch', 'torchvision', 'matplotlib', 'sklearn', 'scipy', 'rich');"
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


# --- the stand-in


def test_the_stand_in_and_its_line(capsys):
    train, test = data.mnist()
    assert capsys.readouterr().out == (
        "data: offline stand-in from scikit-learn's digits (COURSE_OFFLINE is set), "
        "20,000 training and 359 test images\n"
    )
    image, label = train[0]
    assert image.shape == (1, 28, 28)
    assert image.dtype == torch.float32
    assert type(label) is int
    assert train.labels.dtype == torch.int64
    assert float(train.images.min()) == 0.0
    assert float(train.images.max()) == 1.0
    assert train.classes == list("0123456789")
    assert repr(test) == "ArraySet(359 images (1, 28, 28): offline stand-in from scikit-learn's digits)"
    assert 0.12 < float(train.images.mean()) < 0.18  # MNIST's own: 0.13 and 0.31
    assert 0.27 < float(train.images.std()) < 0.33


def test_the_stand_in_is_the_same_each_time_and_leaves_random_state_alone(monkeypatch, tmp_path):
    def fingerprint(arrays):
        return [hashlib.sha256(part.tobytes()).hexdigest() for pair in arrays for part in pair]

    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    cached = fingerprint(_standin.standin())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert fingerprint(_standin.standin()) == cached
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
    kept = [path.name for path in (tmp_path / ".cache" / "layer-by-layer").iterdir()]
    assert kept == ["standin-1.npz"]  # and no partial file


def test_the_held_out_fifth_is_stratified_and_only_scaled():
    (train, train_labels), (held_out, labels) = _standin.digits()
    assert (train.shape, held_out.shape) == ((1438, 64), (359, 64))
    assert set(np.bincount(labels)) <= {34, 35, 36, 37}
    assert (train.dtype, train_labels.dtype, train.min(), train.max()) == (np.float64, np.int64, 0.0, 1.0)
    assert not {row.tobytes() for row in train} & {row.tobytes() for row in held_out}
    scaled = _standin.standin()[1][0][0]
    box = scaled[4:24, 4:24].astype(float) / 255
    corners = box[np.ix_(range(1, 20, 5), range(1, 20, 5))]
    assert np.corrcoef(corners.ravel(), held_out[0].reshape(8, 8)[::2, ::2].ravel())[0, 1] > 0.8


def test_the_last_fifth_of_the_training_images_comes_from_digits_of_its_own(monkeypatch):
    monkeypatch.setattr(_standin, "_scaled", lambda *_: np.zeros((28, 28), np.uint8))
    _, sources = _standin._augmented(np.zeros((1438, 64)), np.arange(1438))
    cut = len(sources) - len(sources) // 5
    assert len(sources) >= 10_000
    assert not set(sources[:cut]) & set(sources[cut:])
    assert set(sources) == set(range(1438))


@pytest.fixture
def _cheap(monkeypatch):
    """Replace the drawing of training images, where a test is about files and not about pictures."""
    blank = np.zeros((_standin.COUNT, 28, 28), np.uint8), np.zeros(_standin.COUNT, np.int64)
    monkeypatch.setattr(_standin, "_augmented", lambda *_: blank)


@pytest.mark.usefixtures("_cheap")
def test_a_broken_cache_is_made_again(monkeypatch, tmp_path):
    monkeypatch.setattr(_standin, "cache_folder", lambda: tmp_path)
    path = tmp_path / "standin-1.npz"
    path.write_bytes(b"PK\x03\x04 cut off")
    assert _standin.standin()[0][0].shape == (20_000, 28, 28)
    assert _standin.read_arrays(path)[0].shape == (20_000, 28, 28)


@pytest.mark.usefixtures("_cheap")
@pytest.mark.parametrize("home", ["no home", "not writable"])
def test_a_home_that_cannot_be_used_costs_only_time(monkeypatch, tmp_path, home):
    (tmp_path / "file").write_text("")

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home if home == "no home" else lambda: tmp_path / "file")
    train, test = data.mnist()
    assert (len(train), len(test)) == (20_000, 359)


def test_limit_keeps_the_first_training_images_and_the_whole_test_set(capsys):
    train, test = data.standin(limit=100)
    assert (len(train), len(test)) == (100, 359)
    assert len(set(train.labels.tolist())) == 10
    assert capsys.readouterr().out == (
        "data: offline stand-in from scikit-learn's digits, 100 training and 359 test images\n"
    )
    with pytest.raises(ValueError, match=r"^limit is a number of training images, at least 1, not 0$"):
        data.mnist(limit=0)


def test_digits(capsys):
    (train, labels), (test, _) = data.digits()
    assert (train.shape, labels.shape, test.shape) == ((1438, 64), (1438,), (359, 64))
    assert capsys.readouterr().out == (
        "data: scikit-learn's 8 x 8 digits, 1,438 training and 359 test images\n"
    )


def test_nothing_is_printed_while_recording(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "/does/not/exist")
    monkeypatch.setattr(show, "_recording", [True])
    data.mnist()
    data.digits()
    assert capsys.readouterr() == ("", "")


# --- a copy on disk


@pytest.mark.parametrize("packed", [False, True])
def test_a_copy_that_course_data_names(monkeypatch, tmp_path, capsys, packed):
    monkeypatch.setenv("COURSE_DATA", str(write_mnist(tmp_path / "copy", packed=packed)))
    train, test = data.mnist()
    assert (
        capsys.readouterr().out == f"data: MNIST from {tmp_path / 'copy'}, 50 training and 20 test images\n"
    )
    assert train[7][1] == 7
    assert torch.equal(train[7][0], torch.full((1, 28, 28), 7 / 255))
    assert len(test) == 20


def test_a_copy_in_the_usual_cache(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(_standin, "cache_folder", lambda: tmp_path)
    write_mnist(tmp_path)
    assert len(data.mnist(limit=5)[0]) == 5
    assert capsys.readouterr().out == f"data: MNIST from {tmp_path}, 5 training and 20 test images\n"


EXPECTED = (
    "expected a folder with MNIST/raw/ and in it train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, plain or as .gz; using the stand-in instead"
)


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        (None, "does not exist"),
        ([], "holds no MNIST: found in it nothing"),
        (["a.csv", "b.csv"], "holds no MNIST: found in it a.csv, b.csv"),
        (["1", "2", "3", "4", "5", "6"], "holds no MNIST: found in it 1, 2, 3, 4 and 2 more"),
        (["MNIST/raw/train-images-idx3-ubyte"], "holds no MNIST: found in MNIST/raw train-images-idx3-ubyte"),
    ],
)
def test_a_course_data_without_mnist(monkeypatch, tmp_path, capsys, files, wrong):
    root = tmp_path / "copy"
    for name in files or []:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    if files == []:
        root.mkdir()
    monkeypatch.setenv("COURSE_DATA", str(root))
    data.mnist()
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"data: COURSE_DATA: {root} {wrong}; {EXPECTED}"
    assert second.startswith("data: offline stand-in")


def test_a_course_data_that_is_cut_off(monkeypatch, tmp_path, capsys):
    path = write_mnist(tmp_path) / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:5000])
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    data.mnist()
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"data: COURSE_DATA: {tmp_path} cannot be read: ")
    assert first.endswith("; using the stand-in instead")
    assert second.startswith("data: offline stand-in")


def test_torchvisions_own_data_set(monkeypatch, tmp_path):
    dataset = data.torchvision_mnist(write_mnist(tmp_path / "copy"), train=False)
    assert type(dataset).__module__ == "torchvision.datasets.mnist"
    image, label = dataset[7]
    assert torch.equal(image, torch.full((1, 28, 28), 7 / 255))
    assert (label, len(dataset)) == (7, 20)
    monkeypatch.setenv("COURSE_DATA", str(write_mnist(tmp_path / "packed", packed=True)))
    with pytest.raises(
        FileNotFoundError, match=r"packed holds MNIST only as \.gz; expected a folder with MNIST/raw/"
    ):
        data.torchvision_mnist()
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; expected a folder with MNIST/raw/"):
        data.torchvision_mnist(tmp_path / "nowhere")


@pytest.mark.skipif(not REAL, reason="COURSE_DATA names no MNIST")
def test_the_real_mnist(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", REAL)
    train, test = data.mnist()
    line = f"data: MNIST from {REAL}, 60,000 training and 10,000 test images\n"
    assert capsys.readouterr().out == line
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    raw = data.torchvision_mnist(REAL)
    assert torch.equal(raw[3][0], train[3][0])
    assert abs(float(train.images[:6000].mean()) - 0.1307) < 0.005


# --- the download


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Serve a folder as torchvision's mirror; yields the folder."""
    folder = tmp_path / "mirror"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    mnist = torchvision_cure.load().datasets.MNIST
    monkeypatch.setattr(mnist, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.delenv("COURSE_OFFLINE")
    monkeypatch.setattr(_standin, "cache_folder", lambda: tmp_path / "cache")
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_download_is_kept_and_read_from_the_cache_afterwards(mirror, tmp_path, monkeypatch, capsys):
    raw = write_mnist(tmp_path / "origin", packed=True) / "MNIST" / "raw"
    resources = []
    for name in _mnist.FILES:
        content = (raw / f"{name}.gz").read_bytes()
        (mirror / f"{name}.gz").write_bytes(content)
        resources.append((f"{name}.gz", hashlib.md5(content, usedforsecurity=False).hexdigest()))
    monkeypatch.setattr(torchvision_cure.load().datasets.MNIST, "resources", resources)
    data.mnist()
    captured = capsys.readouterr()
    assert captured.out == "data: MNIST from torchvision's download, 50 training and 20 test images\n"
    assert captured.err == ""
    assert sorted(path.name for path in (tmp_path / "cache/MNIST/raw").iterdir()) == sorted(_mnist.FILES)
    monkeypatch.setattr(_mnist, "download", None)
    data.mnist()
    assert (
        capsys.readouterr().out == f"data: MNIST from {tmp_path / 'cache'}, 50 training and 20 test images\n"
    )


@pytest.mark.usefixtures("_cheap")
def test_a_download_that_came_wrong_is_never_taken(mirror, tmp_path, capsys):
    for name in _mnist.FILES:
        (mirror / f"{name}.gz").write_bytes(b"half of it")
    data.mnist()
    captured = capsys.readouterr()
    assert captured.out == (
        "data: offline stand-in from scikit-learn's digits (MNIST could not be downloaded: "
        "File not found or corrupted.), 20,000 training and 359 test images\n"
    )
    assert captured.err == ""
    assert not (tmp_path / "cache" / "MNIST").exists()


@pytest.mark.usefixtures("_cheap", "mirror")
def test_without_a_network_it_fails_once_and_quietly(monkeypatch, capsys):
    mnist = torchvision_cure.load().datasets.MNIST
    monkeypatch.setattr(mnist, "mirrors", ["http://127.0.0.1:9/"])
    data.mnist()
    captured = capsys.readouterr()
    assert captured.out.startswith(
        "data: offline stand-in from scikit-learn's digits (MNIST could not be downloaded: no connection, Connection refused)"
    )
    assert captured.out.count("\n") == 1
    assert captured.err == ""
    monkeypatch.setattr(_mnist, "download", None)  # the second time nothing is tried
    data.mnist()
    assert capsys.readouterr().out == captured.out


# --- what graders prepare


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, warm_home):
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(warm_home))
        patch.setenv("USERPROFILE", str(warm_home))
        patch.delenv("COURSE_DATA", raising=False)
        patch.delenv("COURSE_OFFLINE", raising=False)
        patch.setattr(_mnist, "download", None)  # it would raise
        said = data.prepare(folder)
    return folder, said


def test_prepare_writes_six_files_and_never_downloads(prepared):
    folder, said = prepared
    assert said == "offline stand-in from scikit-learn's digits, 20,000 training and 1,077 held-out images"
    shapes = {}
    for path in sorted(folder.glob("*.npz")):
        images, labels = _standin.read_arrays(path)
        assert labels.dtype == np.int64
        shapes[path.name] = (str(images.dtype), *images.shape)
    assert shapes == {
        "digits_held_out.npz": ("float64", 1077, 64),
        "digits_train.npz": ("float64", 1797, 64),  # 1,438 to train on, and as many to test on as at the desk
        "mnist_held_out.npz": ("uint8", 1077, 28, 28),
        "mnist_train.npz": ("uint8", 20000, 28, 28),
        "standin_held_out.npz": ("uint8", 1077, 28, 28),
        "standin_train.npz": ("uint8", 20000, 28, 28),
    }


def test_what_a_gate_is_judged_on_cannot_be_made_again_from_what_a_run_can_read(prepared):
    folder, _ = prepared
    held_out = _standin.read_arrays(folder / "digits_held_out.npz")[0]
    plain = _standin.digits()[1][0]
    again = _standin.drawn_anew(*_standin.digits()[1], np.random.default_rng())[1][0]
    for theirs in (plain, again):
        known = {image.tobytes() for image in theirs}
        assert sum(image.tobytes() in known for image in held_out) < 0.05 * len(held_out)
    assert held_out.min() >= 0
    assert held_out.max() <= 1
    assert np.array_equal(held_out * 16, np.rint(held_out * 16))
    hidden = json.loads((folder / "hidden.json").read_text())
    assert [Path(name).name for name in hidden if "digits" in name]
    assert all(Path(name).is_file() for name in hidden)


def test_prepared_data_are_split_four_to_one(prepared, monkeypatch, capsys):
    folder, _ = prepared
    monkeypatch.setenv("COURSE_PREPARED", str(folder))
    sizes = [[len(part) for part in made] for made in (data.mnist(), data.standin(limit=10))]
    (train, _), (test, _) = data.digits()
    assert sizes == [[16000, 4000], [10, 4000]]
    assert (len(train), len(test)) == (1438, 359)
    name = "prepared offline stand-in from scikit-learn's digits"
    assert capsys.readouterr().out.splitlines() == [
        f"data: {name} in {folder}, 16,000 training and 4,000 test images",
        f"data: {name} in {folder}, 10 training and 4,000 test images",
        f"data: prepared 8 x 8 digits in {folder}, 1,438 training and 359 test images",
    ]


def test_prepare_takes_the_first_images_of_a_real_copy(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(write_mnist(tmp_path / "copy")))
    monkeypatch.setattr(data, "PREPARED_COUNT", 40)
    said = data.prepare(tmp_path / "out" / "deep")
    assert said == f"MNIST from {tmp_path / 'copy'}, 40 training and 20 held-out images"
    images, labels = _standin.read_arrays(tmp_path / "out" / "deep" / "mnist_train.npz")
    assert images[:, 0, 0].tolist() == list(range(40))
    assert labels.tolist() == [i % 10 for i in range(40)]
    assert str(tmp_path).encode() not in (tmp_path / "out" / "deep" / "mnist_train.npz").read_bytes()
    monkeypatch.delenv("COURSE_DATA")
    monkeypatch.setenv("COURSE_PREPARED", str(tmp_path / "out" / "deep"))
    again = data.prepare(tmp_path / "again")
    assert again == f"MNIST from {tmp_path / 'out' / 'deep'}, 40 training and 20 held-out images"


def test_a_prepared_folder_without_the_file_is_named_and_nothing_is_downloaded(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("COURSE_OFFLINE")
    monkeypatch.setenv("COURSE_PREPARED", str(tmp_path))
    data.mnist()
    assert capsys.readouterr().out.splitlines() == [
        f"data: COURSE_PREPARED: {tmp_path / 'mnist_train.npz'} does not exist; looking elsewhere",
        "data: offline stand-in from scikit-learn's digits (grading never downloads), "
        "20,000 training and 359 test images",
    ]
    np.savez(tmp_path / "digits_train.npz", images=np.zeros((5, 8)), labels=np.zeros(5))
    data.digits()
    assert capsys.readouterr().out.splitlines()[0] == (
        f"data: COURSE_PREPARED: {tmp_path / 'digits_train.npz'} holds images (5, 8), "
        "not (N, 64); looking elsewhere"
    )


# --- ArraySet and the cure


def test_array_set_takes_arrays_and_tensors():
    grey = data.ArraySet(np.full((3, 4, 5), 51, np.uint8), [1, 2, 3], source="a test")
    assert repr(grey) == "ArraySet(3 images (1, 4, 5): a test)"
    assert torch.equal(grey[2][0], torch.full((1, 4, 5), 0.2))
    assert [label for _, label in grey] == [1, 2, 3]
    images = torch.rand(3, 1, 2, 2)
    assert torch.equal(data.ArraySet(images, torch.tensor([0, 1, 2])).images, images)
    batch, labels = next(iter(torch.utils.data.DataLoader(grey, batch_size=3)))
    assert (batch.shape, labels.tolist()) == ((3, 1, 4, 5), [1, 2, 3])
    with pytest.raises(ValueError, match=r"are needed, not \(3, 1, 2, 2\) and \(2,\)$"):
        data.ArraySet(images, [0, 1])
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = data.nonsense


def test_the_cure_lets_torchvision_import_and_is_idle_elsewhere(monkeypatch):
    torchvision = torchvision_cure.load()
    assert torchvision_cure.load() is torchvision
    assert torchvision.datasets.MNIST
    declared = list(torchvision_cure._declared)

    def other(_):
        raise RuntimeError("something else is wrong")

    monkeypatch.setattr(torchvision_cure.importlib, "import_module", other)
    with pytest.raises(RuntimeError, match="something else"):
        torchvision_cure.load()
    assert torchvision_cure._declared == declared


# --- measured


@pytest.mark.slow
def test_a_plain_mlp_reaches_95_percent_on_the_stand_in_for_ten_seeds():
    train, test = data.standin()
    reached = [accuracy_of_mlp(train, test, seed) for seed in range(10)]
    assert min(reached) >= 0.96, reached


@pytest.mark.slow
def test_it_does_on_what_graders_prepare(prepared, monkeypatch):
    monkeypatch.setenv("COURSE_PREPARED", str(prepared[0]))
    train, test = data.mnist()
    reached = [accuracy_of_mlp(train, test, seed) for seed in range(3)]
    assert min(reached) >= 0.96, reached


def accuracy_of_mlp(train, test, seed: int, epochs: int = 5) -> float:
    torch.manual_seed(seed)
    sizes = (784, 256, 128, 10)
    layers = [torch.nn.Flatten()]
    for d_in, d_out in pairwise(sizes):
        layers += [torch.nn.Linear(d_in, d_out), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(train)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(train.images[batch]), train.labels[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return float((model(test.images).argmax(1) == test.labels).float().mean())
