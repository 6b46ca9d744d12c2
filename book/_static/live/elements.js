/* What all live parts share: making elements, writing numbers. Nothing here computes.

   These are classic scripts, loaded with defer, with one global, Backprop, and no modules: a page
   that was opened from a disk may load scripts, but no modules and no other files. */
(function (Backprop) {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  /** An HTML element with attributes and children (elements or strings). */
  function html(tag, attributes, ...children) {
    return filled(document.createElement(tag), attributes, children);
  }

  /** The same for SVG. */
  function svg(tag, attributes, ...children) {
    return filled(document.createElementNS(SVG, tag), attributes, children);
  }

  /** A button that calls `action`. */
  function button(text, look, action) {
    const made = html("button", { type: "button", class: look }, text);
    made.addEventListener("click", () => action());
    return made;
  }

  /** A number with so many decimals, a true minus sign, and no sign on zero. */
  function fixed(value, decimals) {
    const text = value.toFixed(decimals);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
  }

  /** A number with up to four decimals, as the drawings of the book write it. */
  function short(value) {
    return fixed(value, 4).replace(/\.?0+$/, "");
  }

  /** A whole number with commas. */
  function whole(value) {
    return value.toLocaleString("en-GB");
  }

  /** Put the live part below the still one of its place, which is kept for print. */
  function goLive(place, part) {
    place.querySelector(".live-still").hidden = true;
    place.append(part);
  }

  Backprop.elements = { html, svg, button, fixed, short, whole, goLive };
})((window.Backprop = window.Backprop || {}));
