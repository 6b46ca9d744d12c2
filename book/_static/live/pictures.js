/* A drawing in the form of the zip-code digits, as `fit` in src/backprop/datasets/pictures.py does it.

   Backprop.fit(ink, side, rules) takes the ink of a square drawing, from 0 (paper) to 1, row by row, and
   gives {x}, the 256 grey values from -1 to 1, or {problem}, a sentence on why there are none. Unlike
   `fit` it is told which end is ink. */
(function (Backprop) {
  "use strict";

  // Python's round: a half goes to the even neighbour.
  function rounded(value) {
    const low = Math.floor(value);
    return value - low === 0.5 ? low + (low % 2) : Math.round(value);
  }

  // Numbers of the rows, and of the columns, in which there is ink.
  function inked(ink, side, level) {
    const rows = new Set();
    const columns = new Set();
    ink.forEach((amount, place) => {
      if (amount > level) {
        rows.add(Math.floor(place / side));
        columns.add(place % side);
      }
    });
    const ascending = (numbers) => [...numbers].sort((a, b) => a - b);
    return { rows: ascending(rows), columns: ascending(columns) };
  }

  const span = (lines) => lines[lines.length - 1] - lines[0] + 1;

  function widestGap(lines) {
    return lines.reduce((widest, line, k) => (k ? Math.max(widest, line - lines[k - 1] - 1) : 0), 0);
  }

  // For each of `to` pixels in a line, the ones of `from` that it is the mean of: those whose
  // centres it covers. This is the box filter of the library Pillow; the sums are in its order, since
  // they decide about centres on an edge.
  function covered(from, to) {
    const scale = from / to;
    const width = Math.max(scale, 1);
    return Array.from({ length: to }, (_, place) => {
      const centre = (place + 0.5) * scale;
      const first = Math.max(0, Math.trunc(centre - 0.5 * width + 0.5));
      const end = Math.min(from, Math.trunc(centre + 0.5 * width + 0.5));
      const found = [];
      for (let k = first; k < end; k++) {
        const distance = (k - centre + 0.5) * (1 / width);
        if (distance > -0.5 && distance <= 0.5) {
          found.push(k);
        }
      }
      return found;
    });
  }

  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

  Backprop.fit = function (ink, side, rules) {
    const darkest = ink.reduce((most, amount) => Math.max(most, amount), 0);
    if (darkest < rules.faint) {
      return { problem: "There is nothing on the pad." };
    }
    const { rows, columns } = inked(ink, side, rules.ink * darkest);
    const [height, width] = [span(rows), span(columns)];
    const longer = Math.max(height, width);
    if (longer < rules.side) {
      return { problem: "The drawing is too small." };
    }
    for (const [lines, kind] of [[rows, "rows"], [columns, "columns"]]) {
      if (widestGap(lines) > rules.gap * longer) {
        return { problem: `The ink falls into parts with empty ${kind} between them.` };
      }
    }
    // Shrink the box around the ink so that its longer side is 16 and the other one even.
    const shrunk = (length) => Math.max(2, 2 * rounded((rules.side / 2) * (length / longer)));
    const [down, across] = [covered(height, shrunk(height)), covered(width, shrunk(width))];
    const narrow = Array.from({ length: height }, (_, row) =>
      across.map((found) => mean(found.map((k) => ink[(rows[0] + row) * side + columns[0] + k]))),
    );
    const small = down.map((found) =>
      across.map((_, column) => mean(found.map((k) => narrow[k][column]))),
    );
    // Put it into the middle, and stretch the greys until the darkest is 1.
    const strongest = Math.max(...small.flat());
    const top = Math.floor((rules.side - down.length) / 2);
    const left = Math.floor((rules.side - across.length) / 2);
    const x = new Float64Array(rules.side * rules.side).fill(-1);
    small.forEach((line, row) =>
      line.forEach((amount, column) => {
        x[(top + row) * rules.side + left + column] = (2 * amount) / strongest - 1;
      }),
    );
    return { x };
  };
})((window.Backprop = window.Backprop || {}));
