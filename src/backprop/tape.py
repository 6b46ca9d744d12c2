"""Reverse mode: the gradient of any program written with NumPy, from a tape in about 100 lines.

`gradient(f, w)` runs ``f`` once on a variable in place of the array. Each operation on a `Var`
computes its result and notes on a tape what it read. Read backwards, the tape is the backward
pass. The tape is a list that belongs to one call; nothing is kept elsewhere.

Values may be arrays of floats, of complex numbers or of Python's decimals, and even `Dual`
numbers: the rules below use nothing but the operations themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.lib.mixins import NDArrayOperatorsMixin

from backprop.activations import Array
from backprop.errors import InputError

Rule = Callable[..., Any]

# How a signal s passes from an input to the result y of an elementwise operation, for each input.
# It is multiplied by the local slope. A factor is its own transpose: the same rule carries a
# change of the input forward (`backprop.dual`) and a gradient at the result backward.
ELEMENTWISE: dict[Any, tuple[Rule, ...]] = {
    np.add: (lambda s, y, a, b: s, lambda s, y, a, b: s),
    np.subtract: (lambda s, y, a, b: s, lambda s, y, a, b: -s),
    np.multiply: (lambda s, y, a, b: s * b, lambda s, y, a, b: s * a),
    np.divide: (lambda s, y, a, b: s / b, lambda s, y, a, b: -s * y / b),
    np.power: (
        lambda s, y, a, b: s * b * a ** (b - 1),
        lambda s, y, a, b: s * y * np.log(a),
    ),
    np.maximum: (
        lambda s, y, a, b: s * (a > b),
        lambda s, y, a, b: s * (a <= b),  # also where both are equal
    ),
    np.negative: (lambda s, y, a: -s,),
    np.tanh: (lambda s, y, a: s * (1 - y * y),),
    np.exp: (lambda s, y, a: s * y,),
    np.log: (lambda s, y, a: s / a,),
}
# A matrix product carries changes forward by the matrices themselves.
MATMUL_FORWARD: tuple[Rule, Rule] = (
    lambda s, y, a, b: s @ b,
    lambda s, y, a, b: a @ s,
)
#: A matrix product carries gradients back by the transposes (eq-tape-matmul of the book).
#:
#: :meta hide-value:
MATMUL_BACK: tuple[Rule, Rule] = (
    lambda s, y, a, b: s @ b.swapaxes(-1, -2),
    lambda s, y, a, b: a.swapaxes(-1, -2) @ s,
)
# What a program branches on gives a plain answer: only the branch that is taken is recorded.
COMPARISONS = (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)


class Value(NDArrayOperatorsMixin):
    """What variables and dual numbers have in common: operators, and the shape of their value."""

    value: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        """Number of its axes."""
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        """Type of its entries."""
        return self.value.dtype

    def __array__(self, *_: Any, **__: Any) -> Any:
        """Refuse to become a plain array, which would lose the derivative unnoticed."""
        raise InputError(
            f"a {type(self).__name__} was given to a function that makes plain arrays of its "
            "arguments; expected one with a rule for its derivative. Write it with +, -, *, /, **, "
            "@, sum, and the functions listed in ELEMENTWISE."
        )


class Var(Value):
    """A value on a tape and, after `backward`, its ``gradient``.

    Parameters
    ----------
    value : array
        The value.
    tape : list of Var
        Everything computed so far; the new variable is added at the end.
    operation : str
        What it came from.
    sources : sequence of (Var, callable)
        What was read, each with the way of the gradient back to it.
    """

    def __init__(
        self,
        value: Any,
        tape: list[Var],
        operation: str = "input",
        sources: Sequence[tuple[Var, Rule]] = (),
    ) -> None:
        self.value = _array(value)
        self.tape, self.operation, self.sources = tape, operation, sources
        self.gradient: Any = 0
        tape.append(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute an operation and note it; NumPy calls this for +, @, np.tanh and so on."""
        values = [x.value if isinstance(x, Var) else x for x in inputs]
        if ufunc in COMPARISONS:
            return ufunc(*values)
        rules = rules_of(MATMUL_BACK, ufunc, method, *inputs, **options)
        y = ufunc(*values)
        sources = []
        for x, rule in zip(inputs, rules, strict=True):
            if isinstance(x, Var):
                _check_on(self.tape, x)
                sources.append((x, _way_back(rule, y, values, x.shape)))
        return Var(y, self.tape, ufunc.__name__, sources)

    def _note(self, operation: str, value: Any, back: Rule) -> Var:
        return Var(value, self.tape, operation, [(self, back)])

    def sum(self, axis: Any = None, keepdims: bool = False) -> Var:
        """Add up over axes; backward, every term gets the gradient of the sum."""
        axes = normalize_axis_tuple(range(self.ndim) if axis is None else axis, self.ndim)
        kept = tuple(1 if i in axes else n for i, n in enumerate(self.shape))
        y = self.value.sum(axis=axes, keepdims=keepdims)
        return self._note("sum", y, lambda s: stretched(s.reshape(kept), self.shape))

    def reshape(self, *shape: Any) -> Var:
        """Give it another shape."""
        return self._note(
            "reshape", self.value.reshape(*shape), lambda s: s.reshape(self.value.shape)
        )

    def swapaxes(self, a: int, b: int) -> Var:
        """Swap two axes."""
        return self._note("swapaxes", self.value.swapaxes(a, b), lambda s: s.swapaxes(a, b))

    def __getitem__(self, index: Any) -> Var:
        """Take entries; backward, an entry that was taken twice gets both gradients."""

        def back(s: Any) -> Any:
            whole = np.zeros(self.shape, self.dtype)
            np.add.at(whole, index, s)
            return whole

        return self._note("take", self.value[index], back)


