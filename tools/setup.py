"""Make `.venv` from requirements.lock, once, and say plainly what went wrong if it fails.

Run by the Makefile before every target; takes a moment when `.venv` is as it should be.
Only the standard library is used here: nothing else is installed yet.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".ready"
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
LOG = ROOT / "setup.log"
PYTHON = VENV / "bin" / "python"

# What pip says when it cannot reach the package index.
NO_NETWORK = (
    "NewConnectionError",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "Failed to establish a new connection",
    "nodename nor servname provided",
    "Network is unreachable",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
)


class SetupFailed(Exception):
    """Set-up cannot go on; the message is the one sentence that the user sees."""


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wanted_stamp() -> dict[str, str]:
    """What `.venv` has to be made from: this Python, these files, this folder."""
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "lock": digest(LOCK),
        "project": digest(PROJECT),
        "folder": str(ROOT),
    }


def found_stamp() -> dict[str, str]:
    """What `.venv` was made from; empty if it is missing, half made or broken."""
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
        subprocess.run([PYTHON, "-c", ""], check=True, capture_output=True)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return {}
    return stamp


def write_stamp(stamp: dict[str, str]) -> None:
    """Record that `.venv` is complete; the last thing that set-up does."""
    part = STAMP.with_suffix(".part")
    part.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    part.replace(STAMP)


def count_locked() -> int:
    """How many packages the lock holds, for all systems together."""
    return len(re.findall(r"^[A-Za-z0-9][^ ]*==", LOCK.read_text(encoding="utf-8"), re.MULTILINE))


class Progress:
    """Turns what pip says into a line every few seconds: how far, which package, how long."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.began = self.shown = time.monotonic()

    def see(self, line: str) -> None:
        """Take one line of pip's output."""
        words = line.split()
        if line.startswith("Ignoring "):  # for another system or Python
            self.total -= 1
        elif line.startswith(("Collecting ", "Processing ")):
            self.done += 1
            if time.monotonic() - self.shown >= 3:
                self.shown = time.monotonic()
                self.say(f"{self.done:3d} of {self.total}  {Path(words[1]).name}")
        elif line.startswith("Installing collected packages"):
            self.say(f"unpacking {self.done} packages")

    def say(self, what: str) -> None:
        """Print one line with the seconds so far."""
        print(f"  {what}  ({time.monotonic() - self.began:.0f} s)", flush=True)


def run(command: list[str | Path], progress: Progress | None = None) -> None:
    """Run a command with its output in the log; SetupFailed with the reason if it fails."""
    with (
        LOG.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        log.write("$ " + " ".join(map(str, command)) + "\n")
        for line in process.stdout or ():
            log.write(line)
            if progress:
                progress.see(line)
    if process.returncode:
        raise SetupFailed(reason())


def reason() -> str:
    """One sentence on why the last command failed, from its log."""
    text = LOG.read_text(encoding="utf-8", errors="replace")
    if any(words in text for words in NO_NETWORK):
        return (
            "the packages could not be downloaded, because the Python package index cannot be "
            f"reached: connect to the network and run the same command again (details: {LOG.name})."
        )
    errors = [line for line in text.splitlines() if line.lower().startswith("error")]
    last = errors[-1] if errors else "no message"
    return f"installing the packages failed with '{last}' (details: {LOG.name})."


def check_modules() -> None:
    """Stop where Python comes without the modules that make a virtual environment."""
    # A folder left empty by a package manager is found too, but has no origin.
    specs = {name: find_spec(name) for name in ("venv", "ensurepip")}
    missing = [name for name, spec in specs.items() if spec is None or spec.origin is None]
    if missing:
        short = ".".join(map(str, sys.version_info[:2]))
        raise SetupFailed(
            f"this Python {short} lacks the module '{missing[0]}', which makes virtual "
            f"environments: install it (Debian and Ubuntu: apt install python{short}-venv) "
            "or choose another Python with 'make PYTHON=python3.12 ...'."
        )


def install_packages() -> None:
    """Make a new `.venv` and install exactly what the lock holds."""
    check_modules()
    shutil.rmtree(VENV, ignore_errors=True)
    print(
        f"Setting up .venv with Python {sys.version.split()[0]} (once; a minute or two)", flush=True
    )
    # The Python itself, should this one be that of an environment (even of the one just removed).
    run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", VENV])
    options = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--retries",
        "2",
        "--progress-bar",
        "off",
    ]
    command: list[str | Path] = [PYTHON, "-m", "pip", "install", "--no-deps"]
    run([*command, *options, "-r", LOCK.name], Progress(count_locked()))


def install_project() -> None:
    """Install this checkout into `.venv`, editable; needs no network."""
    run([PYTHON, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "-e", "."])


def set_up(*, keep_python: bool) -> None:
    """Bring `.venv` to what the checkout asks for.

    With `keep_python` an existing `.venv` of another fitting Python is good enough.
    """
    wanted, found = wanted_stamp(), found_stamp()
    if keep_python and found:
        wanted["python"] = found["python"]
    if found == wanted:
        return
    began = time.monotonic()
    LOG.write_text("", encoding="utf-8")
    try:
        if {**found, "project": ""} == {**wanted, "project": ""}:
            STAMP.unlink()
        else:
            install_packages()
        install_project()
    except BaseException:
        # A half-made environment must not be taken for a good one, by us or by the user.
        shutil.rmtree(VENV, ignore_errors=True)
        raise
    write_stamp(wanted)
    print(f"Set-up done in {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Run set-up; 0 if `.venv` is ready, 1 after one sentence if it is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep-python", action="store_true", help="accept the .venv that is there")
    options = parser.parse_args()
    try:
        set_up(keep_python=options.keep_python)
    except SetupFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: set-up was interrupted: run the same command again.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: set-up could not write its files ({error}).", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
