"""The claims register: what the papers say, beside what our recorded runs show.

`data/claims.yml` holds the claims and the rules; verdicts are computed here from the
recorded runs each time they are shown, and never stored.
"""

from backprop.claims.register import SOURCES, Claim, Register, load
from backprop.claims.tables import (
    counted,
    five_results,
    in_full,
    markdown,
    of_page,
    of_paper,
    of_part,
    published,
    rows,
    rule_in_words,
    summary,
)
from backprop.claims.verdicts import (
    CANNOT_BE_TESTED,
    NOT_REPRODUCED,
    PARTLY,
    REPRODUCED,
    VERDICTS,
    Verdict,
    check_result,
    judge,
    judge_all,
    prediction_interval,
)
from backprop.claims.words import number

__all__ = [
    "CANNOT_BE_TESTED",
    "NOT_REPRODUCED",
    "PARTLY",
    "REPRODUCED",
    "SOURCES",
    "VERDICTS",
    "Claim",
    "Register",
    "Verdict",
    "check_result",
    "counted",
    "five_results",
    "in_full",
    "judge",
    "judge_all",
    "load",
    "markdown",
    "number",
    "of_page",
    "of_paper",
    "of_part",
    "prediction_interval",
    "published",
    "rows",
    "rule_in_words",
    "summary",
]
