"""The symmetry cases and the zip-code digits: found, downloaded, verified, read."""

import gzip
import hashlib
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest

from backprop import datasets
from backprop.datasets import digits
from backprop.errors import DataError, InputError

ROOT = Path(__file__).resolve().parents[1]


# Symmetry.


def test_symmetry_lists_every_vector_once_in_counting_order():
    x, target = datasets.symmetry()
    assert x.shape == (64, 6) and target.shape == (64, 1)
    assert x.dtype == target.dtype == np.float64
    assert (x @ [32, 16, 8, 4, 2, 1] == np.arange(64)).all()


def test_symmetry_targets_are_the_eight_palindromes():
    x, target = datasets.symmetry()
    palindromes = {half + half[::-1] for half in (f"{i:03b}" for i in range(8))}
    found = {"".join(str(int(bit)) for bit in row) for row in x[target[:, 0] == 1]}
    assert found == palindromes
    assert set(np.unique(target)) == {0.0, 1.0}


# Place code.


def test_targets_put_the_high_value_in_the_place_of_the_digit():
    coded = datasets.targets(np.array([3, 0]), classes=4, low=-0.5, high=2)
    assert coded.tolist() == [[-0.5, -0.5, -0.5, 2], [2, -0.5, -0.5, -0.5]]
    assert datasets.targets([9]).sum() == -8
    assert datasets.targets(np.array([], dtype=int)).shape == (0, 10)


@pytest.mark.parametrize("wrong", [[10], [-1], [1.5], [[1, 2]]])
def test_targets_refuse_what_is_no_digit(wrong):
    with pytest.raises(InputError, match="digits must"):
        datasets.targets(wrong)


# The files. Small ones with checksums of their own stand for the real ones.


def lines(cases, *, first=None, seed=0):
    rng = np.random.default_rng(seed)
    table = np.column_stack([np.arange(cases) % 10, rng.uniform(-1, 1, (cases, 256)).round(3)])
    if first:
        table[0, first[0]] = first[1]
    return gzip.compress(
        "".join(" ".join(f"{v:g}" for v in row) + " \n" for row in table).encode(), mtime=0
    )


SMALL = {"zip.train.gz": lines(12), "zip.test.gz": lines(5, seed=1)}


