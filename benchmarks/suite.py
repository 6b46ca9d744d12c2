"""The parts of the benchmark, and the file that they make together."""

import datetime
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import click
from threadpoolctl import threadpool_limits

import accuracy
import contests
import growth
import processes
import seeds
import targets
from backprop import results
from backprop._atomic import checkout, write_bytes
from backprop.errors import BackpropError
from backprop.experiments import zip_codes, zip_speed
from settings import FULL, QUICK, Settings, digits
from timing import rounded

SCHEMA = 1
FILE = checkout() / "data" / "results" / "benchmarks.json"
# Of those that are installed, besides what every record states.
PACKAGES = ("numba", "torch", "jax", "scikit-learn", "joblib")


def training(settings: Settings) -> dict[str, Any]:
    """Time the whole training once, with the errors on both sets after each pass."""
    preset = zip_codes.PRESETS["gradient-descent"]
    config = replace(preset, passes=settings.passes)
    shown = digits(settings)
    start = time.perf_counter()
    _, history = zip_codes.train(config, seed=0, digits=shown)
    return {
        "passes": settings.passes,
        "seconds": rounded(time.perf_counter() - start),
        **history[-1],
    }


def many_seeds(settings: Settings) -> dict[str, Any]:
    """Measure symmetry nets side by side, and how the cost of a sweep grows with their number."""
    measured = seeds.measure(*settings.many, repeats=min(settings.repeats, 3))
    pairs = zip(measured["replicas"], measured["seconds_per_sweep"], strict=True)
    return {**measured, "fits": growth.ends({number: number * each for number, each in pairs})}


PARTS: dict[str, Callable[[Settings], dict[str, Any]]] = {
    "networks": contests.zip_contest,
    "baseline": contests.dense_contest,
    "training": training,
    "accuracy": accuracy.accuracy,
    "growth": growth.growth,
    "seeds": many_seeds,
    "import": processes.imported,
    "workers": processes.workers,
    "memory": processes.memory,
}


def versions() -> dict[str, str]:
    """State the versions of everything that takes part."""
    found = results.versions()
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def measured(parts: Mapping[str, Callable[[Settings], Any]], settings: Settings) -> dict[str, Any]:
    """Run parts, on one thread where they do not start processes."""
    file: dict[str, Any] = {
        "schema": SCHEMA,
        "recorded": datetime.date.today().isoformat(),
        "machine": zip_speed.machine(),
        "versions": versions(),
        "data": digits(settings).checksums,
    }
    with threadpool_limits(1):
        for name, part in parts.items():
            click.echo(f"measuring: {name}", err=True)
            file[name] = part(settings)
    return {**file, "targets": targets.judged(file)}


def said(row: Mapping[str, Any]) -> str:
    """Word a target and its verdict in one line."""
    verdict = {True: "reached", False: "MISSED", None: "not measured"}[targets.reached(row)]
    found = "" if row["measured"] is None else f"{row['measured']:.3g} {row['unit']}; "
    return f"{verdict}: {row['says']}: {found}{row['sense']} {row['limit']:g} wanted"


@click.command()
@click.option("--quick", is_flag=True, help="Tiny sizes and random pictures: does it run?")
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="This part alone.")
@click.option("--to", type=click.Path(path_type=Path), help="Where to write.")
def main(quick: bool, only: tuple[str, ...], to: Path | None) -> None:
    """Measure, and write data/results/benchmarks.json (with --quick or --only: print it)."""
    chosen = {name: part for name, part in PARTS.items() if not only or name in only}
    try:
        file = measured(chosen, QUICK if quick else FULL)
    except BackpropError as error:
        raise click.ClickException(str(error)) from error
    text = json.dumps(file, indent=1, allow_nan=False) + "\n"
    path = to or (None if quick or only else FILE)
    if path:
        write_bytes(path, text.encode())
    else:
        click.echo(text, nl=False)
    for part in ("networks", "baseline"):
        for name, reason in file.get(part, {}).get("skipped", {}).items():
            click.echo(f"skipped: {name}: {reason}", err=True)
    if not quick:
        for row in file["targets"].values():
            click.echo(said(row), err=True)
