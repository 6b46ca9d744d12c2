/* "Watch symmetry being learned": the network of symmetry-network.js, its weights, its loss. */
(function (Backprop) {
  "use strict";

  const { html, svg, button, fixed, whole } = Backprop.elements;
  const { begin, sweep, initial, mirrorShape, antisymmetric, hasRatios } = Backprop.symmetry;
  const { say, mount } = Backprop.live;

  const SPEEDS = [10, 50, 250, 1000, 5000]; // sweeps a second
  const USUAL_SPEED = 2; // its place in the list
  const BUSY = 12; // milliseconds of a frame in which to train; the rest is the browser's
  const CALM = 500; // milliseconds between two pictures, for readers who want less motion
  const POINTS = 400; // of a curve

  const CRITERIA = {
    side: "on the right side",
    margin: "learned",
    published: "as the printed weights",
  };

  // ---- Words.

  /** What the weights show. */
  function patternInWords(w, tolerance) {
    const shape = mirrorShape(w);
    const found = hasRatios(shape, [1, 2, 4]);
    const off = 100 * shape.antisymmetry;
    const mirror = antisymmetric(shape)
      ? "Left and right weights are equal and opposite, within " +
        `${fixed(Math.ceil(10 * off) / 10, 1)} % of the largest weight.`
      : `Left and right weights are not equal and opposite: they miss it by ${fixed(off, 0)} % of ` +
        `the largest weight, and less than ${100 * tolerance} % is asked for.`;
    const [one, two] = shape.ratios.map((three) => three.map((r) => fixed(r, 1)).join(" : "));
    let verdict = "That is neither 1:2:4 nor 2:3:4.";
    if (found) {
      verdict = "That is 1:2:4.";
    } else if (hasRatios(shape, [2, 3, 4])) {
      verdict = "That is 2:3:4, the other solution.";
    } else if (!antisymmetric(shape)) {
      verdict = "That says little as long as they do not cancel.";
    }
    const pairs = `The three pairs stand ${one} in h1 and ${two} in h2. ${verdict}`;
    const signs = `The two units ${shape.opposite ? "have" : "do not have"} opposite signs at every input.`;
    return { found, text: `${mirror} ${pairs} ${signs}` };
  }

  /** Where the initial weights of a seed come from. */
  function seedInWords(seed, known) {
    return seed < known
      ? `Seed ${whole(seed)}: the initial weights of the recorded run with this seed.`
      : `Seed ${whole(seed)}: initial weights drawn in the page. Seeds 0 to ${known - 1} are those ` +
          "with a recorded run to compare with.";
  }

  // ---- Drawings. Each gives a box for the page, and a function that brings it up to date.

  function label(x, y, text, anchor = "middle") {
    return svg("text", { x, y, "text-anchor": anchor, class: "live-symmetry-label" }, text);
  }

  /** The smallest of 0.5, 1, 2, 5, 10, 20 ... that is no less than a size. */
  function fullCell(size) {
    let decade = 0.1;
    for (;;) {
      const fits = [1, 2, 5].map((step) => step * decade).find((s) => s >= size && s >= 0.5);
      if (fits) {
        return fits;
      }
      decade *= 10;
    }
  }

  const CELL = 42;
  const LEFT = 34; // where the cells begin
  const TOPS = [18, 76, 152]; // of the rows: hidden units 1 and 2, output

  /** Row and column of each parameter. */
  function cells() {
    const inputs = [0, 1, 2, 3, 4, 5].flatMap((i) => [
      [0, i],
      [1, i],
    ]);
    return [...inputs, [0, 6], [1, 6], [2, 0], [2, 1], [2, 6]];
  }

  /** Hinton diagram: area is size; positive is filled and orange, negative hollow and blue. */
  function hinton() {
    const middle = (column) => LEFT + CELL * (column + 0.5);
    const paper = { class: "live-symmetry-paper", x: LEFT, width: 7 * CELL };
    const midline = LEFT + 3 * CELL;
    const picture = svg(
      "svg",
      { viewBox: "0 0 332 214", role: "img" },
      svg("rect", { ...paper, y: TOPS[0], height: 116 }),
      svg("rect", { ...paper, y: TOPS[2], height: 58 }),
      ...["1", "2", "3", "4", "5", "6", "bias"].map((name, k) => label(middle(k), 13, name)),
      label(middle(0), TOPS[2] - 5, "h1"),
      label(middle(1), TOPS[2] - 5, "h2"),
      label(middle(6), TOPS[2] - 5, "bias"),
      ...["h1", "h2", "out"].map((name, row) => label(LEFT - 6, TOPS[row] + 26, name, "end")),
      svg("path", { d: `M${midline} ${TOPS[0]}V${TOPS[1] + 58}`, class: "live-symmetry-midline" }),
    );
    const drawn = cells().map(([row, column]) => {
      const square = svg("rect", {});
      const text = label(middle(column), TOPS[row] + 53, "");
      picture.append(square, text);
      return { square, text, x: middle(column), y: TOPS[row] + 21 };
    });
    const caption = html("figcaption", {});

    function show(w, inWords) {
      const scale = fullCell(Math.max(...w.map(Math.abs)));
      drawn.forEach(({ square, text, x, y }, p) => {
        const positive = w[p] > 0;
        const side = 38 * Math.sqrt(Math.abs(w[p]) / scale);
        const edge = positive ? 0 : Math.min(3, side / 2); // drawn inside, so that the area is right
        const place = { x: x - (side - edge) / 2, y: y - (side - edge) / 2 };
        const look = { class: `live-symmetry-${positive ? "plus" : "minus"}`, "stroke-width": edge };
        const all = { ...place, width: side - edge, height: side - edge, ...look };
        Object.entries(all).forEach(([name, value]) => square.setAttribute(name, value));
        text.textContent = fixed(w[p], Math.abs(w[p]) < 1 ? 2 : 1);
      });
      say(
        caption,
        "Weights from the inputs 1 to 6 to the hidden units h1 and h2, and from there to the output. " +
          `Filled, orange: positive. Hollow, blue: negative. A full cell is ${scale}.`,
      );
      if (inWords) {
        const list = (places) => places.map((p) => fixed(w[p], 2)).join(", ");
        picture.setAttribute(
          "aria-label",
          `Weights. Inputs 1 to 6 to h1: ${list([0, 2, 4, 6, 8, 10])}; bias ${list([12])}. ` +
            `To h2: ${list([1, 3, 5, 7, 9, 11])}; bias ${list([13])}. ` +
            `h1 and h2 to output: ${list([14, 15])}; bias ${list([16])}.`,
        );
      }
    }
    return { box: html("figure", {}, picture, caption), show };
  }

  /** Keep a loss, if its turn has come: few enough to draw, spread over all sweeps. */
  function note(history, net) {
    if (net.sweeps % history.every !== 0) {
      return;
    }
    history.points.push([net.sweeps, net.now.loss]);
    if (history.points.length > POINTS) {
      history.every *= 2;
      history.points = history.points.filter(([sweeps]) => sweeps % history.every === 0);
    }
  }

  /** Where the axis of sweeps ends. */
  function lastTick(sweeps) {
    let end = 500;
    while (end < sweeps) {
      end *= 2;
    }
    return end;
  }

  /** The loss against sweeps, with a line where the recorded run had learned. */
  function curve() {
    const [left, right, top, bottom] = [46, 322, 12, 176];
    const marks = svg("g", {});
    const line = svg("polyline", { class: "live-symmetry-curve" });
    const now = svg("circle", { r: 4, class: "live-symmetry-now" });
    const picture = svg("svg", { viewBox: "0 0 332 214", role: "img" }, marks, line, now);
    const caption = "Loss E, half the summed squared errors over the 64 patterns, against sweeps.";

    function show(history, net, recorded) {
      const points = [...history.points, [net.sweeps, net.now.loss]];
      const end = lastTick(net.sweeps);
      const lowest = Math.min(...points.map(([, loss]) => loss));
      const first = Math.min(-2, Math.floor(Math.log10(lowest))); // decades of the axis
      const across = (sweeps) => left + ((right - left) * sweeps) / end;
      const down = (loss) => bottom - ((bottom - top) * (Math.log10(loss) - first)) / (1.2 - first);
      const axes = svg("path", { d: `M${left} ${top}V${bottom}H${right}`, class: "live-symmetry-axis" });
      const drawn = [axes, label(right, 208, "sweeps", "end"), label(left - 5, top + 2, "E", "end")];
      for (let power = first; power <= 1; power += 1) {
        const y = down(10 ** power);
        drawn.push(
          svg("path", { d: `M${left} ${y}H${right}`, class: "live-symmetry-grid" }),
          label(left - 5, y + 4, (10 ** power).toFixed(Math.max(0, -power)), "end"),
        );
      }
      for (const sweeps of [0, end / 2, end]) {
        drawn.push(label(across(sweeps), bottom + 16, whole(sweeps), sweeps === end ? "end" : "middle"));
      }
      if (recorded && recorded <= end) {
        const x = across(recorded);
        const [shift, anchor] = x > (left + right) / 2 ? [-5, "end"] : [5, "start"];
        drawn.push(
          svg("path", { d: `M${x} ${top}V${bottom}`, class: "live-symmetry-recorded" }),
          label(x + shift, top + 10, `recorded: learned at ${whole(recorded)}`, anchor),
        );
      }
      marks.replaceChildren(...drawn);
      line.setAttribute("points", points.map(([s, e]) => `${across(s)},${down(e)}`).join(" "));
      now.setAttribute("cx", across(net.sweeps));
      now.setAttribute("cy", down(net.now.loss));
      picture.setAttribute("aria-label", `${caption} Now ${fixed(net.now.loss, 4)}.`);
    }
    return { box: html("figure", {}, picture, html("figcaption", {}, caption)), show };
  }

  /** Sweeps until each criterion was met, here and in the recorded run. */
  function criteriaTable(limits) {
    const rows = Object.entries(CRITERIA).map(([name, words]) => {
      const head = html("th", { scope: "row" }, `every error below ${limits[name]}: ${words}`);
      const [here, there] = [html("td", { "data-name": name }), html("td", {})];
      return { name, here, there, row: html("tr", {}, head, here, there) };
    });
    const heads = ["sweeps until", "here", "recorded"].map((text) => html("th", { scope: "col" }, text));
    const box = html(
      "table",
      {},
      html("thead", {}, html("tr", {}, ...heads)),
      html("tbody", {}, ...rows.map(({ row }) => row)),
    );

    function recordInWords(record, name, seed) {
      if (!record) {
        return "no record";
      }
      const sweeps = record.reached[name][seed];
      return sweeps === null ? `not by ${whole(record.sweeps)}` : whole(sweeps);
    }

    function show(net, seed, record) {
      for (const { name, here, there } of rows) {
        say(here, name in net.reached ? whole(net.reached[name]) : "not yet");
        say(there, recordInWords(record, name, seed));
      }
    }
    return { box, show };
  }

  // ---- Controls.

  /** A control with its label before it, and perhaps something behind it. */
  function field(name, text, input, ...behind) {
    input.id = `live-symmetry-${name}`;
    return html(
      "div",
      { class: "live-symmetry-field" },
      html("label", { for: input.id }, text),
      input,
      ...behind,
    );
  }

  /** A slider; `act` takes its value and says in words what that means. */
  function slider(name, text, range, act) {
    const input = html("input", { type: "range", ...range });
    const shown = html("output", {});
    const changed = () => {
      shown.textContent = act(Number(input.value));
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    input.addEventListener("input", changed);
    changed();
    return field(name, text, input, shown);
  }

  // ---- All together.

  function build(data) {
    const settings = { seed: 0, lr: data.lr, momentum: data.momentum, reading: 0 };
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    let net = null;
    let history = null;
    let altered = false; // whether a setting was changed after the first sweep
    let running = false;
    let visible = false;
    let request = 0;
    let speed = SPEEDS[USUAL_SPEED];

    const weights = hinton();
    const losses = curve();
    const criteria = criteriaTable(data.limits);
    const status = html("p", { role: "status", class: "live-symmetry-status" });
    const numbers = ["Sweeps", "Right cases", "Loss E", "Largest error"].map((name) => {
      const value = html("dd", {});
      return { value, box: html("div", {}, html("dt", {}, name), value) };
    });
    const found = html("strong", {});
    const details = html("span", {});
    const toggle = button("Start", "live-symmetry-main", () => (running ? pause() : start()));

    /** The recorded run that this one repeats, or null. */
    function record() {
      const same = data.recorded.find((run) =>
        ["low", "high", "lr", "momentum"].every((name) => run[name] === net[name]),
      );
      return same && !altered && settings.seed < data.starts.length ? same : null;
    }

    function show() {
      const [repeated, { loss, largest, right }] = [record(), net.now];
      const texts = [whole(net.sweeps), `${right} of 64`, fixed(loss, 4), fixed(largest, 3)];
      texts.forEach((text, k) => say(numbers[k].value, text));
      weights.show(net.w, !running);
      losses.show(history, net, repeated && repeated.reached.margin[settings.seed]);
      criteria.show(net, settings.seed, repeated);
      const words = patternInWords(net.w, data.tolerance);
      say(found, words.found ? "1:2:4 is there." : "No 1:2:4.");
      say(details, ` ${words.text}`);
    }

    function reset() {
      const { low, high } = data.recorded[settings.reading];
      net = begin({ ...settings, w: initial(settings.seed), low, high });
      history = { every: 1, points: [] };
      altered = false;
      note(history, net);
      pause(seedInWords(settings.seed, data.starts.length));
    }

    function one() {
      sweep(net);
      note(history, net);
    }

    /** Why a run stops by itself, where the recorded runs did; nothing as long as it does not. */
    function reasonToStop() {
      const asPrinted = net.reached.published === net.sweeps;
      if (!asPrinted && net.sweeps !== data.recorded[settings.reading].sweeps) {
        return "";
      }
      const pattern = hasRatios(mirrorShape(net.w), [1, 2, 4]) ? "with 1:2:4" : "without 1:2:4";
      const outcome =
        "margin" in net.reached
          ? `Learned after ${whole(net.reached.margin)} sweeps, ${pattern}.`
          : `Not learned, ${pattern}.`;
      const why = asPrinted
        ? "when every error is as small as with the printed weights"
        : "where the recorded runs end";
      return `${outcome} Stopped after ${whole(net.sweeps)}, ${why}. Start goes on.`;
    }

    function pause(message = `Paused after ${whole(net.sweeps)} sweeps.`) {
      running = false;
      window.cancelAnimationFrame(request);
      toggle.textContent = "Start";
      say(status, message);
      show();
    }

    function start() {
      running = true;
      toggle.textContent = "Pause";
      say(status, "Training.");
      run();
    }

    function step() {
      one();
      pause(reasonToStop() || `Paused after ${whole(net.sweeps)} ${net.sweeps === 1 ? "sweep" : "sweeps"}.`);
    }

    /** Sweep at the chosen speed for as long as it is wanted and somebody can see it. */
    function run() {
      let before = null;
      let drawn = -Infinity;
      let owed = 0; // sweeps

      function frame(time) {
        owed += before === null ? 1 : (Math.min(time - before, 100) * speed) / 1000;
        before = time;
        const late = window.performance.now() + BUSY;
        while (owed >= 1) {
          one();
          owed -= 1;
          const reason = reasonToStop();
          if (reason) {
            pause(reason);
            return;
          }
          if (window.performance.now() > late) {
            owed = 0;
          }
        }
        if (!calm.matches || time - drawn >= CALM) {
          drawn = time;
          show();
        }
        request = window.requestAnimationFrame(frame);
      }

      window.cancelAnimationFrame(request);
      if (running && visible) {
        request = window.requestAnimationFrame(frame);
      }
    }

    /** Change a setting that a running network takes over at once. */
    function set(name) {
      return (value) => {
        settings[name] = value;
        if (net) {
          net[name] = value;
          altered = altered || net.sweeps > 0;
          show();
        }
        return String(value);
      };
    }

    const seed = html("input", { type: "number", min: 0, step: 1, inputmode: "numeric", value: 0 });
    function setSeed(value) {
      settings.seed = Math.min(Math.max(0, Math.floor(value) || 0), Number.MAX_SAFE_INTEGER);
      seed.value = settings.seed;
      reset();
    }
    seed.addEventListener("change", () => setSeed(Number(seed.value)));

    const names = data.recorded.map(({ low, high }) => `${low} and ${high}`);
    const targets = html("select", {}, ...names.map((name, k) => html("option", { value: k }, name)));
    targets.addEventListener("change", () => {
      settings.reading = Number(targets.value);
      reset();
    });

    const row = { class: "live-symmetry-controls" };
    const controls = html(
      "div",
      row,
      html(
        "div",
        { class: "live-symmetry-buttons" },
        toggle,
        button("One sweep", "", step),
        button("Reset", "", reset),
      ),
      field("seed", "Seed", seed, button("Next", "", () => setSeed(settings.seed + 1))),
      slider(
        "speed",
        "Speed",
        { min: 0, max: SPEEDS.length - 1, step: 1, value: USUAL_SPEED },
        (place) => {
          speed = SPEEDS[place];
          return `${whole(speed)} sweeps/s`;
        },
      ),
    );
    // Below the drawings: on a phone, what one starts must be near what one sees then.
    const learning = html(
      "div",
      row,
      field("targets", "Targets, off and on", targets),
      slider("lr", "Learning rate ε", { min: 0.01, max: 1, step: 0.01, value: data.lr }, set("lr")),
      slider(
        "momentum",
        "Momentum α",
        { min: 0, max: 0.99, step: 0.01, value: data.momentum },
        set("momentum"),
      ),
    );
    reset();

    const part = html(
      "div",
      { class: "live-symmetry", role: "group", "aria-label": "Watch symmetry being learned" },
      controls,
      status,
      html("dl", {}, ...numbers.map(({ box }) => box)),
      html("div", { class: "live-symmetry-figures" }, weights.box, losses.box),
      learning,
      html("p", { class: "live-symmetry-pattern" }, found, details),
      criteria.box,
    );
    new window.IntersectionObserver((entries) => {
      visible = entries[entries.length - 1].isIntersecting;
      run();
    }).observe(part);
    return part;
  }

  mount("symmetry", build);
})((window.Backprop = window.Backprop || {}));
