"""Figures: one style, and the few kinds of drawing that the pages share.

The only part that imports matplotlib. Nothing here trains; functions take arrays and draw
them on axes.
"""

from backprop.plotting.attribution import (
    along_the_path,
    correlations_by_layer,
    importance_maps,
)
from backprop.plotting.basins import basin_map, basins
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
from backprop.plotting.depth import gradient_left
from backprop.plotting.derivation import paths_up, worked_network
from backprop.plotting.digits import captioned, confusion, mosaic, readings, response
from backprop.plotting.effects import effects
from backprop.plotting.families import answers, family_tree, receptive_fields
from backprop.plotting.feature_maps import (
    connection_table,
    network_to_scale,
    shared_kernel,
    spreads,
)
from backprop.plotting.hidden import hidden_plane
from backprop.plotting.ladder import Rung, ladder
from backprop.plotting.live import question_in_layers, reading_in_layers
from backprop.plotting.networks import (
    hinton,
    hinton_with_numbers,
    images,
    small_network,
    two_passes,
)
from backprop.plotting.pictures import pictures_and_views, times_as_fast
from backprop.plotting.sharing import repeated_entries, windows_over_line
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
from backprop.plotting.tapes import tape_graph
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
    "Rung",
    "along_the_path",
    "annotated_map",
    "answers",
    "band",
    "basin_map",
    "basins",
    "captioned",
    "confusion",
    "connection_table",
    "copies_and_sum",
    "correlations_by_layer",
    "cumulative",
    "dots_beside_paper",
    "effects",
    "factors",
    "family_tree",
    "gradient_left",
    "hidden_plane",
    "hinton",
    "hinton_with_numbers",
    "images",
    "importance_maps",
    "ladder",
    "mark_paper",
    "mosaic",
    "network_to_scale",
    "outputs_over_runs",
    "panels_beside_paper",
    "paths_up",
    "pictures_and_views",
    "question_in_layers",
    "reading_in_layers",
    "readings",
    "receptive_fields",
    "repeated_entries",
    "response",
    "roots_and_nets",
    "shared_kernel",
    "small_network",
    "spreads",
    "stacked_sums",
    "tape_graph",
    "times_as_fast",
    "title",
    "two_passes",
    "unrolled",
    "use_style",
    "windows_over_line",
    "worked_network",
]