def write(folder, files=SMALL):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def places(monkeypatch, tmp_path):
    """An empty machine: no files, no network, and checksums of the small files."""
    monkeypatch.delenv("BACKPROP_DATA", raising=False)
    monkeypatch.setenv("BACKPROP_OFFLINE", "1")
    monkeypatch.setattr(digits, "checkout", lambda: tmp_path / "checkout")
    monkeypatch.setattr(
        pooch, "os_cache", lambda project: {"backprop": tmp_path / "cache"}[project]
    )
    monkeypatch.setattr(digits, "_failures", [])
    monkeypatch.setattr(digits, "TRAIN_CASES", 12)
    monkeypatch.setattr(digits, "TEST_CASES", 5)
    for name, content in SMALL.items():
        monkeypatch.setitem(digits.CHECKSUMS, name, hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(digits.SIZES, name, len(content))
    return tmp_path


def test_places_are_tried_in_order(places, monkeypatch):
    assert datasets.find_digits() is None
    cache = write(places / "cache")
    assert datasets.find_digits() == cache
    local = write(places / "checkout" / "data" / "usps")
    assert datasets.find_digits() == local
    given = write(places / "given")
    monkeypatch.setenv("BACKPROP_DATA", str(given))
    assert datasets.find_digits() == given
    assert datasets.fetch_digits() == given


def test_status_names_every_place_and_its_state(places, monkeypatch):
    write(places / "cache")
    write(places / "checkout" / "data" / "usps", {"zip.train.gz": b"cut"})
    (first, unset), (_, damaged), (_, good) = datasets.digits_status()
    assert (first, unset, good) == ("$BACKPROP_DATA", "not set", "verified")
    assert "3 bytes" in damaged
    monkeypatch.setenv("BACKPROP_DATA", str(places / "nowhere"))
    assert datasets.digits_status()[0][1] == "empty"


@pytest.mark.parametrize("place", ["environment", "checkout"])
def test_damaged_files_put_there_by_the_user_are_an_error(places, monkeypatch, place):
    folder = places / "checkout" / "data" / "usps"
    if place == "environment":
        folder = places / "given"
        monkeypatch.setenv("BACKPROP_DATA", str(folder))
    write(places / "cache")  # good, but must not be taken in silence
    damaged = SMALL["zip.test.gz"][:-10]
    write(folder, {**SMALL, "zip.test.gz": damaged})
    with pytest.raises(DataError) as error:
        datasets.zip_codes()
    for part in (
        str(folder / "zip.test.gz"),
        f"{len(damaged):,} bytes, sha256 {hashlib.sha256(damaged).hexdigest()}",
        f"{len(SMALL['zip.test.gz']):,} bytes, sha256 {digits.CHECKSUMS['zip.test.gz']}",
        "backprop data fetch",
    ):
        assert part in str(error.value)


def test_a_missing_file_is_an_error_where_the_user_named_the_folder(places, monkeypatch):
    write(places / "cache")
    monkeypatch.setenv("BACKPROP_DATA", str(places / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere.zip\.train\.gz cannot be read: No such file"):
        datasets.zip_codes()
    monkeypatch.delenv("BACKPROP_DATA")
    write(places / "checkout" / "data" / "usps", {"zip.train.gz": SMALL["zip.train.gz"]})
    with pytest.raises(DataError, match=r"zip\.test\.gz cannot be read"):
        datasets.find_digits()


def test_a_changed_byte_of_the_same_size_is_noticed(places):
    content = bytearray(SMALL["zip.train.gz"])
    content[40] ^= 1
    folder = write(places / "x", {**SMALL, "zip.train.gz": bytes(content)})
    with pytest.raises(DataError, match="damaged or another file"):
        datasets.verify_digits(folder)


def test_files_are_read_once_into_arrays_that_cannot_be_written(places):
    write(places / "cache")
    found = datasets.zip_codes()
    assert not found.stand_in and found.checksums == digits.CHECKSUMS
    assert found.train_x.shape == (12, 256) and found.train_x.dtype == np.float32
    assert found.train_digit.tolist() == [*range(10), 0, 1]
    assert found.test_x.shape == (5, 256) and found.test_digit.dtype == np.int64
    values = gzip.decompress(SMALL["zip.test.gz"]).split(b"\n")[4].split()[1:]
    assert (found.test_x[4] == np.array(values, dtype=np.float32)).all()
    assert datasets.zip_codes() is found
    with pytest.raises(ValueError, match="read-only"):
        found.train_x[0, 0] = 0
    assert datasets.banner(found) == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip", "not a gzipped table"),
        (lines(5)[:200], "not a gzipped table"),
        (gzip.compress(b""), "holds 0 lines"),
        (gzip.compress(b"1 2 x\n"), "not a gzipped table"),
        (lines(4), "holds 4 lines of 257 numbers; expected 5 of 257"),
        (lines(5, first=(0, 10)), "holds 10 where a digit"),
        (lines(5, first=(0, 2.5)), "holds 2.5 where a digit"),
        (lines(5, first=(7, 1.001)), "outside -1 to 1"),
        (lines(5, first=(7, np.nan)), "outside -1 to 1"),
    ],
    # A compressed file holds the time of its making, which must not get into a test's name.
    ids=[
        "no gzip",
        "cut off",
        "empty",
        "a letter",
        "a line short",
        "digit 10",
        "digit 2.5",
        "value above 1",
        "not a number",
    ],
)
def test_content_that_is_no_table_of_digits_is_refused(tmp_path, content, message):
    path = tmp_path / "zip.test.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        digits._read(path, 5)


# Download, from a server on this machine.


class Server:
    """Serves a folder; counts the requests and can announce .gz files as gzip encoding."""

    def __init__(self, folder):
        self.requests = []
        self.encoding = None
        server = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *args):
                server.requests.append(self.path)

            def end_headers(self):
                if server.encoding:
                    self.send_header("Content-Encoding", server.encoding)
                super().end_headers()

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(places, monkeypatch):
    server = Server(write(places / "good").parent)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("BACKPROP_OFFLINE", "0")
    monkeypatch.setattr(digits, "MIRRORS", (server.url + "good/",))
    yield server
    server.stop()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_download_is_verified_kept_and_not_repeated(server, places, capsys):
    assert not datasets.zip_codes().stand_in
    assert contents(places / "cache") == SMALL
    assert datasets.fetch_digits() == places / "cache"
    assert len(server.requests) == 2
    datasets.fetch_digits(force=True)
    assert len(server.requests) == 4
    assert capsys.readouterr().err == ""  # a page of the book must not write there


def test_a_file_announced_as_gzip_encoding_is_kept_as_it_is_stored(server, places):
    server.encoding = "x-gzip"
    datasets.fetch_digits()
    assert contents(places / "cache") == SMALL


@pytest.mark.parametrize("kind", ["truncated", "altered", "missing"])
def test_a_bad_download_is_rejected_and_never_replaces_a_good_file(
    server, places, monkeypatch, kind
):
    good = SMALL["zip.test.gz"]
    bad = {"truncated": good[:100], "altered": good[:-1] + b"?"}.get(kind)
    write(places / "bad", {"zip.train.gz": SMALL["zip.train.gz"]})
    if bad:
        write(places / "bad", {"zip.test.gz": bad})
    monkeypatch.setattr(digits, "MIRRORS", (server.url + "bad/",))
    cache = write(places / "cache")
    with pytest.raises(DataError, match="no mirror delivered") as error:
        datasets.fetch_digits(force=True)
    assert server.url + "bad/" in str(error.value)
    assert contents(cache) == SMALL  # and no leavings of the attempt

    # The next mirror is tried, and a damaged file in the cache is replaced.
    write(cache, {"zip.test.gz": b"damaged"})
    monkeypatch.setattr(digits, "MIRRORS", (server.url + "bad/", server.url + "good/"))
    assert datasets.find_digits() is None
    assert not datasets.zip_codes().stand_in
    assert contents(cache) == SMALL


