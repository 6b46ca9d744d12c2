"""The command `backprop`: list, run, sweep, reproduce, claims, cite, classify, data, completion."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import get_completion_class

from backprop import __version__, citation, claims, datasets, experiments, reading, results, sweeps
from backprop.errors import BackpropError, InputError, PictureError

Command = TypeVar("Command", bound=Callable[..., Any])
DEFECT = 3  # exit status; Python's own, 1, says that something else came out


class _OneErrorMessage(click.Group):
    """A group whose commands show foreseeable errors as one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BackpropError as error:
            notes = getattr(error, "__notes__", [])  # tracebacks of defects in single runs
            click.echo("\n".join([f"error: {error}", *notes]), err=True)
            ctx.exit(1 if isinstance(error, sweeps.SeedsFailed) else 2)
        except KeyboardInterrupt:
            click.echo("interrupted. Recorded runs stay; the same command goes on.", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click knows what to do
        except Exception:
            traceback.print_exc()
            ctx.exit(DEFECT)


def examples(*lines: str) -> str:
    """Lay out examples for the end of a help text."""
    return "\b\nExamples:\n" + "".join(f"  {line}\n" for line in lines)


EXAMPLES = examples(
    "backprop list",
    "backprop run symmetry --seed 7",
    "backprop sweep zip_codes --preset pseudo-newton --seeds 0:10 --jobs 2",
    "backprop claims zip-test-error",
    "backprop cite zip-test-error --format bibtex",
    "backprop classify seven.png",
)
EVERY_STATUS = """
\b
Exit status of every command:
  0    done
  1    something else came out: some seeds failed (sweep, reproduce), a verdict changed (reproduce)
  2    could not be done: wrong input, a missing or damaged file; a message says what to do
  3    a defect of this program; a traceback says where
  130  interrupted
"""


STATUSES = """\b
Exit status:
  0    every seed is recorded
  1    some seeds failed; all others are recorded
  2    it could not start or go on: wrong input, no room, a lost worker, ...
  130  interrupted
"""


@click.group(
    cls=_OneErrorMessage,
    epilog=EXAMPLES + EVERY_STATUS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__)
def main() -> None:
    """Re-run the experiments of the two papers that made backpropagation."""


def complete(names: Callable[[click.Context], Iterable[str]]) -> Callable[..., list[str]]:
    """Make what completes a word in a shell to one of some names."""

    def completed(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        return [name for name in names(ctx) if name.startswith(begun)]

    return completed


def _presets(ctx: click.Context) -> list[str]:
    # While an option has no value yet, click leaves the other words where they are.
    words = [ctx.params.get("experiment"), *ctx.args]
    named = [word for word in words if word in experiments.NAMES]
    return list(experiments.get(named[0]).PRESETS) if named else []


an_experiment = complete(lambda ctx: experiments.NAMES)
a_preset = complete(_presets)
a_claim = complete(lambda ctx: claims.load().claims)


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


@main.command(
    epilog=examples(
        "backprop run symmetry --seed 7",
        "backprop run symmetry --preset fast > run.json",
    )
)
@click.argument("experiment", shell_complete=an_experiment)
@click.option(
    "--preset",
    shell_complete=a_preset,
    help="A named configuration; see `backprop list`. Default: the first.",
)
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


def jobs_option(default: int) -> Callable[[Command], Command]:
    """Make the option --jobs."""
    return click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help=f"Processes to train in. Default: {default}. With --scheduler: blocks of seeds that "
        "it is given at once. Default: all.",
    )


scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Train on the workers of this Dask scheduler, such as tcp://127.0.0.1:8786.",
)


