"""The package as it is handed out: what the archives hold, and that it works by itself.

Archive and wheel are built in a copy of the checkout. The wheel is installed into an environment
of its own, whose other packages are those of this one, and used in an empty folder.
"""

import hashlib
import json
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import launches
import notebooks
import package
import run_alone
from backprop import __version__, datasets, equations, reading, results
from backprop._atomic import locked
from backprop.cli import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
NAME = f"backpropagation_reproduced-{__version__}"
KNOWN = run_alone.Published("https://github.com/someone/book", "v0.1.0")
# What must not get into an archive, put where it could be swept up.
INTRUDERS = (
    "data/usps/zip.train.gz",
    "data/results/zip.test.gz",
    "data/results/symmetry/._paper.json",
    "data/results/symmetry/.paper.json.0123abcd.part",
    "src/backprop/datasets/zip.test.gz",
    "src/backprop/notes.txt",
    "build/lib/backprop/old.py",
)


def prepare(folder: Path) -> None:
    package.copy_checkout(folder / "copy")
    for name in INTRUDERS:
        path = folder / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("not to be handed out")
    _, wheel = package.build(folder / "copy", folder / "built")
    launches.make_environment(folder / "venv", wheel)
    (folder / "home").mkdir()
    (folder / "ready").touch()


@pytest.fixture(scope="session")
def handed_out(tmp_path_factory) -> Path:
    """Folder with the archives in `built` and the environment in `venv`, made once a test run."""
    base = tmp_path_factory.getbasetemp()
    # With several test processes each has its own folder in that of the run.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "handed-out"
    with locked(folder.with_suffix(".lock")):
        if not (folder / "ready").exists():
            prepare(folder)
    return folder


