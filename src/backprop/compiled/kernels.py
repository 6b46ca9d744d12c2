"""The compiled loop of online learning. Importing it imports Numba.

A network is a list of small operations on one flat vector of values. Each reads a stretch of the
vector and writes another one; `signals` holds the derivative of the loss by each value, at the
same place. The parameters are a flat vector too, in which the weights into a unit are neighbours.

The floating-point rules are the strict ones, save that a product and a sum may be fused: what is
not a number stays so.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from backprop.compiled.operations import (
    COPY,
    DESCENT,
    FRAME,
    MOMENTUM,
    NEWTON,
    NO_MARGIN,
    NORMALISE,
    PASS_NEWTON,
    RELU,
    SIGMOID,
    SOFTMAX,
    SQUARES,
    SUM,
    TO_MARGIN,
    UNITS,
    WINDOWS,
)

# exp(r) = 1 + r + r**2 (1/2! + r/3! + ...); enough terms for |r| <= ln(2) / 2.
_TERMS = tuple(1 / math.factorial(n) for n in range(2, 14))
# ln(2) in two parts, the first with so few digits that its multiples are exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_PER_LN2 = 1 / math.log(2)
_INTO_BITS = 1.5 * 2.0**52  # added to a number, it brings the whole part into the lowest bits

compiled = njit(cache=True, error_model="numpy", fastmath={"contract"})


@compiled
def tanh_in_place(y):
    """Replace each value by its tanh. The library's takes one value at a time, this several."""
    for i in range(y.size):
        x = np.float64(y[i])
        a = -2.0 * abs(x)
        a = -50.0 if a < -50.0 else a  # written so that what is not a number stays
        shifted = a * _PER_LN2 + _INTO_BITS
        k = shifted - _INTO_BITS
        r = (a - k * _LN2_HIGH) - k * _LN2_LOW  # a = k ln(2) + r
        tail = _TERMS[11]
        tail = _TERMS[10] + r * tail
        tail = _TERMS[9] + r * tail
        tail = _TERMS[8] + r * tail
        tail = _TERMS[7] + r * tail
        tail = _TERMS[6] + r * tail
        tail = _TERMS[5] + r * tail
        tail = _TERMS[4] + r * tail
        tail = _TERMS[3] + r * tail
        tail = _TERMS[2] + r * tail
        tail = _TERMS[1] + r * tail
        tail = _TERMS[0] + r * tail
        bits = (np.float64(shifted).view(np.int64) << np.int64(52)) + np.int64(1023 << 52)
        power = np.int64(bits).view(np.float64)  # 2**k
        less_one = (r + r * r * tail) * power + (power - 1.0)  # exp(a) - 1
        y[i] = math.copysign(-less_one / (2.0 + less_one), x)


@compiled
def activate(kind, c, y):
    """Turn total inputs into outputs, in place."""
    if kind == SIGMOID:
        for i in range(y.size):
            y[i] *= c[2]
        tanh_in_place(y)
        for i in range(y.size):
            y[i] = c[0] + c[1] * y[i]
    elif kind == RELU:
        for i in range(y.size):
            if y[i] < 0:
                y[i] = y.dtype.type(0)


@compiled
def times_slope(kind, c, y, signal, squared):
    """Multiply a signal with the slope of the activation, or with its square, in place."""
    if kind == SIGMOID:
        for i in range(y.size):
            slope = c[3] + y[i] * (c[4] + y[i] * c[5])
            signal[i] *= slope * slope if squared else slope
    elif kind == RELU:
        for i in range(y.size):
            signal[i] *= y.dtype.type(y[i] > 0)


@compiled
def units_forward(op, c, values, w):
    """Compute the outputs of units that share their weights over several places."""
    _, src, dst, rows, reads, units, at, bias_at, kind, _, _ = op
    y = values[dst : dst + rows * units]
    x = values[src : src + rows * reads].reshape(rows, reads)
    weights = w[at : at + units * reads].reshape(units, reads)
    np.dot(x, weights.T, y.reshape(rows, units))
    if bias_at >= 0:
        y += w[bias_at : bias_at + rows * units]
    activate(kind, c, y)


@compiled
def units_back(op, c, values, read, weights, signals, out, spare, squared):
    """Carry a signal from the outputs of units to their weights, biases and inputs."""
    _, src, dst, rows, reads, units, at, bias_at, kind, wanted, again = op
    delta = signals[dst : dst + rows * units]
    times_slope(kind, c, values[dst : dst + rows * units], delta, squared)
    by_row = delta.reshape(rows, units)
    x = read[src : src + rows * reads].reshape(rows, reads)
    stop = at + units * reads
    if again:  # the same weights at another moment: add to what is there
        np.dot(by_row.T, x, spare[at:stop].reshape(units, reads))
        out[at:stop] += spare[at:stop]
    else:
        np.dot(by_row.T, x, out[at:stop].reshape(units, reads))
    if bias_at >= 0:
        biases = out[bias_at : bias_at + rows * units]
        if again:
            biases += delta
        else:
            biases[:] = delta
    if wanted:
        below = signals[src : src + rows * reads].reshape(rows, reads)
        np.dot(by_row, weights[at:stop].reshape(units, reads), below)


