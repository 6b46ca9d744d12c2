// The theme lets the keyboard reach whatever scrolls, but looks only when the window changes:
// let it look again when something is unfolded.
document.addEventListener("toggle", () => window.dispatchEvent(new Event("resize")), true);
