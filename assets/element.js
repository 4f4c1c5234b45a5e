// Builds page elements. Text goes in as text, never as markup; this module knows nothing of what is shown.

/** An element with attributes (`false`, `null` and `undefined` leave one out) and children (nodes, text, nested lists). */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false && child !== ""));
  return node;
}

/** A block of code that the keyboard can scroll. */
export function codeBlock(text, label) {
  return element("pre", { tabindex: "0", role: "group", "aria-label": label }, element("code", {}, text));
}
