"""How much arithmetic a presentation is, and how fast this machine multiplies matrices."""

from collections.abc import Callable

import numpy as np

from backprop.network import Network

# Multiplications, each with an addition, for every weight at its change: plain descent has one.
# The pseudo-Newton step has one more for the running average; its division is not counted.
CHANGES = {"gradient-descent": 1, "pseudo-newton": 2}


def multiply_adds(network: Network) -> dict[str, int]:
    """Count what one presentation takes, part by part; activations and loss are left out."""
    connections = [layer.count().connections for layer in network.layers]
    biases = [
        sum(part.size for part in layer.parts if part.name == "b") for layer in network.layers
    ]
    return {
        "forward": sum(connections),
        "to_weights": sum(connections),
        # A signal at the inputs of the first layer is not needed, nor one at a bias.
        "to_inputs": sum(connections[1:]) - sum(biases[1:]),
        "update": network.n_params,
    }


def operations(network: Network, optimiser: str = "gradient-descent") -> int:
    """Floating-point operations of one presentation: two for each multiplication and addition."""
    counted = multiply_adds(network)
    back = counted["to_weights"] + counted["to_inputs"]
    if optimiser == "pseudo-newton":  # the second derivatives come the same way as the gradient
        back *= 2
    return 2 * (counted["forward"] + back + CHANGES[optimiser] * counted["update"])


def matrix_product(size: int) -> tuple[Callable[[], object], int]:
    """Give the product of two square float32 matrices, and its number of operations."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, size, size), dtype=np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, b, out=out), 2 * size**3
