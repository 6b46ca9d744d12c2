/* What the two parts that read (draw-digit.js, family-tree.js) share besides elements.js. */
(function (Backprop) {
  "use strict";

  const { html, fixed, goLive } = Backprop.elements;

  Backprop.live = {
    /** Put a live part into every place of one kind, built from its data. */
    mount(name, build) {
      for (const place of document.querySelectorAll(`[data-live="${name}"]`)) {
        goLive(place, build(Backprop.data[name]));
      }
    },

    /** A label over a control; the control needs an id. */
    labelled(text, control) {
      return html("div", { class: "live-field" }, html("label", { for: control.id }, text), control);
    },

    /** Write a number into a <data> element: two decimals to read, all of them for programs. */
    show(data, value) {
      data.value = String(value);
      data.textContent = fixed(value, 2);
    },

    /** Change a text only if it differs, so that it is announced once. */
    say(element, text) {
      if (element.textContent !== text) {
        element.textContent = text;
      }
    },
  };
})((window.Backprop = window.Backprop || {}));
