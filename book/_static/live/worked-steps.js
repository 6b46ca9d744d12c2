/* The numbers and formulas of "Step through backpropagation". Nothing here knows of the page.

   Units 1 and 2 are the inputs, 3 and 4 hidden, 5 the output. In formulas, gy3 stands for dE/dy3,
   delta3 for the gradient at the total input of unit 3, and new_w31 for w31 after the update. */
(function (Backprop) {
  "use strict";

  const { short } = Backprop.elements;

  // In the order of the package's list of parameters.
  const PARAMETERS = ["w31", "w41", "w32", "w42", "b3", "b4", "w53", "w54", "b5"];
  const NAME = /(?:new_)?g?[bwxy]\d+|delta\d|\blr\b|\bd\b/g;
  const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

  /** A name as it is printed or, if `spoken`, as it is read out. */
  function nameOf(name, spoken = false) {
    const bare = name.replace("new_", "").replace("delta", "δ").replace("lr", "ε");
    const [sign, rest] = bare[0] === "g" ? ["∂E/∂", bare.slice(1)] : ["", bare];
    return spoken
      ? sign.replaceAll("∂", "d") + rest
      : sign + rest.replace(/\d/g, (digit) => SUBSCRIPTS[digit]);
  }

  /** A formula with its names. */
  function withNames(formula, spoken = false) {
    return formula.replace(NAME, (name) => nameOf(name, spoken));
  }

  /** A formula with the numbers in place of the names, negative ones in brackets. */
  function withNumbers(formula, values) {
    return formula.replace(NAME, (name) => {
      const text = short(values[name]);
      return text.startsWith("\u2212") ? `(${text})` : text;
    });
  }

  /** One round: all its steps in order, all its values by name, and the parameters after it.

      A step has its stage, the name of its number, the formula, the names that the formula reads,
      the number, and a sentence. The first step computes nothing. */
  function round({ w, x, d, lr }) {
    const values = { y1: x[0], y2: x[1], d, lr };
    PARAMETERS.forEach((name, k) => (values[name] = w[k]));
    const steps = [{ stage: "start", name: null, reads: [] }];

    function step(stage, name, formula, value, says) {
      values[name] = value;
      steps.push({ stage, name, formula, reads: formula.match(NAME), value, says });
    }

    function forward(j, [i, k]) {
      const v = values;
      step(
        "forward",
        `x${j}`,
        `w${j}${i} × y${i} + w${j}${k} × y${k} + b${j}`,
        v[`w${j}${i}`] * v[`y${i}`] + v[`w${j}${k}`] * v[`y${k}`] + v[`b${j}`],
        `Unit ${j} adds up its inputs times their weights, and its bias. This is its total input.`,
      );
      step(
        "forward",
        `y${j}`,
        `1 / (1 + exp(−x${j}))`,
        1 / (1 + Math.exp(-v[`x${j}`])),
        `The logistic function turns the total input into the output of unit ${j}.`,
      );
    }

    // From the gradient at the output of a unit to those at its total input, weights and bias.
    function backward(j, below) {
      const [dy, y] = [values[`gy${j}`], values[`y${j}`]];
      const delta = dy * y * (1 - y);
      step(
        "backward",
        `delta${j}`,
        `gy${j} × y${j} × (1 − y${j})`,
        delta,
        "Times the slope of the logistic function. This is δ, which says how E changes with the " +
          `total input of unit ${j}.`,
      );
      for (const i of below) {
        step(
          "backward",
          `gw${j}${i}`,
          `delta${j} × y${i}`,
          delta * values[`y${i}`],
          "The gradient at a weight is δ of the unit above, times the output of the unit below.",
        );
      }
      step(
        "backward",
        `gb${j}`,
        `delta${j}`,
        delta,
        "A bias is the weight from an input that is always 1, so its gradient is δ itself.",
      );
    }

    forward(3, [1, 2]);
    forward(4, [1, 2]);
    forward(5, [3, 4]);
    step(
      "loss",
      "E",
      "½ × (y5 − d)²",
      0.5 * (values.y5 - d) ** 2,
      "The loss is half the squared difference between the output and the desired output.",
    );
    step(
      "backward",
      "gy5",
      "y5 − d",
      values.y5 - d,
      "The way back begins here: how E changes with the output.",
    );
    backward(5, [3, 4]);
    for (const j of [3, 4]) {
      step(
        "backward",
        `gy${j}`,
        `w5${j} × delta5`,
        values[`w5${j}`] * values.delta5,
        `Unit ${j} acts on E through unit 5 alone, so δ₅ comes back through the weight that leads there.`,
      );
      backward(j, [1, 2]);
    }
    for (const name of PARAMETERS) {
      step(
        "update",
        `new_${name}`,
        `${name} − lr × g${name}`,
        values[name] - lr * values[`g${name}`],
        `A small step against the gradient. The learning rate ε is ${short(lr)}.`,
      );
    }
    return { steps, values, after: PARAMETERS.map((name) => values[`new_${name}`]) };
  }

  Backprop.workedSteps = { PARAMETERS, nameOf, withNames, withNumbers, round };
})((window.Backprop = window.Backprop || {}));
