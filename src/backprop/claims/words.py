"""How numbers are written, everywhere in the book."""

from __future__ import annotations


def number(value: float) -> str:
    """Write a number as the book prints numbers: three digits, integers with commas.

    Parameters
    ----------
    value : float
        Any finite number.

    Returns
    -------
    str
        "1,425", "0.14", "2.5e-3".
    """
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    if value and abs(value) < 0.01:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.3g}"