@pytest.fixture
def backprop(handed_out, tmp_path):
    """Run the installed command in an empty folder, on a machine that knows nothing of us."""

    def run(*words, **environment):
        return subprocess.run(
            [launches.program(handed_out / "venv", "backprop"), *words],
            cwd=tmp_path,
            env=launches.surroundings(handed_out / "home") | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    return run


def python(handed_out, code, folder):
    """Run a program with the installed package; returns what it printed."""
    done = subprocess.run(
        [launches.program(handed_out / "venv"), "-c", code],
        cwd=folder,
        env=launches.surroundings(handed_out / "home"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# What is in it


def code_files():
    source = ROOT / "src"
    return {p.relative_to(source).as_posix() for p in (source / "backprop").rglob("*.py")} | {
        "backprop/py.typed"
    }


def data_files():
    found = [*results_files(), ROOT / "data" / "claims.yml", ROOT / "data" / "equations.yml"]
    return {path.relative_to(ROOT / "data").as_posix() for path in found}


def results_files():
    folder = ROOT / "data" / "results"
    return [
        path
        for path in folder.rglob("*")
        if path.suffix in (".json", ".npz") and not path.name.startswith(".")
    ]


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(handed_out):
    with zipfile.ZipFile(handed_out / "built" / f"{NAME}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        info = f"{NAME}.dist-info"
        about = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt"}
        assert names == (
            code_files()
            | {f"backprop/_data/{name}" for name in data_files()}
            | {f"{info}/{name}" for name in {*about, "licenses/LICENSE"}}
        )
        for name in data_files():
            assert wheel.read(f"backprop/_data/{name}") == (ROOT / "data" / name).read_bytes()


def test_the_source_archive_holds_what_the_wheel_is_built_from_and_nothing_else(handed_out):
    with tarfile.open(handed_out / "built" / f"{NAME}.tar.gz") as archive:
        names = {member.name.removeprefix(f"{NAME}/") for member in archive if member.isfile()}
    info = "src/backpropagation_reproduced.egg-info"
    written = {name for name in names if name.startswith(f"{info}/")}
    top = {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.py"}
    assert names - written == (
        top
        | {"setup.cfg"}  # written by setuptools
        | {f"src/{name}" for name in code_files()}
        | {f"data/{name}" for name in data_files()}
    )
    assert {name.rpartition("/")[2] for name in written} <= {
        "PKG-INFO", "SOURCES.txt", "dependency_links.txt", "entry_points.txt", "requires.txt",
        "top_level.txt",
    }  # fmt: skip


def test_they_are_small_enough_to_be_handed_round(handed_out):
    sizes = {path.name: path.stat().st_size for path in (handed_out / "built").iterdir()}
    assert max(sizes.values()) < 10e6, sizes


# That it works


def test_the_installed_package_is_that_of_the_wheel(handed_out, tmp_path):
    code = "import backprop; print(backprop.__file__, backprop.__version__)"
    file, version = python(handed_out, code, tmp_path).split()
    assert Path(file).is_relative_to(handed_out / "venv")
    assert version == __version__


def test_the_api_reads_the_data_that_came_with_it(handed_out, tmp_path):
    code = (
        "import json\n"
        "from backprop import claims, equations, reading, results\n"
        "folder = results.default_folder()\n"
        "print(json.dumps([\n"
        "    [v.verdict for v in claims.judge_all()], list(equations.load()),\n"
        "    results.recorded(folder), reading.recorded_reader(3).threshold,\n"
        "    results.load_benchmarks(folder)['schema'], str(folder)]))"
    )
    *read, folder = json.loads(python(handed_out, code, tmp_path))
    from backprop import claims

    own = results.default_folder()
    assert read == [
        [verdict.verdict for verdict in claims.judge_all()],
        list(equations.load()),
        [list(pair) for pair in results.recorded(own)],
        reading.recorded_reader(3).threshold,
        results.load_benchmarks(own)["schema"],
    ]
    assert Path(folder).is_relative_to(handed_out / "venv")


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["claims"],
        ["claims", "zip-test-error"],
        ["cite", "zip-test-error"],
        ["run", "symmetry", "--preset", "fast", "--seed", "3"],
        ["completion", "bash"],
    ],
    ids=" ".join,
)
def test_the_command_says_the_same_as_in_the_checkout(backprop, words):
    done = backprop(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == CliRunner().invoke(main, words, prog_name="backprop").stdout


def test_a_picture_is_read(backprop, tmp_path):
    x = np.full((16, 16), 255, dtype=np.uint8)
    x[3:13, 7:9] = 0
    Image.fromarray(x).save(tmp_path / "one.png")
    done = backprop("classify", "one.png")
    assert done.returncode == 0, done.stderr
    digit = reading.classify(datasets.read_picture(tmp_path / "one.png")).digit
    assert f"answer {digit}," in done.stdout
    assert backprop("classify", "one.png", "none.png").returncode == 2


def test_new_runs_are_recorded_in_the_current_folder_and_not_in_the_package(
    handed_out, backprop, tmp_path
):
    def state():
        (data,) = (handed_out / "venv").glob("lib/python*/site-packages/backprop/_data")
        files = sorted(path for path in data.rglob("*") if path.is_file())
        return [(path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]

    before = state()
    done = backprop("sweep", "symmetry", "--preset", "fast", "--seeds", "0:2")
    assert done.returncode == 0, done.stderr
    assert results.load(tmp_path / "data" / "results", "symmetry", "fast").seeds == [0, 1]
    assert state() == before


def test_statuses_are_those_of_the_help(backprop):
    assert backprop("claims", "no-such-claim").returncode == 2
    assert backprop("sweep", "symmetry").returncode == 2
    assert backprop("--version").returncode == 0


# That the pages run from it


def size(path: Path) -> int:
    """Lines of code of a page."""
    cells = nbformat.read(path, as_version=4).cells
    return sum(len(c.source.splitlines()) for c in cells if c.cell_type == "code")


def short_pages() -> list[str]:
    """Of each part of the book the third with the least code, at least one page."""
    parts: dict[Path, list[Path]] = {}
    for path in notebooks.find(ROOT / "book"):
        parts.setdefault(path.parent, []).append(path)
    return [
        path.relative_to(ROOT).with_suffix("").as_posix()
        for paths in parts.values()
        for path in sorted(paths, key=size)[: max(1, len(paths) // 3)]
    ]


@pytest.mark.parametrize("page", short_pages())
def test_a_page_runs_alone(handed_out, tmp_path, page):
    """All pages: tools/launches.py (every week)."""
    path = tmp_path / f"{page}.ipynb"
    path.parent.mkdir(parents=True)
    original = nbformat.read(ROOT / f"{page}.ipynb", as_version=4)
    nbformat.write(run_alone.run_alone(original, page, KNOWN, run_alone.bibliography()), path)
    launches.execute(handed_out / "venv", path, handed_out / "home")


def test_a_page_that_does_not_run_alone_is_named(handed_out, tmp_path):
    cells = [nbformat.v4.new_code_cell("open('../data/claims.yml')")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "page.ipynb")
    with pytest.raises(launches.PageFailed, match="FileNotFoundError"):
        launches.execute(handed_out / "venv", tmp_path / "page.ipynb", handed_out / "home")


def test_the_first_cell_installs_the_tagged_version_from_the_repository(handed_out, tmp_path):
    """On a machine without the package, as Colab is one: the whole way, from a repository here."""
    repository, page = tmp_path / "repository", tmp_path / "page.ipynb"
    with tarfile.open(handed_out / "built" / f"{NAME}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / NAME).rename(repository)
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-m", "Release"],
        ["tag", "v0.1.0"],
    ):
        subprocess.run(["git", *words], cwd=repository, check=True, capture_output=True)
    cells = [
        nbformat.v4.new_code_cell(run_alone.install(KNOWN.requirement)),
        nbformat.v4.new_code_cell(
            "import backprop\n"
            "from backprop import claims\n"
            f"assert {str(tmp_path)!r} in backprop.__file__, backprop.__file__\n"
            "assert claims.judge_all()"
        ),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), page)
    environment = launches.empty_environment(tmp_path / "venv")
    here = {
        # What builds the package is here already; PIP_NO_BUILD_ISOLATION=0 means: no isolation.
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        # git takes the repository on this machine for the one that the cell names.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": KNOWN.repository,
    }
    launches.execute(environment, page, handed_out / "home", **here)
