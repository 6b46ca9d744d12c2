"""Errors that a user can meet and mend.

Each message says what was given, what was expected and what to do. The command
line prints them without a traceback; anything else that is raised is a defect.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# More names than this are not read by anybody.
MOST_NAMES = 30


class BackpropError(Exception):
    """Base class of every foreseeable error of this package."""


class InputError(BackpropError, ValueError):
    """An array or a number given to a function does not fit it."""


class DataError(BackpropError):
    """A data set is missing, damaged or not the one that was expected."""


class PictureError(BackpropError):
    """A file is not a picture of one digit that can be read."""


class ResultsError(BackpropError):
    """A file of recorded results is missing, damaged or of another kind."""


class ClaimError(BackpropError):
    """The claims register and the recorded results contradict each other."""


class TrainingDiverged(BackpropError, ArithmeticError):
    """The loss became infinite or not a number during training."""


class UnknownName(BackpropError, KeyError):
    """A name (experiment, preset, claim) that does not exist."""

    def __str__(self) -> str:
        """Return the message without the quotation marks that KeyError puts round it."""
        return str(self.args[0])


def unknown_name(kind: str, given: str, known: Iterable[str]) -> UnknownName:
    """Build the error for an unknown name, with the nearest known one and at most 30 others.

    Parameters
    ----------
    kind : str
        What is named, for the message: "experiment", "claim", ...
    given : str
        The name as the user wrote it.
    known : iterable of str
        The names that exist.

    Returns
    -------
    UnknownName
        To be raised by the caller.
    """
    names = sorted(known)
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.4)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    shown = names
    if len(names) > MOST_NAMES:
        shown = sorted(difflib.get_close_matches(given, names, n=MOST_NAMES, cutoff=0.0))
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return UnknownName(
        f"unknown {kind} '{given}'.{hint} Known: {', '.join(shown) or 'none'}{more}."
    )
