// Makes one piece of a page like another while keeping the nodes that stay, and with them focus, scrolling and what is typed.

/** Makes `old` what `fresh` is. Children with an id are known by it. What is inside [data-keep] is left alone. */
export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  attributes(old, fresh);
  if (!old.hasAttribute("data-keep")) children(old, fresh);
}

function attributes(old, fresh) {
  const stays = (name) => name === "open" && old.nodeName === "DETAILS"; // what somebody has opened
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !stays(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function children(old, fresh) {
  const wanted = new Set([...fresh.children].map((node) => node.id).filter(Boolean));
  let place = old.firstChild;
  for (const node of [...fresh.childNodes]) {
    while (place?.id && node.id !== place.id && !wanted.has(place.id)) place = removed(place);
    const known = node.id ? [...old.children].find((child) => child.id === node.id) : place;
    while (node.id && known && place && place !== known && !place.id) place = removed(place); // so that it need not be moved
    if (known && isAlike(known, node)) {
      if (known === place) place = place.nextSibling;
      else move(old, known, place);
      if (known.nodeType === Node.ELEMENT_NODE) morph(known, node);
      else if (known.data !== node.data) known.data = node.data;
    } else {
      const added = document.importNode(node, true);
      if (added.id) added.classList.add("new");
      old.insertBefore(added, place);
    }
  }
  while (place) place = removed(place);
}

// Moving a node takes the focus from it, where the browser cannot move it in place.
function move(parent, node, before) {
  const focused = node.contains(document.activeElement) && document.activeElement;
  if (parent.moveBefore) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
  if (focused) focused.focus({ preventScroll: true });
}

const isAlike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}
