/* "Ask the family tree": a person and a relation in, the relatives out, and every layer between. */
(function (Backprop) {
  "use strict";

  const { html } = Backprop.elements;
  const { mount, labelled, show: showNumber, say } = Backprop.live;

  function listed(names) {
    const last = names[names.length - 1];
    return names.length < 2 ? last || "nobody" : `${names.slice(0, -1).join(", ")} and ${last}`;
  }

  // Units of a hidden layer: each a box that fills up, with its number.
  function hiddenLayer(name, count) {
    const units = Array.from({ length: count }, (_, k) => {
      const fill = html("span", { class: "live-family-fill", "aria-hidden": "true" });
      const value = html("data", { value: "" });
      return { unit: html("li", {}, fill, value), fill, value };
    });
    const id = `live-family-${name.replaceAll(" ", "-")}`;
    const group = html(
      "div",
      { class: "live-family-layer" },
      html("p", { id }, `${name}: ${count}`),
      html("ol", { "aria-labelledby": id }, ...units.map(({ unit }) => unit)),
    );
    function show(outputs) {
      units.forEach(({ fill, value }, k) => {
        fill.style.height = `${1.375 * outputs[k]}rem`;
        showNumber(value, outputs[k]);
      });
    }
    return { group, show };
  }

  // One family's outputs: a bar and a number for each person, right answers marked.
  function family(name, people) {
    const rows = people.map((person) => {
      const bar = html("span", { class: "live-bar-fill" });
      const value = html("data", { value: "" });
      const mark = html("td", { class: "live-family-mark" });
      const row = html(
        "tr",
        {},
        html("th", { scope: "row" }, person),
        html(
          "td",
          { "aria-hidden": "true" },
          html("span", { class: "live-bar live-bar-half" }, bar),
        ),
        html("td", { class: "live-number" }, value),
        mark,
      );
      return { row, bar, value, mark };
    });
    const heads = ["person", "bar", "output", "right answer"].map((text) =>
      html("th", { scope: "col" }, text),
    );
    const table = html(
      "table",
      { class: "live-family-outputs" },
      html("caption", {}, name),
      html("thead", { class: "live-hidden" }, html("tr", {}, ...heads)),
      html("tbody", {}, ...rows.map(({ row }) => row)),
    );
    function show(outputs, right) {
      rows.forEach(({ row, bar, value, mark }, k) => {
        bar.style.inlineSize = `${100 * outputs[k]}%`;
        row.classList.toggle("live-first", right.includes(k));
        mark.textContent = right.includes(k) ? "right" : "";
        showNumber(value, outputs[k]);
      });
    }
    return { table, show };
  }

  function build({ network, seed, people, relations, answers, held_out }) {
    const net = Backprop.network(network);
    const half = people.length / 2;
    const options = (names, start) =>
      names.map((name, k) => html("option", { value: start + k }, name));
    const who = html(
      "select",
      { id: "live-family-person" },
      html("optgroup", { label: "English" }, ...options(people.slice(0, half), 0)),
      html("optgroup", { label: "Italian" }, ...options(people.slice(half), half)),
    );
    const what = html("select", { id: "live-family-relation" }, ...options(relations, 0));
    const answer = html("p", { class: "live-answer", role: "status" });
    const trained = html("p", {});

    const [split, middle, upper] = network.layers;
    const units = split.branches.map((branch) => branch.n_out);
    const layers = [
      hiddenLayer("person units", units[0]),
      hiddenLayer("relation units", units[1]),
      hiddenLayer("units that join them", middle.n_out),
      hiddenLayer("units below the outputs", upper.n_out),
    ];
    const families = [
      family("English", people.slice(0, half)),
      family("Italian", people.slice(half)),
    ];

    function verdict(right, above) {
      const found = listed(above.map((k) => people[k]));
      const question = `${people[who.value]}, ${relations[what.value]}`;
      if (!right.length) {
        return `${question}: the tree shows none. The network says ${found}.`;
      }
      const same = right.length === above.length && right.every((k) => above.includes(k));
      const names = listed(right.map((k) => people[k]));
      return `${question}: ${names}. The network is ${same ? "right" : `wrong, it says ${found}`}.`;
    }

    function kind(right) {
      const out = held_out.some(([p, r]) => p === Number(who.value) && r === Number(what.value));
      if (!right.length) {
        return "It was never trained on a question without an answer.";
      }
      return out
        ? `This is one of the ${held_out.length} questions held out: it was not trained on it.`
        : "It was trained on this question.";
    }

    function show() {
      const x = new Float64Array(people.length + relations.length);
      x[who.value] = x[people.length + Number(what.value)] = 1;
      const [joined, middleUnits, upperUnits, outputs] = net.forward(x);
      const right = answers[who.value][what.value];
      const above = people.map((_, k) => k).filter((k) => outputs[k] > 0.5);
      layers[0].show(joined.slice(0, units[0]));
      layers[1].show(joined.slice(units[0]));
      layers[2].show(middleUnits);
      layers[3].show(upperUnits);
      families[0].show(outputs.slice(0, half), right);
      families[1].show(outputs.slice(half), right.map((k) => k - half));
      say(answer, verdict(right, above));
      say(trained, kind(right));
    }

    who.value = people.indexOf("Colin");
    what.value = relations.indexOf("aunt");
    who.addEventListener("change", show);
    what.addEventListener("change", show);
    show();

    const heldOut = held_out.map(([p, r]) => `${people[p]}, ${relations[r]}`);
    return html(
      "div",
      { class: "live-family" },
      html(
        "div",
        { class: "live-controls" },
        labelled("Person", who),
        labelled("Relation", what),
      ),
      answer,
      trained,
      html("div", { class: "live-family-tables" }, ...families.map(({ table }) => table)),
      html("div", { class: "live-family-layers" }, ...layers.map(({ group }) => group)),
      html(
        "p",
        { class: "live-note" },
        `The network is the one with seed ${seed}. Held out of its training: ${heldOut.join("; ")}. ` +
          "It says the people whose outputs are above one half, the line in the middle of the bars.",
      ),
    );
  }

  mount("family-tree", build);
})((window.Backprop = window.Backprop || {}));
