"""The library's own code as text for a page: what is shown is what runs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from backprop.errors import InputError


def source(function: Callable[..., Any]) -> str:
    """Return the source of a function without its docstring and without common indentation.

    Parameters
    ----------
    function : callable
        A function or method that is written in Python.

    Returns
    -------
    str
        Its code.
    """
    text = inspect.cleandoc("\n" + inspect.getsource(function))
    return re.sub(r'\n *"""(?s:.)*?"""', "", text, count=1)


def line(function: Callable[..., Any], part: str) -> str:
    """Return the one line of a function that holds a piece of text.

    Parameters
    ----------
    function : callable
        As for `source`.
    part : str
        What stands in that line and in no other.

    Returns
    -------
    str
        The line, without indentation.

    Raises
    ------
    InputError
        If no line holds it, or several do.
    """
    found = [text.strip() for text in source(function).splitlines() if part in text]
    if len(found) != 1:
        raise InputError(
            f"{len(found)} lines of {function.__qualname__} hold '{part}'; expected exactly one. "
            "Give more of the line, or look at what the function has become."
        )
    return found[0]


def listing(*functions: Callable[..., Any]) -> Any:
    """Show functions of the library on a page, without their docstrings.

    Parameters
    ----------
    *functions : callable
        As for `source`.

    Returns
    -------
    IPython.display.Markdown
        One block of Python code for all of them.
    """
    from IPython.display import Markdown  # only on pages

    return Markdown("```python\n" + "\n\n".join(source(each) for each in functions) + "\n```")
