/* "Draw a digit": the recorded network of 1989 reads while somebody draws. */
(function (Backprop) {
  "use strict";

  const SIDE = 256; // of the pad, in its own pixels
  const STEP = 1 / 32; // of the pad, for one press of an arrow key
  const ARROWS = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);
  const { html, fixed } = Backprop.elements;
  const { mount, labelled, show: showNumber, say } = Backprop.live;

  // Draw strokes (points from 0 to 1) and give the ink of every pixel, from 0 to 1.
  function rasterised(context, strokes, pen) {
    context.clearRect(0, 0, SIDE, SIDE);
    context.lineWidth = pen * SIDE;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      const [[x, y]] = stroke;
      context.beginPath();
      context.arc(x * SIDE, y * SIDE, (pen / 2) * SIDE, 0, 2 * Math.PI);
      context.fill();
      context.beginPath();
      stroke.forEach((point) => context.lineTo(point[0] * SIDE, point[1] * SIDE));
      context.stroke();
    }
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    const ink = new Float64Array(SIDE * SIDE);
    for (let k = 0; k < ink.length; k++) {
      ink[k] = data[4 * k + 3] / 255;
    }
    return ink;
  }

  function canvas(side, attributes) {
    return html("canvas", { width: side, height: side, ...attributes });
  }

  // Paint numbers from -limit to limit on one small canvas: orange above zero, blue below, and the
  // page shows through at zero.
  function paint(picture, values, limit) {
    const context = picture.getContext("2d");
    const image = context.createImageData(picture.width, picture.height);
    values.forEach((value, k) => {
      const [red, green, blue] = value > 0 ? [230, 110, 0] : [0, 114, 200];
      image.data.set([red, green, blue, Math.round((255 * Math.abs(value)) / limit)], 4 * k);
    });
    context.putImageData(image, 0, 0);
  }

  // Black ink as the network sees it, from -1 to 1.
  function paintInk(picture, values) {
    const context = picture.getContext("2d");
    const image = context.createImageData(picture.width, picture.height);
    values.forEach((value, k) => {
      image.data[4 * k + 3] = Math.round(127.5 * (1 + value));
    });
    context.putImageData(image, 0, 0);
  }

  // The pictures of one layer of feature maps; units come in the order row, column, map.
  function featureMaps(name, layer) {
    const [rows, columns, count] = layer.out_shape;
    const maps = Array.from({ length: count }, () => canvas(rows, { "aria-hidden": "true" }));
    const caption = `${name}: ${count} maps of ${rows} × ${columns}`;
    const figure = html(
      "figure",
      { class: "live-digit-layer" },
      html("div", { class: "live-digit-maps", role: "img", "aria-label": caption }, ...maps),
      html("figcaption", {}, caption),
    );
    function show(outputs) {
      const limit = layer.activation.amplitude;
      maps.forEach((picture, map) => {
        const own = Array.from({ length: rows * columns }, (_, k) => outputs[k * count + map]);
        paint(picture, own, limit);
      });
    }
    return { figure, show };
  }

  // The units of H3 in a row.
  function unitRow(name, layer) {
    const picture = html("canvas", { width: layer.n_out, height: 1, "aria-hidden": "true" });
    const caption = `${name}: ${layer.n_out} units`;
    const figure = html(
      "figure",
      { class: "live-digit-layer" },
      html("div", { class: "live-digit-units", role: "img", "aria-label": caption }, picture),
      html("figcaption", {}, caption),
    );
    return { figure, show: (outputs) => paint(picture, outputs, layer.activation.amplitude) };
  }

  // The ten outputs: number and bar, the largest one marked.
  function outputTable(limit) {
    const rows = DIGITS.map((digit) => {
      const bar = html("span", { class: "live-bar-fill" });
      const value = html("data", { value: "" });
      const mark = html("td", { class: "live-digit-mark" });
      const row = html(
        "tr",
        {},
        html("th", { scope: "row" }, String(digit)),
        html("td", { "aria-hidden": "true" }, html("span", { class: "live-bar" }, bar)),
        html("td", { class: "live-number" }, value),
        mark,
      );
      return { row, bar, value, mark };
    });
    const heads = [["digit"], ["", true], ["output"], ["answer", true]].map(([text, hidden]) =>
      html(
        "th",
        { scope: "col" },
        hidden ? html("span", { class: "live-hidden" }, text || "bar") : text,
      ),
    );
    const table = html(
      "table",
      { class: "live-digit-outputs" },
      html("caption", {}, "The ten outputs"),
      html("thead", {}, html("tr", {}, ...heads)),
      html("tbody", {}, ...rows.map(({ row }) => row)),
    );
    function show(outputs, answer) {
      rows.forEach(({ row, bar, value, mark }, digit) => {
        const output = outputs ? outputs[digit] : -limit;
        bar.style.inlineSize = `${(100 * (output + limit)) / (2 * limit)}%`;
        row.classList.toggle("live-first", digit === answer);
        mark.textContent = digit === answer ? "answer" : "";
        if (outputs) {
          showNumber(value, output);
        } else {
          value.value = value.textContent = "";
        }
      });
    }
    return { table, show };
  }

  // What follows from ten outputs, as backprop.reading.Reading has it.
  function decision(outputs, threshold) {
    const order = [...DIGITS].sort((a, b) => outputs[b] - outputs[a]);
    const margin = outputs[order[0]] - outputs[order[1]];
    return { digit: order[0], next: order[1], margin, rejected: margin < threshold };
  }

  function build({ network, seed, threshold, rules, pen, drawings }) {
    const net = Backprop.network(network);
    const [h1, h2, h3, last] = network.layers;
    const limit = last.activation.amplitude;

    function reading(ink) {
      const fitted = Backprop.fit(ink, SIDE, rules);
      if (fitted.problem) {
        return fitted;
      }
      const layers = net.forward(fitted.x);
      return { x: fitted.x, layers, ...decision(layers[3], threshold) };
    }

    // The pad and what belongs to it.
    const pad = canvas(SIDE, {
      class: "live-digit-pad live-ink",
      tabindex: 0,
      role: "application",
      "aria-label": "Drawing pad",
      "aria-describedby": "live-digit-help",
    });
    const context = pad.getContext("2d", { willReadFrequently: true });
    const cursor = html("span", { class: "live-digit-cursor", "aria-hidden": "true", hidden: "" });
    const penState = html("p", { class: "live-hidden", role: "status" });
    const clear = html("button", { type: "button" }, "Clear");
    const select = html("select", { id: "live-digit-drawings" });
    const help = html(
      "p",
      { id: "live-digit-help", class: "live-note" },
      "Draw with a mouse, a finger or keys: arrows move the pen (two at once slantwise), the space " +
        "bar or Enter puts it down and lifts it.",
    );

    // What comes out.
    const seen = canvas(rules.side, { class: "live-ink", "aria-hidden": "true" });
    const answer = html("p", { class: "live-answer", role: "status" });
    const reason = html("p", { class: "live-digit-reason" });
    const outputs = outputTable(limit);
    const maps = [featureMaps("H1", h1), featureMaps("H2", h2), unitRow("H3", h3)];

    let strokes = [];
    let untouched = null; // the drawing that was loaded, until it is changed
    let first = true; // nobody has drawn yet
    let waiting = false;

    function verdict(read) {
      if (read.problem) {
        return `No answer. ${read.problem}`;
      }
      const meant = untouched && untouched.digit;
      const told = !untouched
        ? ""
        : meant === null
          ? ` It is meant as the letter ${untouched.name}.`
          : ` It is meant as ${meant}${meant === read.digit ? "" : ": the answer is wrong"}.`;
      return `Answer: ${read.digit}, ${read.rejected ? "rejected as unsure" : "accepted"}.${told}`;
    }

    function show() {
      waiting = false;
      const read = reading(rasterised(context, strokes, pen));
      say(answer, verdict(read));
      if (read.problem) {
        say(reason, "");
        outputs.show(null);
        paintInk(seen, new Float64Array(rules.side ** 2).fill(-1));
        [h1, h2, h3].forEach((layer, k) => {
          const units = layer.n_out || layer.out_shape.reduce((a, b) => a * b);
          maps[k].show(new Float64Array(units));
        });
        return;
      }
      const y = read.layers[3];
      say(
        reason,
        `The largest output is ${fixed(y[read.digit], 2)} (for ${read.digit}), the next ` +
          `${fixed(y[read.next], 2)} (for ${read.next}). The margin between them is ` +
          `${fixed(read.margin, 2)}; below ${fixed(threshold, 2)} the answer is rejected.`,
      );
      outputs.show(y, read.digit);
      paintInk(seen, read.x);
      maps.forEach((map, k) => map.show(read.layers[k]));
    }

    // At most one reading for each picture that the screen shows.
    function changed() {
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(show);
      }
    }

    // Drawing, whatever with.
    function begin(point) {
      if (first) {
        strokes = [];
        first = false;
      }
      untouched = null;
      select.value = "";
      strokes.push([point]);
      changed();
    }

    function go(point) {
      strokes[strokes.length - 1].push(point);
      changed();
    }

    function load(drawing) {
      strokes = drawing.strokes.map((stroke) => [...stroke]);
      untouched = drawing;
      lift();
      changed();
    }

    // By pointer.
    let drawing = null; // the pointer that is down

    function place(event) {
      const box = pad.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    }

    pad.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && drawing === null) {
        drawing = event.pointerId;
        pad.setPointerCapture(drawing);
        cursor.hidden = true;
        lift();
        begin(place(event));
      }
    });
    pad.addEventListener("pointermove", (event) => {
      if (event.pointerId === drawing) {
        // A fast hand moves several times between two pictures of the screen.
        const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
        (events.length ? events : [event]).forEach((each) => go(place(each)));
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pad.addEventListener(end, (event) => {
        if (event.pointerId === drawing) {
          drawing = null;
        }
      });
    }

    // By keyboard.
    let [x, y] = [0.5, 0.25];
    let down = false;
    const held = new Set();

    function showCursor() {
      cursor.hidden = false;
      cursor.classList.toggle("live-digit-down", down);
      cursor.style.left = `${100 * x}%`;
      cursor.style.top = `${100 * y}%`;
      const [column, row] = [x, y].map((part) => Math.min(rules.side, Math.floor(part * rules.side) + 1));
      say(
        penState,
        `Pen ${down ? "down" : "up"}, column ${column} and row ${row} of ${rules.side}`,
      );
    }

    function lift() {
      down = false;
      held.clear();
      cursor.classList.remove("live-digit-down");
    }

    function move() {
      const within = (value) => Math.min(1, Math.max(0, value));
      for (const key of held) {
        x = within(x + STEP * ARROWS[key][0]);
        y = within(y + STEP * ARROWS[key][1]);
      }
      if (down) {
        go([x, y]);
      }
    }

    pad.addEventListener("keydown", (event) => {
      const toggles = event.key === " " || event.key === "Enter";
      if (event.ctrlKey || event.altKey || event.metaKey || !(toggles || event.key in ARROWS)) {
        return;
      }
      event.preventDefault(); // the page would scroll
      if (event.key in ARROWS) {
        held.add(event.key);
        move();
      } else if (!event.repeat) {
        down = !down;
        if (down) {
          begin([x, y]);
        }
      }
      showCursor();
    });
    pad.addEventListener("keyup", (event) => held.delete(event.key));
    pad.addEventListener("focus", () => {
      if (pad.matches(":focus-visible")) {
        showCursor();
      }
    });
    pad.addEventListener("blur", () => {
      lift();
      cursor.hidden = true;
    });

    clear.addEventListener("click", () => {
      strokes = [];
      untouched = null;
      first = false;
      select.value = "";
      lift();
      changed();
    });

    // Our own drawings, sorted by what the network makes of them.
    const groups = { "read rightly": [], "rejected or wrong": [], "letters": [] };
    for (const each of drawings) {
      const read = reading(rasterised(context, each.strokes, pen));
      const right = !read.rejected && read.digit === each.digit;
      const name = each.digit === null ? "letters" : right ? "read rightly" : "rejected or wrong";
      groups[name].push(html("option", {}, each.name));
    }
    select.append(
      html("option", { value: "" }, "choose"),
      ...Object.entries(groups).map(([label, options]) => html("optgroup", { label }, ...options)),
    );
    select.addEventListener("change", () => {
      const chosen = drawings.find((each) => each.name === select.value);
      if (chosen) {
        first = false;
        load(chosen);
      }
    });
    load(drawings.find((each) => each.name === "7"));

    return html(
      "div",
      { class: "live-digit" },
      html(
        "div",
        { class: "live-digit-draw" },
        html("div", { class: "live-digit-frame" }, pad, cursor),
        penState,
        html("div", { class: "live-controls" }, clear, labelled("or load a drawing", select)),
        help,
      ),
      html(
        "div",
        { class: "live-digit-read" },
        answer,
        reason,
        outputs.table,
      ),
      html(
        "div",
        { class: "live-digit-inside" },
        html(
          "figure",
          { class: "live-digit-layer" },
          html(
            "div",
            { class: "live-digit-seen", role: "img", "aria-label": "What the network sees" },
            seen,
          ),
          html("figcaption", {}, `seen: ${rules.side} × ${rules.side}`),
        ),
        ...maps.map(({ figure }) => figure),
      ),
      html(
        "p",
        { class: "live-note" },
        `The network is the recorded one with seed ${seed}. In the layers orange is above zero, blue ` +
          "below; the fainter, the nearer to it.",
      ),
    );
  }

  mount("draw-digit", build);
})((window.Backprop = window.Backprop || {}));