@main.command(
    epilog=examples(
        "backprop sweep symmetry --preset targets-zero-one --seeds 0:100",
        "backprop sweep zip_codes --preset pseudo-newton --seeds 3,5 --jobs 2 --folder mine",
    )
    + "\n"
    + STATUSES
)
@click.argument("experiment", shell_complete=an_experiment)
@click.option(
    "--preset",
    required=True,
    shell_complete=a_preset,
    help="A named configuration; see `backprop list`.",
)
@click.option("--seeds", required=True, help="0:10, or 1,5,9.")
@jobs_option(1)
@scheduler_option
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where to record. Default: data/results, of the checkout if there is one.",
)
def sweep(
    experiment: str,
    preset: str,
    seeds: str,
    jobs: int | None,
    scheduler: str | None,
    folder: Path | None,
) -> None:
    """Train once for each seed and record the runs.

    Each block of seeds is recorded as soon as it is trained. Seeds that are recorded already
    are not run again: however a sweep ended, the same command goes on.

    A terminal gets a progress bar and a sentence at the end. If the output is no terminal, it is
    one JSON object a line: an "event" "block" for each block that has been recorded, and "finished"
    at the end.
    """
    to_people = sys.stdout.isatty()
    record = sweeps.sweep(
        experiment,
        preset,
        parse_seeds(seeds),
        folder=folder or results.recording_folder(),
        jobs=jobs,
        scheduler=scheduler,
        report=None if to_people else lambda event: click.echo(json.dumps(event)),
    )
    if to_people:
        click.echo(f"{experiment}/{preset}: {len(record.runs):,} seeds recorded")


@main.command(epilog=examples("backprop reproduce --folder reproduced --jobs 4"))
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("reproduced"),
    show_default=True,
    help="Where the new runs are recorded. An interrupted run goes on there.",
)
@jobs_option(2)
@scheduler_option
def reproduce(folder: Path, jobs: int | None, scheduler: str | None) -> None:
    """Run every recorded sweep again and compare; exit 1 if a verdict changes."""
    reference = results.default_folder()
    jobs = jobs or (None if scheduler else 2)
    for row in sweeps.reproduce(folder, reference=reference, jobs=jobs, scheduler=scheduler):
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


@main.command("claims", epilog=examples("backprop claims", "backprop claims zip-test-error"))
@click.argument("name", metavar="[CLAIM]", required=False, shell_complete=a_claim)
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


@main.command(
    epilog=examples(
        "backprop cite zip-test-error", "backprop cite zip-test-error --format bibtex >> my.bib"
    )
)
@click.argument("name", metavar="CLAIM", shell_complete=a_claim)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "bibtex"]),
    help="Print one of the two only.",
)
def cite(name: str, form: str | None) -> None:
    """Print how to cite the result on one claim: in plain text and as a BibTeX entry.

    It names the version, the runs with their settings and seeds, and the checksums of the data and
    of the recorded runs. The page of all claims shows the same, with the runs for download.
    """
    register = claims.load()
    verdict = claims.judge(register[name], register)
    sources = citation.sources(verdict.claim)
    written = {
        "text": citation.as_text(verdict, sources),
        "bibtex": citation.as_bibtex(verdict, sources),
    }
    click.echo("\n".join(written.values() if form is None else [written[form]]), nl=False)


def _aligned(table: list[dict[str, str]]) -> str:
    """Lay out rows in columns of equal width."""
    head = list(table[0])
    lines = [head, *([row[key] for key in head] for row in table)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


@main.command(
    epilog=examples("backprop classify seven.png", "backprop classify *.png --seed 3")
    + """
\b
Exit status:
  0  every picture was read; whether it was accepted, the answer says
  2  a picture could not be read (the others were), or the network is not on record
"""
)
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


@main.command(
    epilog=examples(
        'eval "$(backprop completion bash)"    # in ~/.bashrc',
        'eval "$(backprop completion zsh)"     # in ~/.zshrc',
        "backprop completion fish | source     # in ~/.config/fish/config.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, experiments, presets and claims."""
    kind = get_completion_class(shell)
    if kind is None:  # a version of click that does not know it
        raise InputError(f"completion for {shell} is not to be had; choose another shell.")
    click.echo(kind(main, {}, "backprop", "_BACKPROP_COMPLETE").source())
