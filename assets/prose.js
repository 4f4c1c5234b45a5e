// The part of Markdown that descriptions use: paragraphs, lists, code, emphasis, links. Anything else stays as it was written.
import { codeBlock, element } from "./element.js";

const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;
const ITEM = /^\s*(?:[-*]|\d+\.)\s+/;

/** The text of one paragraph, as nodes. */
export function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, label, target] = match;
    nodes.push(text.slice(end, match.index));
    if (code) nodes.push(element("code", {}, code));
    else if (strong) nodes.push(element("strong", {}, inline(strong)));
    else nodes.push(isLink(target) ? element("a", { href: target }, inline(label)) : whole);
    end = match.index + whole.length;
  }
  return [...nodes, text.slice(end)];
}

/** A description as block elements. */
export function prose(text = "") {
  const fences = text.split(/^```.*$/m);
  return fences.flatMap((part, index) =>
    index % 2 ? [codeBlock(part.trim(), "Code")] : part.split(/\n\s*\n/).filter((block) => block.trim()).map(block),
  );
}

function block(text) {
  const heading = text.trim().match(/^#{1,6}\s+(.+)$/);
  if (heading) return element("p", {}, element("strong", {}, inline(heading[1])));
  const lines = text.trim().split("\n");
  if (!ITEM.test(lines[0])) return element("p", {}, inline(lines.join(" ")));
  const items = [];
  for (const line of lines) {
    if (ITEM.test(line)) items.push(line.replace(ITEM, ""));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return element(/^\s*\d/.test(lines[0]) ? "ol" : "ul", {}, items.map((item) => element("li", {}, inline(item))));
}

/** Only addresses that cannot run anything become links. */
function isLink(target) {
  return /^(https?:\/\/|mailto:|\/(?!\/)|#)/i.test(target);
}