def _way_back(rule: Rule, y: Any, values: Sequence[Any], shape: tuple[int, ...]) -> Rule:
    return lambda s: unbroadcast(rule(s, y, *values), shape)


def unbroadcast(signal: Any, shape: tuple[int, ...]) -> Any:
    """Add up a signal over the axes along which NumPy repeated an array.

    An array that was repeated was used many times, and the gradients of all uses add up.

    Parameters
    ----------
    signal : array
        Gradient at the repeated array.
    shape : tuple of int
        Shape of the array itself.

    Returns
    -------
    array
        Of that shape.
    """
    new = np.ndim(signal) - len(shape)
    stretched = [new + i for i, n in enumerate(shape) if n == 1 and signal.shape[new + i] > 1]
    axes = (*range(new), *stretched)
    return signal.sum(axis=axes).reshape(shape) if axes else signal


def stretched(signal: Any, shape: tuple[int, ...]) -> Any:
    """Repeat a signal along axes of length 1, or new ones in front, up to a shape.

    Parameters
    ----------
    signal : array
        Of a shape that NumPy can broadcast.
    shape : tuple of int
        The shape wanted.

    Returns
    -------
    array
        Of that shape.
    """
    # Adding False changes no number of any kind.
    return signal + np.zeros(shape, bool) if signal.shape != shape else signal


def rules_of(
    matmul: tuple[Rule, ...], ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any
) -> tuple[Rule, ...]:
    """Find the rules of an operation, one for each input.

    Parameters
    ----------
    matmul : tuple of callable
        `MATMUL_BACK` or `MATMUL_FORWARD`.
    ufunc, method, inputs, out, options
        As NumPy hands them to ``__array_ufunc__``. ``a += b`` asks for the result in place of
        ``a``, and gets a new variable instead.

    Returns
    -------
    tuple of callable
        ``(signal, result, *inputs) -> signal``.

    Raises
    ------
    InputError
        If there are none.
    """
    if ufunc is np.matmul and min(x.ndim for x in inputs) < 2:
        raise InputError(
            f"a matrix product was given shapes {[x.shape for x in inputs]}; expected at least "
            "two axes in each. Write a vector as a matrix of one row or one column."
        )
    rules = matmul if ufunc is np.matmul else ELEMENTWISE.get(ufunc)
    elsewhere = out is not None and out[0] is not inputs[0]
    if rules is None or method != "__call__" or options or elsewhere:
        known = ", ".join(each.__name__ for each in (*ELEMENTWISE, np.matmul))
        raise InputError(
            f"there is no rule for the derivative of this use of {ufunc.__name__}; there are rules "
            f"for {known}, each with its inputs only. Write the function with those."
        )
    return rules