def test_a_connection_that_breaks_off_is_rejected(server, places, monkeypatch):
    class Short(SimpleHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(SMALL["zip.train.gz"][:50])

        def log_message(self, *args):
            pass

    monkeypatch.setattr(server.http, "RequestHandlerClass", Short)
    with pytest.raises(DataError, match="no mirror delivered"):
        datasets.fetch_digits()
    assert contents(places / "cache") == {}


def test_a_failed_download_is_tried_once_a_process(server, monkeypatch):
    monkeypatch.setattr(digits, "MIRRORS", (server.url + "nowhere/",))
    assert datasets.zip_codes().stand_in
    assert len(server.requests) > 0
    before = len(server.requests)
    assert datasets.zip_codes().stand_in
    with pytest.raises(DataError, match=r"not on this machine: no mirror delivered.*404"):
        datasets.zip_codes(stand_in=False)
    assert len(server.requests) == before


def test_no_connection_is_said_in_few_words(server, monkeypatch):
    monkeypatch.setattr(digits, "MIRRORS", ("http://127.0.0.1:9/",))
    with pytest.raises(DataError, match=r"http://127.0.0.1:9/: no connection\)"):
        datasets.fetch_digits()


def test_the_stand_in_can_be_forbidden(places, monkeypatch):
    monkeypatch.setenv("BACKPROP_OFFLINE", "1")
    monkeypatch.setenv("BACKPROP_STAND_IN", "0")
    with pytest.raises(DataError, match="not on this machine"):
        datasets.zip_codes()


def test_no_download_where_it_is_forbidden(server, monkeypatch):
    with pytest.raises(DataError, match="download was not tried"):
        datasets.zip_codes(download=False, stand_in=False)
    monkeypatch.setenv("BACKPROP_OFFLINE", "1")
    assert datasets.zip_codes().stand_in
    with pytest.raises(DataError, match="BACKPROP_OFFLINE is set"):
        datasets.fetch_digits()
    assert server.requests == []


def test_a_cache_that_cannot_be_written_is_an_error(server, places):
    (places / "cache").write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"the cache .* cannot be written"):
        datasets.fetch_digits(force=True)


# The stand-in.


def test_the_stand_in_has_the_form_of_the_digits_and_says_what_it_is(places):
    found = datasets.zip_codes()
    assert found.stand_in and found.checksums == {}
    assert found.train_x.shape == (1400, 256) and found.test_x.shape == (397, 256)
    assert found.train_x.dtype == np.float32 and found.train_digit.dtype == np.int64
    for x in (found.train_x, found.test_x):
        assert x.min() == -1 and x.max() == 1
    assert "Not the zip-code digits" in datasets.banner(found)


def test_the_stand_in_shows_the_same_images_at_twice_the_size(places):
    from sklearn.datasets import load_digits

    found = datasets.zip_codes()
    small = load_digits()
    large = np.concatenate([found.train_x, found.test_x]).reshape(-1, 8, 2, 8, 2)
    assert (np.concatenate([found.train_digit, found.test_digit]) == small.target).all()
    # Averaged over two by two, they are the small images, up to the smoothing of the spline.
    difference = large.mean(axis=(2, 4)) - (small.images / 8 - 1)
    assert np.abs(difference).mean() < 0.1


def test_the_stand_in_without_scikit_learn_is_a_clear_error(places, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits._stand_in.cache_clear()
    with pytest.raises(DataError, match="pip install scikit-learn"):
        datasets.zip_codes()


# The package.


def test_checksums_on_file_are_those_of_the_code():
    listed = (ROOT / "data" / "checksums.txt").read_text().splitlines()
    assert listed == [f"{digest}  {name}" for name, digest in datasets.CHECKSUMS.items()]


def test_importing_the_data_sets_imports_nothing_heavy():
    heavy = ["sklearn", "pooch", "requests", "tqdm", "pandas", "matplotlib", "joblib"]
    code = f"import sys, backprop.datasets; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert shown.stdout.strip() == "[]"


@pytest.mark.needs_digits
def test_the_real_digits_have_the_published_counts():
    found = datasets.zip_codes(download=False, stand_in=False)
    assert found.train_x.shape == (7291, 256) and found.test_x.shape == (2007, 256)
    assert found.train_x.dtype == np.float32
    for x in (found.train_x, found.test_x):
        assert x.min() == -1 and x.max() == 1
    # Cases of each digit, counted once in the files with these checksums.
    train = [1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]
    test = [359, 264, 198, 166, 200, 160, 170, 147, 166, 177]
    assert np.bincount(found.train_digit).tolist() == train
    assert np.bincount(found.test_digit).tolist() == test
    assert found.checksums == datasets.CHECKSUMS
