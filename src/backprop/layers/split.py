"""Layers side by side: each reads its own group of inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.activations import Array
from backprop.errors import InputError
from backprop.layers.base import Layer, LayerCount, Part


@dataclass(frozen=True)
class Split(Layer):
    """Several layers, each with its own inputs; their outputs are joined.

    The family-tree network reads the person and the relation through separate groups of
    units (Rumelhart et al. 1986, Fig. 3).

    Parameters
    ----------
    branches : tuple of Layer
        The first one reads the first inputs and makes the first outputs, and so on.

    Raises
    ------
    InputError
        If there is no branch.
    """

    branches: tuple[Layer, ...]

    def __post_init__(self) -> None:
        """Check that there is a branch."""
        if not self.branches:
            raise InputError("Split was given no branches; give at least one layer.")

    @property
    def n_in(self) -> int:
        """Number of inputs of all branches."""
        return sum(branch.n_in for branch in self.branches)

    @property
    def n_out(self) -> int:
        """Number of units of all branches."""
        return sum(branch.n_out for branch in self.branches)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Parts of the first branch, then of the next."""
        return tuple(part for branch in self.branches for part in branch.parts)

    @property
    def cache_size(self) -> int:
        """Numbers kept per case: those of the branches, and the joined copy of their outputs."""
        return sum(branch.cache_size for branch in self.branches) + self.n_out

    def count(self) -> LayerCount:
        """Count units, connections and free parameters."""
        counts = [branch.count() for branch in self.branches]
        return LayerCount(*(sum(column) for column in zip(*counts, strict=True)))

    def _shares(self, parameters: list[Array]) -> Iterator[tuple[Layer, list[Array]]]:
        """Each branch with its own parameters."""
        start = 0
        for branch in self.branches:
            stop = start + len(branch.parts)
            yield branch, parameters[start:stop]
            start = stop

    def _groups(self, joined: Array, sizes: list[int]) -> list[Array]:
        """Cut the last axis into groups of these sizes."""
        return np.split(joined, np.cumsum(sizes)[:-1], axis=-1)

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, list[Any]]:
        """Compute the outputs of all branches.

        Parameters
        ----------
        parameters : list of arrays
            Those of the first branch, then of the next.
        x : array, shape (..., n, n_in)
            Inputs of ``n`` cases.

        Returns
        -------
        y : array, shape (..., n, n_out)
            Outputs.
        caches : list
            One for each branch.
        """
        groups = self._groups(x, [branch.n_in for branch in self.branches])
        results = [
            branch.forward(own, group)
            for (branch, own), group in zip(self._shares(parameters), groups, strict=True)
        ]
        return np.concatenate([y for y, _ in results], axis=-1), [cache for _, cache in results]

    def backward(
        self, parameters: list[Array], cache: Any, dy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Run the backward pass of each branch on its share; as `UnitLayer.backward`."""
        return self._pass_back("backward", parameters, cache, dy, to_input)

    def hessian_diagonal(
        self, parameters: list[Array], cache: Any, hy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Carry second derivatives through each branch; as `UnitLayer.hessian_diagonal`."""
        return self._pass_back("hessian_diagonal", parameters, cache, hy, to_input)

    def _pass_back(
        self, method: str, parameters: list[Array], caches: list[Any], signal: Array, to_input: bool
    ) -> tuple[Array | None, list[Array]]:
        groups = self._groups(signal, [branch.n_out for branch in self.branches])
        below, collected = [], []
        for (branch, own), cache, group in zip(
            self._shares(parameters), caches, groups, strict=True
        ):
            at_inputs, parts = getattr(branch, method)(own, cache, group, to_input=to_input)
            below.append(at_inputs)
            collected += parts
        return (np.concatenate(below, axis=-1) if to_input else None), collected