def backward(output: Var, signal: Any) -> None:
    """Read the tape backwards and leave at each variable its gradient (eq-tape-back of the book).

    A variable is followed on the tape by all that read it. When its turn comes, the gradients of
    all its uses have been added up.

    Parameters
    ----------
    output : Var
        What is differentiated.
    signal : array, shape of the output
        Gradient at the output, such as 1 for an output that is a number.
    """
    for var in output.tape:
        var.gradient = np.zeros(var.shape, var.dtype)
    output.gradient = _array(output.gradient + signal)
    for var in reversed(output.tape):
        for source, back in var.sources:
            source.gradient = _array(source.gradient + back(var.gradient))


def _array(value: Any) -> Any:
    # NumPy makes plain Python numbers of single decimals.
    return value if hasattr(value, "shape") else np.asarray(value)


def record(f: Callable[..., Any], *arrays: Any) -> tuple[Var, list[Var]]:
    """Run a function once on variables.

    Parameters
    ----------
    f : callable
        Arrays -> array.
    *arrays : array
        Its arguments.

    Returns
    -------
    output : Var
        With the whole tape as ``output.tape``.
    inputs : list of Var
        One for each argument.

    Raises
    ------
    InputError
        If the result does not depend on them in a way that the tape can see.
    """
    tape: list[Var] = []
    inputs = [Var(array, tape) for array in arrays]
    output = f(*inputs)
    _check_on(tape, output)
    return output, inputs


def _check_on(tape: list[Var], result: Any) -> None:
    if not isinstance(result, Var):
        raise InputError(
            f"the function returned a {type(result).__name__} that is not on the tape; expected a "
            "result computed from its arguments. Let every step from them to the result be an "
            "operation on variables."
        )
    if result.tape is not tape:
        raise InputError(
            "variables of two tapes met, one function being differentiated inside the other; "
            "expected those of one. Give the inner function what it needs as arguments."
        )


def gradient(f: Callable[..., Any], *arrays: Any) -> list[Any]:
    """Compute the gradient of a number by each argument: one run of `f`, one pass back.

    Parameters
    ----------
    f : callable
        Arrays -> number.
    *arrays : array
        Where the gradient is wanted.

    Returns
    -------
    list of arrays
        One for each argument, of its shape.

    Raises
    ------
    InputError
        If the result is no number, or an operation has no rule.
    """
    output, inputs = record(f, *arrays)
    if output.shape:
        raise InputError(
            f"the function returned an array of shape {output.shape}; "
            "expected a number. Add it up, or use `jacobian`."
        )
    backward(output, 0 * output.value + 1)  # 1, of the same kind as the output
    return [x.gradient for x in inputs]


def jacobian(f: Callable[..., Any], at: Array) -> Array:
    """Compute all derivatives of all outputs: one run of `f`, one pass back for each output.

    Parameters
    ----------
    f : callable
        Array -> array.
    at : array
        Where the derivatives are wanted.

    Returns
    -------
    array, shape (*output, *at)
        ``J[i, j]``, the derivative of output ``i`` by input ``j``.
    """
    output, (x,) = record(f, at)
    rows = []
    for one_hot in np.eye(output.value.size):
        backward(output, one_hot.reshape(output.shape))
        rows.append(x.gradient)
    return np.stack(rows).reshape(output.shape + x.shape)
