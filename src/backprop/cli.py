"""The command `backprop`: list, run, sweep, reproduce, claims, classify, data."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from backprop import __version__, claims, datasets, experiments, reading, results, sweeps
from backprop.errors import BackpropError, InputError, PictureError


class _OneErrorMessage(click.Group):
    """A group whose commands show foreseeable errors as one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BackpropError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(2)


EXAMPLES = """\b
Examples:
  backprop list
  backprop run symmetry --seed 7
  backprop sweep zip_codes --preset pseudo-newton --seeds 0:10 --jobs 2
  backprop claims zip-test-error
  backprop classify seven.png
"""


@click.group(
    cls=_OneErrorMessage,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__)
def main() -> None:
    """Re-run the experiments of the two papers that made backpropagation."""


def parse_seeds(text: str) -> range | list[int]:
    """Read seeds as written on the command line.

    Parameters
    ----------
    text : str
        "0:10" (0 to 9), "3", or "1,5,9".

    Returns
    -------
    range or list of int
        The seeds.

    Raises
    ------
    InputError
        If it is none of these, or no seed is left.
    """
    try:
        if ":" in text:
            start, stop = text.split(":")
            seeds: range | list[int] = range(int(start), int(stop))
        else:
            seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0:
        raise InputError(
            f"seeds were given as '{text}'; expected a range such as 0:10, or numbers such as "
            "1,5,9, none negative. Correct --seeds."
        )
    return seeds


@main.command("list")
def list_() -> None:
    """List experiments, their presets and what is recorded."""
    folder = results.default_folder()
    recorded = set(results.recorded(folder))
    for name in experiments.NAMES:
        click.echo(name)
        for preset in experiments.get(name).PRESETS:
            seeds = ""
            if (name, preset) in recorded:
                seeds = f"{len(results.load(folder, name, preset).runs):,} seeds recorded"
            click.echo(f"  {preset:32s} {seeds}".rstrip())


@main.command()
@click.argument("experiment")
@click.option("--preset", help="A named configuration; see `backprop list`. Default: the first.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def run(experiment: str, preset: str | None, seed: int) -> None:
    """Train once and print what was measured, as JSON."""
    module = experiments.get(experiment)
    config = experiments.preset(module, preset or next(iter(module.PRESETS)))
    if module.uses_zip_codes:
        click.echo(datasets.banner(datasets.zip_codes()), err=True, nl=False)
    measured = module.run(config, seed=seed)
    plain = {key: value for key, value in measured.items() if not hasattr(value, "dtype")}
    click.echo(json.dumps(plain, indent=1))


@main.command()
@click.argument("experiment")
@click.option("--preset", required=True, help="A named configuration; see `backprop list`.")
@click.option("--seeds", required=True, help="0:10, or 1,5,9.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to record. Default: data/results."
)
def sweep(experiment: str, preset: str, seeds: str, jobs: int, folder: Path | None) -> None:
    """Train once for each seed and record the runs.

    Seeds that are recorded already are not run again, so an interrupted sweep goes on.
    """
    record = sweeps.sweep(
        experiment,
        preset,
        parse_seeds(seeds),
        folder=folder or results.default_folder(),
        jobs=jobs,
    )
    click.echo(f"{experiment}/{preset}: {len(record.runs):,} seeds recorded")


@main.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("reproduced"),
    show_default=True,
    help="Where the new runs are recorded. An interrupted run goes on there.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
def reproduce(folder: Path, jobs: int) -> None:
    """Run every recorded sweep again and compare; exit 1 if a verdict changes."""
    reference = results.default_folder()
    for row in sweeps.reproduce(folder, reference=reference, jobs=jobs):
        if row.metric != "seconds":
            click.echo(str(row))
    changed = [
        (old, new)
        for old, new in zip(claims.judge_all(), claims.judge_all(folder=folder), strict=True)
        if old.verdict != new.verdict
    ]
    for old, new in changed:
        click.echo(f"{old.claim.id}: was {old.verdict}, now {new.verdict} ({new.reason})")
    if changed:
        sys.exit(1)
    click.echo("Every claim has the same verdict as in the book.")


@main.command("claims")
@click.argument("name", required=False)
def claims_(name: str | None) -> None:
    """Show all claims with their verdicts, or one claim in full."""
    if name is None:
        verdicts = claims.judge_all()
        click.echo(_aligned(claims.rows(verdicts)))
        return
    register = claims.load()
    verdict = claims.judge(register[name], register)
    claim = verdict.claim
    click.echo(f"{claim.id} ({claim.paper}, {claim.place}; {claim.source})")
    for label, text in (
        ("says", claim.says),
        ("paper", claims.published(claim)),
        ("ours", claims.rows([verdict])[0]["ours"]),
        ("seeds", verdict.seeds if verdict.seeds is not None else "no run needed"),
        ("verdict", verdict.verdict),
        ("why", verdict.reason),
        ("note", claim.note),
    ):
        if text:
            click.echo(f"  {label:8s} {text}")


def _aligned(table: list[dict[str, str]]) -> str:
    """Lay out rows in columns of equal width."""
    head = list(table[0])
    lines = [head, *([row[key] for key in head] for row in table)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


@main.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which of the recorded networks reads. None is special.",
)
def classify(images: tuple[Path, ...], seed: int) -> None:
    """Let a trained zip-code network read pictures of digits.

    A picture of 16x16 pixels is taken as it is; from any other the digit is cut out, scaled and
    centred. The answer is rejected if the two largest outputs are too close to each other.
    """
    reader = reading.recorded_reader(seed)
    all_read = True
    for path in images:
        try:
            read = reading.classify(datasets.read_picture(path), reader)
        except PictureError as error:  # the other pictures are read all the same
            click.echo(f"error: {error}", err=True)
            all_read = False
        else:
            click.echo(f"{path}\n{reading.as_text(read)}")
    if not all_read:
        sys.exit(2)


@main.group("data")
def data() -> None:
    """Find, fetch and verify the zip-code digits."""


@data.command()
def status() -> None:
    """Say where the digits were looked for, and what was found."""
    for place, state in datasets.digits_status():
        click.echo(f"{place}: {state}")


@data.command()
@click.option("--force", is_flag=True, help="Download even if a good copy is there.")
def fetch(force: bool) -> None:
    """Download the digits into the user's cache and verify them."""
    click.echo(f"digits are in {datasets.fetch_digits(force=force)}")


@data.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
def verify(folder: Path | None) -> None:
    """Compare the digits with their checksums."""
    found = folder or datasets.find_digits()
    if found is None:
        raise InputError(
            "no folder was given and no digits were found; expected zip.train.gz and zip.test.gz. "
            "Run `backprop data fetch`, or name a folder."
        )
    datasets.verify_digits(found)
    click.echo(f"the digits in {found} are the published ones")
