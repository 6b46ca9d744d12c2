"""What all tests share: digits, real and random, repeatable random examples, a browser."""

import os
from dataclasses import replace

import hypothesis
import numpy as np
import pytest

from backprop import datasets
from backprop.datasets import Digits, find_digits
from backprop.errors import DataError
from browser import book, chromium  # noqa: F401  (fixtures)

# The tests are about the book's own results, whatever the user has set for other purposes.
for name in ("RESULTS", "CLAIMS", "STAND_IN", "OFFLINE"):
    os.environ.pop(f"BACKPROP_{name}", None)

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")


def missing_digits() -> str | None:
    """Why the real zip-code digits cannot be used; None if they can."""
    try:
        folder = find_digits()
    except DataError as error:
        return str(error)
    return None if folder else "the zip-code digits are not here: see data/README.md"


def digits_required() -> bool:
    """Whether tests on the digits must run: where their folder is named, and on a CI machine."""
    return bool(os.environ.get("BACKPROP_DATA")) or os.environ.get("CI", "").lower() == "true"


MISSING = missing_digits()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked needs_digits, by name, where the digits may be missing and are."""
    if MISSING and not digits_required():
        for item in items:
            if item.get_closest_marker("needs_digits"):
                item.add_marker(pytest.mark.skip(reason=MISSING))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail the tests marked needs_digits where the digits must be there and are not."""
    if MISSING and digits_required() and item.get_closest_marker("needs_digits"):
        pytest.fail(MISSING, pytrace=False)


@pytest.fixture
def small_digits() -> Digits:
    """Digits of the real shape and range, few and random."""
    rng = np.random.default_rng(0)
    x, digit = rng.uniform(-1, 1, (40, 256)).astype(np.float32), np.arange(40) % 10
    return Digits(x, digit, x, digit, source="test", checksums={}, stand_in=True)


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch, small_digits: Digits) -> Digits:
    """A small set in place of the zip codes; its test digits are not all of its training digits."""
    small = replace(
        small_digits,
        test_x=small_digits.test_x[:25],
        test_digit=small_digits.test_digit[:25],
    )
    monkeypatch.setattr(datasets, "zip_codes", lambda: small)
    return small
