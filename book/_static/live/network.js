/* The forward pass of a network, in double precision, as src/backprop/layers computes it.

   Backprop.network(described).forward(x) gives the outputs of every layer, the last one last.
   `described` comes from backprop.live.network. */
(function (Backprop) {
  "use strict";

  function decoded(weights) {
    const bytes = Uint8Array.from(atob(weights.base64), (letter) => letter.charCodeAt(0));
    const types = { float32: Float32Array, float64: Float64Array };
    return Float64Array.from(new types[weights.type](bytes.buffer));
  }

  function sigmoid({ offset, amplitude, steepness }) {
    return (net) => offset + amplitude * Math.tanh(steepness * net);
  }

  // Each kind takes its weights in their order and gives {n_in, forward}.
  const kinds = {
    dense(layer, take) {
      const { n_in, n_out } = layer;
      const w = take(n_in * n_out);
      const b = layer.bias ? take(n_out) : new Float64Array(n_out);
      const value = sigmoid(layer.activation);
      function forward(x) {
        const net = b.slice();
        for (let i = 0; i < n_in; i++) {
          for (let k = 0; k < n_out; k++) {
            net[k] += x[i] * w[i * n_out + k];
          }
        }
        return net.map(value);
      }
      return { n_in, forward };
    },

    // Images are flat, in the order row, column, map.
    local(layer, take) {
      const [rows, columns, below] = layer.in_shape;
      const [outRows, outColumns, maps] = layer.out_shape;
      const { size, stride, border } = layer;
      const reach = Math.floor(size / 2);
      const everyMap = Array.from({ length: below }, (_, number) => number);
      const table = layer.table || Array.from({ length: maps }, () => everyMap);
      const read = everyMap.map((source) => table.map((sources) => sources.includes(source)));
      // The free weights come in the order row, column, map below, map.
      const places = [];
      for (let row = 0; row < size; row++) {
        for (let column = 0; column < size; column++) {
          for (let source = 0; source < below; source++) {
            for (let map = 0; map < maps; map++) {
              if (read[source][map]) {
                places.push({ down: row - reach, across: column - reach, source, map });
              }
            }
          }
        }
      }
      const w = take(places.length);
      const b = take(outRows * outColumns * maps);
      const value = sigmoid(layer.activation);
      function forward(x) {
        const net = b.slice();
        for (let row = 0; row < outRows; row++) {
          for (let column = 0; column < outColumns; column++) {
            const unit = (row * outColumns + column) * maps;
            places.forEach(({ down, across, source, map }, k) => {
              const r = row * stride + down;
              const c = column * stride + across;
              const inside = r >= 0 && r < rows && c >= 0 && c < columns;
              net[unit + map] += w[k] * (inside ? x[(r * columns + c) * below + source] : border);
            });
          }
        }
        return net.map(value);
      }
      return { n_in: rows * columns * below, forward };
    },

    split(layer, take) {
      const branches = layer.branches.map((branch) => kinds[branch.kind](branch, take));
      function forward(x) {
        let start = 0;
        return Float64Array.from(
          branches.flatMap((branch) => {
            const own = x.slice(start, (start += branch.n_in));
            return Array.from(branch.forward(own));
          }),
        );
      }
      return { n_in: branches.reduce((sum, branch) => sum + branch.n_in, 0), forward };
    },
  };

  Backprop.network = function (described) {
    const w = decoded(described.weights);
    let used = 0;
    const take = (count) => w.subarray(used, (used += count));
    const layers = described.layers.map((layer) => kinds[layer.kind](layer, take));
    if (used !== w.length) {
      throw new Error(`${w.length} weights were given; these layers have ${used}.`);
    }
    function forward(x) {
      if (x.length !== layers[0].n_in) {
        throw new Error(`${x.length} inputs were given; expected ${layers[0].n_in}.`);
      }
      const outputs = [];
      for (const layer of layers) {
        x = layer.forward(x);
        outputs.push(x);
      }
      return outputs;
    }
    return { forward };
  };
})((window.Backprop = window.Backprop || {}));
