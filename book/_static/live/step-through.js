/* "Step through backpropagation": the hand-worked network, one number at a time. */
(function (Backprop) {
  "use strict";

  const { html, svg, button, short } = Backprop.elements;
  const { PARAMETERS, nameOf, withNames, withNumbers, round } = Backprop.workedSteps;
  const { mount } = Backprop.live;

  const TITLES = {
    start: "Start",
    forward: "Forward",
    loss: "Loss",
    backward: "Backward",
    update: "Update",
  };
  const KEYS = { ArrowRight: "next", ArrowLeft: "previous", Home: "first", End: "last" };

  // ---- The drawing: from the bottom up, as the book draws this network.

  const UNITS = { 1: [91, 461], 2: [269, 461], 3: [91, 294], 4: [269, 294], 5: [180, 118] };
  const WIDE = 174;
  const [INPUT, HIGH] = [30, 80]; // heights of an input and of a unit that computes
  const LINE = 17; // height of a line of text

  const top = (j) => UNITS[j][1] - (j < 3 ? INPUT : HIGH) / 2;
  const bottom = (j) => UNITS[j][1] + (j < 3 ? INPUT : HIGH) / 2;

  function kindOf(name) {
    if (name.startsWith("new_")) {
      return "update";
    }
    return /^(g|delta)/.test(name) ? "backward" : "forward";
  }

  /** Place for one number; the mark behind it shows when it is computed or read. */
  function entry(name, x, y, width, anchor = "start") {
    const left = { start: x - 3, middle: x - width / 2, end: x + 3 - width }[anchor];
    return svg(
      "g",
      { "data-name": name, class: `live-steps-entry live-steps-${kindOf(name)}` },
      svg("rect", { x: left, y: y - 12.5, width, height: LINE, rx: 3 }),
      svg("text", { x, y, "text-anchor": anchor }),
    );
  }

  function frame(part, [x, y], height) {
    const place = { x: x - WIDE / 2, y: y - height / 2, width: WIDE, height, rx: 7 };
    return svg("rect", { "data-part": part, class: "live-steps-frame", ...place });
  }

  /** A unit that computes: numbers on the left, their gradients on the right, the new bias below. */
  function unit(j) {
    const [x, y] = UNITS[j];
    const [left, right] = [x - WIDE / 2 + 7, x + WIDE / 2 - 7];
    const rows = [
      [`y${j}`, `gy${j}`],
      [`x${j}`, `delta${j}`],
      [`b${j}`, `gb${j}`],
    ];
    return [
      frame(`unit${j}`, UNITS[j], HIGH),
      ...rows.flatMap(([forward, back], k) => [
        entry(forward, left, y - 22 + 18 * k, 96),
        entry(back, right, y - 22 + 18 * k, 66, "end"),
      ]),
      entry(`new_b${j}`, left, y + 32, 112),
    ];
  }

  function line(part, [x1, y1], [x2, y2]) {
    return svg("line", { "data-part": part, class: "live-steps-line", x1, y1, x2, y2 });
  }

  /** The numbers of a connection, at some share of its way up. */
  function numbersOf(i, j, share) {
    const x = UNITS[i][0] + share * (UNITS[j][0] - UNITS[i][0]);
    const y = top(i) + share * (bottom(j) - top(i)) - 12;
    const names = [`w${j}${i}`, `gw${j}${i}`, `new_w${j}${i}`];
    return names.map((name, k) => entry(name, x, y + 16 * k, 96, "middle"));
  }

  // Slanted connections have their numbers low, where they are far apart.
  const CONNECTIONS = [
    [1, 3, 0.66],
    [2, 3, 0.23],
    [1, 4, 0.23],
    [2, 4, 0.66],
    [3, 5, 0.42],
    [4, 5, 0.42],
  ];

  function arrowhead(id, d) {
    const size = { viewBox: "0 0 8 8", refX: 4, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" };
    return svg("marker", { id, markerUnits: "userSpaceOnUse", ...size }, svg("path", { d }));
  }

  /** The part of the drawing that a number belongs to. */
  function partOf(name) {
    const bare = (name || "").replace(/^new_/, "").replace(/^g/, "");
    if (bare[0] === "w") {
      return bare;
    }
    return bare === "E" ? "loss" : `unit${bare.slice(-1)}`;
  }

  /** How a number is written in the drawing: gradients without a name, beside what they belong to. */
  function written(name, value) {
    if (name.startsWith("new_")) {
      return name[4] === "b" ? `${nameOf(name)} → ${short(value)}` : `→ ${short(value)}`;
    }
    return kindOf(name) === "backward" ? short(value) : `${nameOf(name)} = ${short(value)}`;
  }

  function drawing() {
    const picture = svg(
      "svg",
      {
        viewBox: "0 0 360 480",
        role: "img",
        "aria-label":
          "The network, from the bottom up: two inputs, two hidden units, the output unit, the loss. " +
          "All numbers known so far stand in it. The one that the current step computes is marked.",
      },
      svg(
        "defs",
        {},
        arrowhead("live-steps-up", "M0 0L8 4L0 8z"),
        arrowhead("live-steps-down", "M8 0L0 4L8 8z"),
      ),
      line("loss", [UNITS[5][0], top(5)], [UNITS[5][0], 50]),
      ...CONNECTIONS.map(([i, j]) =>
        line(`w${j}${i}`, [UNITS[i][0], top(i)], [UNITS[j][0], bottom(j)]),
      ),
      frame("loss", [180, 34], 32),
      entry("d", 101, 38, 62),
      entry("E", 172, 38, 88),
      ...[1, 2].flatMap((i) => [
        frame(`unit${i}`, UNITS[i], INPUT),
        entry(`y${i}`, UNITS[i][0], UNITS[i][1] + 4, 84, "middle"),
      ]),
      ...[3, 4, 5].flatMap(unit),
      ...CONNECTIONS.flatMap(([i, j, share]) => numbersOf(i, j, share)),
    );
    const entries = [...picture.querySelectorAll("[data-name]")];
    const frames = [...picture.querySelectorAll(".live-steps-frame")];
    const lines = [...picture.querySelectorAll(".live-steps-line")];

    function show(step, known) {
      const back = step.stage === "backward";
      for (const part of [...frames, ...lines]) {
        part.classList.toggle("live-steps-now", part.dataset.part === partOf(step.name));
      }
      for (const arrow of lines) {
        arrow.setAttribute("marker-end", back ? "none" : "url(#live-steps-up)");
        arrow.setAttribute("marker-start", back ? "url(#live-steps-down)" : "none");
      }
      for (const place of entries) {
        const { name } = place.dataset;
        place.classList.toggle("live-steps-now", name === step.name);
        place.classList.toggle("live-steps-read", step.reads.includes(name));
        place.querySelector("text").textContent = name in known ? written(name, known[name]) : "";
      }
    }
    return { picture, show };
  }

  // ---- All together.

  function build(given) {
    const rounds = [round(given)]; // later ones are computed when somebody gets there
    const length = rounds[0].steps.length;
    let place = 0; // of the step, counted through all rounds

    const network = drawing();
    const where = html("p", { class: "live-steps-where" });
    const formula = html("p", { class: "live-steps-formula" });
    const numbers = html("span", {});
    const result = html("data", { value: "" });
    const filled = html("p", { class: "live-steps-filled" }, numbers, result);
    const sentence = html("p", {});
    const spoken = html("p", { class: "live-hidden", role: "status" });

    /** What is known when a step is done: what was given, and what the steps so far computed. */
    function knownAt({ steps, values }, k) {
      const names = ["y1", "y2", "d", ...PARAMETERS, ...steps.slice(1, k + 1).map(({ name }) => name)];
      return Object.fromEntries(names.map((name) => [name, values[name]]));
    }

    function sayStart(number) {
      formula.textContent = "w, b, y₁, y₂ and d are given";
      numbers.textContent = result.textContent = result.value = "";
      sentence.textContent =
        number === 0
          ? "The weights and biases, the inputs and the desired output. All else is still to be computed."
          : `Round ${number + 1} begins with the weights and biases that the update has made.`;
      return `${formula.textContent}. ${sentence.textContent}`;
    }

    function sayStep(number, step) {
      const { values } = rounds[number];
      const [says, value] = [withNumbers(step.formula, values), short(step.value)];
      const bare = says.replace(/^\((.*)\)$/, "$1"); // a single number needs no brackets
      formula.textContent = `${titled(step)} = ${withNames(step.formula)}`;
      numbers.textContent = bare === value ? "= " : `= ${says} = `;
      result.textContent = value;
      result.value = String(step.value);
      const before =
        step.name === "E" && number > 0
          ? ` In the round before, it was ${short(rounds[number - 1].values.E)}.`
          : "";
      sentence.textContent = step.says + before;
      return (
        `${titled(step, true)} = ${withNames(step.formula, true)} ` +
        `${bare === value ? "" : `= ${says} `}= ${value}.${before}`
      );
    }

    function titled(step, forEars) {
      return `${step.stage === "update" ? "new " : ""}${nameOf(step.name, forEars)}`;
    }

    function show() {
      const [number, k] = [Math.floor(place / length), place % length];
      const step = rounds[number].steps[k];
      network.show(step, knownAt(rounds[number], k));
      part.dataset.stage = step.stage;
      where.textContent = `Round ${number + 1}, step ${k + 1} of ${length}`;
      const words = step.name === null ? sayStart(number) : sayStep(number, step);
      spoken.textContent = `Step ${k + 1} of ${length}, ${step.stage}: ${words}`;
      for (const tab of tabs) {
        tab.setAttribute("aria-current", tab.dataset.stage === step.stage ? "step" : "false");
      }
      // Not `disabled`: that would take the focus from whoever steps with the button.
      moves.first.setAttribute("aria-disabled", String(k === 0));
      moves.previous.setAttribute("aria-disabled", String(place === 0));
      moves.last.setAttribute("aria-disabled", String(k === length - 1));
      moves.next.textContent = k === length - 1 ? "Next round" : "Next";
    }

    function go(to) {
      place = Math.max(0, to);
      if (place >= rounds.length * length) {
        rounds.push(round({ ...given, w: rounds[rounds.length - 1].after }));
      }
      show();
    }

    const begins = () => place - (place % length); // of this round
    const actions = {
      first: () => go(begins()),
      previous: () => go(place - 1),
      next: () => go(place + 1),
      last: () => go(begins() + length - 1),
    };
    const moves = {
      previous: button("Previous", "", actions.previous),
      next: button("Next", "live-steps-main", actions.next),
      first: button("First", "", actions.first),
      last: button("Last", "", actions.last),
    };
    const tabs = Object.entries(TITLES).map(([stage, title]) => {
      const at = rounds[0].steps.findIndex((step) => step.stage === stage);
      const tab = button(title, "", () => go(begins() + at));
      tab.dataset.stage = stage;
      return tab;
    });

    const part = html(
      "div",
      { class: "live-steps", role: "group", "aria-label": "Step through backpropagation", tabindex: 0 },
      html(
        "div",
        { class: "live-steps-panel" },
        html("div", { class: "live-steps-tabs", role: "group", "aria-label": "Go to" }, ...tabs),
        html("div", { class: "live-steps-text" }, where, formula, filled, sentence),
        html("div", { class: "live-steps-moves" }, ...Object.values(moves)),
        spoken,
      ),
      network.picture,
      html(
        "p",
        { class: "live-note live-steps-note" },
        "In the drawing an orange number is the gradient of E at the blue one beside or above it; " +
          "beside x it is δ. A green number is the new value.",
      ),
      html(
        "p",
        { class: "live-note live-steps-note live-steps-keys" },
        "Keys: ← and → for one step, Home and End for the ends of a round.",
      ),
    );
    part.addEventListener("keydown", (event) => {
      const action = actions[KEYS[event.key]];
      if (action && !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault(); // the page would scroll
        event.stopPropagation();
        action();
      }
    });
    show();
    return part;
  }

  mount("step-through", build);
})((window.Backprop = window.Backprop || {}));
