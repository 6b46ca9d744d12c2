"""Figures: one style, and the few kinds of drawing that the pages share.

The only part that imports matplotlib. Nothing here trains; functions take arrays and draw
them on axes.
"""

from backprop.plotting.charts import (
    annotated_map,
    band,
    cumulative,
    dots_beside_paper,
    factors,
    mark_paper,
    outputs_over_runs,
    panels_beside_paper,
    stacked_sums,
)
from backprop.plotting.families import answers, family_tree, receptive_fields
from backprop.plotting.networks import (
    hinton,
    hinton_with_numbers,
    images,
    small_network,
    two_passes,
)
from backprop.plotting.readings import pictures_and_views, times_as_fast
from backprop.plotting.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    ORANGE,
    PAPER,
    PINK,
    title,
    use_style,
)
from backprop.plotting.unrolled import copies_and_sum, roots_and_nets, unrolled

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "LIGHT",
    "ORANGE",
    "PAPER",
    "PINK",
    "annotated_map",
    "answers",
    "band",
    "copies_and_sum",
    "cumulative",
    "dots_beside_paper",
    "factors",
    "family_tree",
    "hinton",
    "hinton_with_numbers",
    "images",
    "mark_paper",
    "outputs_over_runs",
    "panels_beside_paper",
    "pictures_and_views",
    "receptive_fields",
    "roots_and_nets",
    "small_network",
    "stacked_sums",
    "times_as_fast",
    "title",
    "two_passes",
    "unrolled",
    "use_style",
]
