"""Run notebooks the same way every time, and (as a script) refresh the stored outputs in book/.

A notebook whose outputs did not change is written byte for byte as before; one that fails is
left as it was and named.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from backprop import results

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")
CELL_TIMEOUT = 600  # seconds
RECORDS = "recorded_results"  # in the metadata of a notebook: "experiment/preset"
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
# Run in the kernel before the first cell: writes down which files of results are opened.
WATCH = """
def watch(folder, log):
    import sys
    seen = set()
    def see(event, arguments):
        name = str(arguments[0]) if event == "open" else ""
        if name.startswith(folder) and name.endswith(".json") and name not in seen:
            seen.add(name)
            with open(log, "a") as file:
                print(name, file=file)
    sys.addaudithook(see)
watch({folder!r}, {log!r})
del watch
"""


class NotebookFailed(Exception):
    """A cell of a notebook raised; the message names the page, the cell and the error."""


def find(folder: Path) -> list[Path]:
    """All notebooks below a folder, without the copies that editors keep."""
    return sorted(p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def name_of(path: Path) -> str:
    """The path of a page as the reader of a message knows it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def failed_cell(notebook: nbformat.NotebookNode) -> str:
    """Where a run stopped: number and first line of the last cell that the kernel took."""
    code = [
        (number, cell)
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code" and cell.get("execution_count")
    ]
    if not code:
        return "before its first cell"
    number, cell = code[-1]
    lines = cell.source.strip().splitlines() or [""]
    return f"in cell {number}, which begins '{lines[0]}'"


def run(path: Path) -> tuple[nbformat.NotebookNode, float]:
    """Execute one notebook in its own folder.

    Returns the executed notebook and the seconds that it took; raises NotebookFailed.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    folder = results.default_folder().absolute()
    with tempfile.NamedTemporaryFile("r", suffix=".log") as log:
        watch = WATCH.format(folder=f"{folder}/", log=log.name)
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            # No notice about the kernel's ports.
            extra_arguments=["--log-level=40", f"--IPKernelApp.exec_lines={[watch]!r}"],
            resources={"metadata": {"path": str(path.parent)}},
        )
        seconds = execute(client, path)
        note_records(notebook, folder, log.read().splitlines())
    return notebook, seconds


def note_records(notebook: nbformat.NotebookNode, folder: Path, opened: list[str]) -> None:
    """Keep in a notebook which recorded results it has read (shown under the title of the page)."""
    paths = (Path(name).relative_to(folder).with_suffix("") for name in opened)
    names = sorted(path.as_posix() for path in paths if len(path.parts) == 2)
    notebook.metadata.pop(RECORDS, None)
    if names:
        notebook.metadata[RECORDS] = names


def execute(client: NotebookClient, path: Path) -> float:
    """Run all cells of a notebook; returns the seconds, or raises NotebookFailed."""
    began = time.monotonic()
    try:
        client.execute()
    except CellExecutionError as error:
        what = f"{error.ename}: {error.evalue}\n{error.traceback}"
    except CellTimeoutError:
        what = f"it took longer than {CELL_TIMEOUT} seconds"
    except DeadKernelError:
        what = "the Python process of the page died"
    else:
        return time.monotonic() - began
    raise NotebookFailed(f"{name_of(path)} failed {failed_cell(client.nb)}: {what}")


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Take out what differs from run to run or from machine to machine."""
    notebook.metadata["kernelspec"] = KERNELSPEC
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells):
        if cell.get("id", "") in {"", *seen}:
            cell["id"] = f"cell-{number}"
        seen.add(cell["id"])
        cell.metadata.pop("execution", None)


def refresh(path: Path) -> tuple[bool, float]:
    """Execute a notebook in place; returns whether its file changed, and the seconds."""
    before = path.read_bytes()
    notebook, seconds = run(path)
    tidy(notebook)
    after = (nbformat.writes(notebook) + "\n").encode()
    if after == before:
        return False, seconds
    part = path.with_suffix(".ipynb.part")
    part.write_bytes(after)
    part.replace(path)
    return True, seconds


def in_parallel(
    task: Callable[[Path], T], paths: Sequence[Path], jobs: int
) -> Iterator[tuple[Path, Future[T]]]:
    """Run a task for each path, `jobs` at a time; yields each as soon as it is done.

    Threads are enough: the work is done in the kernels, which are processes of their own.
    """
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(task, path): path for path in paths}
        for future in as_completed(futures):
            yield futures[future], future


def main() -> int:
    """Refresh the notebooks named, or all of book/; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks (default: all in book/)")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    # Outputs of a stand-in must not replace those of the real digits: such a page fails instead.
    os.environ["BACKPROP_STAND_IN"] = "0"
    paths = [path.resolve() for path in options.paths] or find(ROOT / "book")
    failures = 0
    for path, future in in_parallel(refresh, paths, options.jobs):
        try:
            changed, seconds = future.result()
        except NotebookFailed as error:
            failures += 1
            print(f"error: {error}", file=sys.stderr)
            continue
        word = "changed" if changed else "the same as before"
        print(f"  {name_of(path):45s} {seconds:6.1f} s  {word}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
