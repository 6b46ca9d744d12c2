/* The symmetry network of Rumelhart et al. 1986 (Fig. 1): training, and the pattern in its weights.

   Six inputs, two hidden units, one output, all logistic. Its 17 parameters lie in one list, in the
   order of the package: the weights to the hidden units, input by input; their two biases; the two
   weights to the output; its bias. Limits and initial weights come from backprop.live_training.
   Nothing here knows of the page. */
(function (Backprop) {
  "use strict";

  const { limits, tolerance, starts, half_width: halfWidth } = Backprop.data.symmetry;
  const SIZE = 17;

  // In counting order, most significant bit first.
  const CASES = Array.from({ length: 64 }, (_, n) => [5, 4, 3, 2, 1, 0].map((k) => (n >> k) & 1));
  const ANSWERS = CASES.map((x) => Number(x[0] === x[5] && x[1] === x[4] && x[2] === x[3]));

  function logistic(total) {
    return 0.5 * (1 + Math.tanh(0.5 * total));
  }

  /** Loss, gradient, largest error and right answers over all cases (Eqs. 1 to 7 of the paper). */
  function measure(w, low, high) {
    const gradient = new Float64Array(SIZE);
    let loss = 0;
    let largest = 0;
    let right = 0;
    for (let n = 0; n < CASES.length; n += 1) {
      const x = CASES[n];
      let total1 = w[12];
      let total2 = w[13];
      for (let i = 0; i < 6; i += 1) {
        total1 += w[2 * i] * x[i];
        total2 += w[2 * i + 1] * x[i];
      }
      const h1 = logistic(total1);
      const h2 = logistic(total2);
      const y = logistic(w[14] * h1 + w[15] * h2 + w[16]);
      const miss = y - (low + (high - low) * ANSWERS[n]);
      loss += 0.5 * miss * miss;
      largest = Math.max(largest, Math.abs(y - ANSWERS[n]));
      right += Number(y > 0.5 === (ANSWERS[n] === 1));
      const delta = miss * y * (1 - y);
      const delta1 = delta * w[14] * h1 * (1 - h1);
      const delta2 = delta * w[15] * h2 * (1 - h2);
      for (let i = 0; i < 6; i += 1) {
        gradient[2 * i] += delta1 * x[i];
        gradient[2 * i + 1] += delta2 * x[i];
      }
      gradient[12] += delta1;
      gradient[13] += delta2;
      gradient[14] += delta * h1;
      gradient[15] += delta * h2;
      gradient[16] += delta;
    }
    return { loss, gradient, largest, right };
  }

  /** Measure a network where it is; note which criteria it meets for the first time. */
  function look(net) {
    net.now = measure(net.w, net.low, net.high);
    for (const [name, limit] of Object.entries(limits)) {
      if (!(name in net.reached) && net.now.largest < limit) {
        net.reached[name] = net.sweeps;
      }
    }
    return net;
  }

  /** A network before its first sweep. */
  function begin({ w, lr, momentum, low, high }) {
    const [weights, change] = [Float64Array.from(w), new Float64Array(SIZE)];
    return look({ w: weights, change, lr, momentum, low, high, sweeps: 0, reached: {} });
  }

  /** One sweep: the change of Eq. 9 of the paper, then a look at the new weights. */
  function sweep(net) {
    for (let p = 0; p < SIZE; p += 1) {
      net.change[p] = net.momentum * net.change[p] - net.lr * net.now.gradient[p];
      net.w[p] += net.change[p];
    }
    net.sweeps += 1;
    return look(net);
  }

  /** Initial weights: those of the recorded runs where the data have them.

      For other seeds, uniform numbers by Park and Miller's "minimal standard" generator,
      s <- 16807 s mod (2^31 - 1), from s = 1 + seed, after ten steps that are thrown away. */
  function initial(seed) {
    if (seed < starts.length) {
      return starts[seed];
    }
    const modulus = 2147483647;
    let state = 1 + (seed % (modulus - 1));
    const draw = () => {
      state = (16807 * state) % modulus;
      return halfWidth * ((2 * state) / modulus - 1);
    };
    for (let skipped = 0; skipped < 10; skipped += 1) {
      draw();
    }
    return Array.from({ length: SIZE }, draw);
  }

  /** The pattern in the weights, as backprop.symmetry_weights.mirror_shape measures it. */
  function mirrorShape(w) {
    let mismatch = 0;
    let largest = 0;
    let opposite = true;
    const pairs = [[], []];
    for (let i = 0; i < 6; i += 1) {
      opposite = opposite && w[2 * i] * w[2 * i + 1] < 0;
      for (let j = 0; j < 2; j += 1) {
        const left = w[2 * i + j];
        const right = w[2 * (5 - i) + j];
        mismatch = Math.max(mismatch, Math.abs(left + right));
        largest = Math.max(largest, Math.abs(left));
        if (i < 3) {
          pairs[j].push(Math.abs(left - right) / 2);
        }
      }
    }
    const ratios = pairs.map((three) => three.sort((a, b) => a - b).map((size) => size / three[0]));
    return { antisymmetry: mismatch / largest, ratios, opposite };
  }

  /** Whether weights are equal and opposite about the midpoint. */
  function antisymmetric(shape) {
    return shape.antisymmetry < tolerance;
  }

  /** Whether the pairs of both hidden units have these ratios, and cancel. */
  function hasRatios(shape, wanted) {
    const off = shape.ratios.flatMap((three) =>
      three.map((ratio, k) => Math.abs(ratio / (wanted[k] / wanted[0]) - 1)),
    );
    return Math.max(...off) < tolerance && antisymmetric(shape);
  }

  Backprop.symmetry = { begin, sweep, initial, mirrorShape, antisymmetric, hasRatios };
})((window.Backprop = window.Backprop || {}));