@compiled
def frame_forward(op, values):
    """Copy an image into a frame whose border is there already."""
    _, src, dst, rows, width, step = op[:6]
    for _ in range(rows):
        values[dst : dst + width] = values[src : src + width]
        src, dst = src + width, dst + step


@compiled
def frame_back(op, signals):
    """Carry signals from inside the frame to the image."""
    _, src, dst, rows, width, step, wanted = op[:7]
    if wanted:
        for _ in range(rows):
            signals[src : src + width] += signals[dst : dst + width]
            src, dst = src + width, dst + step


@compiled
def windows_forward(op, values):
    """Copy what each window covers, row after row; a row of a window is one piece."""
    _, src, dst, rows, columns, size, piece, step, down, right, _ = op
    for i in range(rows):
        for j in range(columns):
            for row in range(size):
                start = src + i * down + j * right + row * step
                covered, inside = values[dst : dst + piece], values[start : start + piece]
                for k in range(piece):
                    covered[k] = inside[k]
                dst += piece


@compiled
def windows_back(op, signals):
    """Add up the signals of all windows that cover an input."""
    _, src, dst, rows, columns, size, piece, step, down, right, wanted = op
    if wanted:
        for i in range(rows):
            for j in range(columns):
                for row in range(size):
                    start = src + i * down + j * right + row * step
                    covered, inside = signals[dst : dst + piece], signals[start : start + piece]
                    for k in range(piece):
                        inside[k] += covered[k]
                    dst += piece


@compiled
def normalise_forward(op, c, values, w):
    """Bring values to mean 0 and spread 1; then gain, bias and activation."""
    _, src, dst, n, kept, gain_at, bias_at, kind, _, _, _ = op
    x, y = values[src : src + n], values[dst : dst + n]
    mean = x.sum() / n
    centred = x - y.dtype.type(mean)
    variance = (centred * centred).sum() / n
    scale = y.dtype.type(1 / math.sqrt(variance + c[6]))
    values[kept : kept + n] = centred * scale
    values[kept + n] = scale
    for i in range(n):
        y[i] = (1 + w[gain_at + i]) * values[kept + i] + w[bias_at + i]
    activate(kind, c, y)


@compiled
def normalise_back(op, c, values, w, signals, out, squared):
    """Carry a signal through gain and normalisation."""
    _, src, dst, n, kept, gain_at, bias_at, kind, _, _, _ = op
    y, delta = values[dst : dst + n], signals[dst : dst + n]
    v, scale = values[kept : kept + n], values[kept + n]
    times_slope(kind, c, y, delta, squared)
    below = signals[src : src + n]
    gain = 1 + w[gain_at : gain_at + n]
    out[bias_at : bias_at + n] = delta
    if squared:
        out[gain_at : gain_at + n] = delta * v * v
        h = gain * gain * delta
        zeroth, first, square = h.sum(), (h * v).sum(), (h * v * v).sum()
        for i in range(n):
            own = h[i] * (1 - 2 * (1 + v[i] * v[i]) / n)
            others = (zeroth + 2 * v[i] * first + v[i] * v[i] * square) / (n * n)
            below[i] += scale * scale * (own + others)
    else:
        out[gain_at : gain_at + n] = delta * v
        signal = gain * delta
        mean, along = signal.sum() / n, (signal * v).sum() / n
        for i in range(n):
            below[i] += scale * (signal[i] - mean - along * v[i])


@compiled
def forward(ops, constants, values, w):
    """Run all operations."""
    for i in range(len(ops)):
        op, c = _row(ops, i), constants[i]
        kind, src, dst, n, other = op[0], op[1], op[2], op[3], op[4]
        if kind == UNITS:
            units_forward(op, c, values, w)
        elif kind == WINDOWS:
            windows_forward(op, values)
        elif kind == FRAME:
            frame_forward(op, values)
        elif kind == NORMALISE:
            normalise_forward(op, c, values, w)
        elif kind == COPY:
            values[dst : dst + n] = values[src : src + n]
        elif kind == SUM:
            values[dst : dst + n] = values[src : src + n] + values[other : other + n]
        else:
            values[dst : dst + n] = values[src : src + n] * values[other : other + n]


@compiled
def back(ops, constants, values, w, read, weights, signals, out, spare, squared):
    """Run all operations in reverse: the gradient or, if `squared`, the second derivatives.

    For those `read` and `weights` are the squares of `values` and `w`; else they are the same.
    """
    for i in range(len(ops) - 1, -1, -1):
        op, c = _row(ops, i), constants[i]
        kind, src, dst, n, other = op[0], op[1], op[2], op[3], op[4]
        if kind == UNITS:
            units_back(op, c, values, read, weights, signals, out, spare, squared)
        elif kind == WINDOWS:
            windows_back(op, signals)
        elif kind == FRAME:
            frame_back(op, signals)
        elif kind == NORMALISE:
            normalise_back(op, c, values, w, signals, out, squared)
        elif kind == COPY:
            signals[src : src + n] += signals[dst : dst + n]
        elif kind == SUM:
            signals[src : src + n] += signals[dst : dst + n]
            signals[other : other + n] += signals[dst : dst + n]
        else:
            signals[src : src + n] += signals[dst : dst + n] * read[other : other + n]


@compiled
def _row(ops, i):
    """Give one operation as a tuple."""
    o = ops[i]
    return o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7], o[8], o[9], o[10]


@compiled
def loss_back(kind, margin, c, y, d, slope, curvature):
    """Write first and second derivative of the loss by the outputs."""
    if kind == SOFTMAX:
        p = np.exp(y - y.max())
        p /= p.sum()
        slope[:] = p - d
        curvature[:] = p * (1 - p)
        return
    for i in range(y.size):
        goal = d[i]
        if margin != NO_MARGIN:
            on = d[i] > 0.5
            short = y[i] < c[2] if on else y[i] > c[1]
            if not short:
                slope[i] = 0
                curvature[i] = 0
                continue
            if margin == TO_MARGIN:
                goal = c[2] if on else c[1]
        if kind == SQUARES:
            slope[i] = c[0] * (y[i] - goal)
            curvature[i] = c[0]
        else:
            p = y[i]
            p = c[3] if p < c[3] else p
            p = 1 - c[3] if p > 1 - c[3] else p
            slope[i] = (p - goal) / (p * (1 - p))
            curvature[i] = goal / (p * p) + (1 - goal) / ((1 - p) * (1 - p))


@compiled
def update(kind, c, w, gradient, curvature, state, steps):
    """Change the weights and the state of the optimiser, in place."""
    if kind == DESCENT:
        for i in range(w.size):
            w[i] -= c[0] * gradient[i]
    elif kind == MOMENTUM:
        change = state[0]
        for i in range(w.size):
            change[i] = c[1] * change[i] - c[0] * gradient[i]
            w[i] += change[i]
    elif kind == NEWTON:
        average = state[0]
        for i in range(w.size):
            average[i] += c[2] * (curvature[i] - average[i])
            w[i] -= c[0] * gradient[i] / (c[1] + average[i])
    elif kind == PASS_NEWTON:
        average = state[0]
        for i in range(w.size):
            w[i] -= c[0] * gradient[i] / (c[1] + average[i])
    else:
        steps[0] += 1
        m, v = state[0], state[1]
        one = w.dtype.type(1)
        size, size_of_v = one - c[1] ** steps[0], one - c[2] ** steps[0]
        for i in range(w.size):
            m[i] = c[1] * m[i] + (one - c[1]) * gradient[i]
            v[i] = c[2] * v[i] + (one - c[2]) * gradient[i] * gradient[i]
            w[i] -= c[0] * (m[i] / size) / (np.sqrt(v[i] / size_of_v) + c[3])


@compiled
def square(numbers, squares):
    """Write the square of each number."""
    for i in range(numbers.size):
        squares[i] = numbers[i] * numbers[i]


@compiled
def train_pass(
    ops, constants, values, out_at, holes, x, d, rows, w, state, steps, loss, margin, loss_c,
    optimiser, optimiser_c, shrink, shrink_gradient,
):  # fmt: skip
    """Present cases one after the other, changing `w` and `state` after each."""
    n_in, n_out = x.shape[1], d.shape[1]
    y = values[out_at : out_at + n_out]
    signals = np.zeros_like(values)
    gradient, second, spare = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    slope, curvature = np.zeros_like(y), np.zeros_like(y)
    squares, squared_w = np.zeros_like(values), np.zeros_like(w)
    orders = 2 if optimiser == NEWTON else 1
    for row in rows:
        values[:n_in] = x[row]
        forward(ops, constants, values, w)
        loss_back(loss, margin, loss_c, y, d[row], slope, curvature)
        for order in range(1, orders + 1):
            start, read, weights, out = slope, values, w, gradient
            if order == 2:
                square(values, squares)
                square(w, squared_w)
                start, read, weights, out = curvature, squares, squared_w, second
            signals[:] = 0
            signals[out_at : out_at + n_out] = start
            back(ops, constants, values, w, read, weights, signals, out, spare, order == 2)
            for hole in holes:
                out[hole] = 0
        if shrink.size and shrink_gradient:
            gradient += shrink * w
        update(optimiser, optimiser_c, w, gradient, second, state, steps)
        if shrink.size and not shrink_gradient:
            w *= 1 - shrink
