// The API reference page: fetches the server's own OpenAPI document and lays it out, with a menu that filters.
import { element } from "./element.js";
import { groups } from "./openapi.js";
import { methodTag, operationView } from "./operation.js";
import { prose } from "./prose.js";
import { fieldView } from "./schema.js";

const SOURCE = "/openapi.json";
const at = (id) => document.getElementById(id);

try {
  at("status").textContent = "Loading …";
  const answer = await fetch(SOURCE);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  show(await answer.json());
  at("status").textContent = "";
} catch (error) {
  at("status").textContent = "";
  at("reference").replaceChildren(element("p", { class: "notice notice-problem", role: "alert" },
    element("strong", {}, "The reference could not be shown: "), `${error.message}. `, element("a", { href: SOURCE }, "Open openapi.json"), "."));
}

function show(api) {
  const all = groups(api);
  at("heading").textContent = api.info?.title ?? "API reference";
  at("reference").replaceChildren(introduction(api), ...all.map((group) => groupView(api, group)));
  at("operations").replaceChildren(...all.map(menuGroup));
  showMenu();
  at("filter").addEventListener("input", filter);
  followReading();
  addEventListener("hashchange", goToLink);
  goToLink();
}

function introduction(api) {
  const schemes = Object.entries(api.components?.securitySchemes ?? {});
  return element("div", { class: "stack introduction" },
    api.info?.version && element("p", {}, element("span", { class: "tag" }, `Version ${api.info.version}`)),
    prose(api.info?.description),
    element("p", {}, "This server’s address: ", element("code", {}, location.origin)),
    schemes.length > 0 && [
      element("h2", { id: "signing-in" }, "Signing in"),
      element("ul", { class: "fields" }, schemes.map(([name, scheme]) =>
        fieldView(api, { name, description: scheme.description, schema: { type: `${scheme.type} ${scheme.scheme ?? scheme.in ?? ""}`.trim() } }))),
    ]);
}

function groupView(api, group) {
  return element("div", { class: "group" },
    element("h2", {}, group.tag),
    prose(group.description),
    group.operations.map((operation) => operationView(api, operation)));
}

function menuGroup(group) {
  return element("section", {},
    element("h2", {}, group.tag),
    element("ul", {}, group.operations.map((operation) => element("li", { "data-words": words(operation) },
      element("a", { href: `#${operation.id}` }, element("span", {}, operation.summary ?? operation.id), methodTag(operation))))));
}

function words(operation) {
  const { method, path, summary, id, tags = [] } = operation;
  return [method, path, ...(operation["x-aliases"] ?? []), summary, id, operation["x-scope"], ...tags].join(" ").toLowerCase();
}

/** On a wide screen the menu stands open beside the text; on a phone it opens on demand and closes after a choice. */
function showMenu() {
  const menu = at("menu");
  const wide = matchMedia("(min-width: 60rem)");
  const fit = () => { menu.open = wide.matches; };
  menu.hidden = false;
  fit();
  wide.addEventListener("change", fit);
  menu.addEventListener("click", (event) => {
    if (event.target.closest("a") && !wide.matches) menu.open = false;
  });
}

function filter() {
  const wanted = at("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const section of at("operations").children) {
    const items = [...section.querySelectorAll("li")];
    for (const item of items) item.hidden = !wanted.every((word) => item.dataset.words.includes(word));
    const left = items.filter((item) => !item.hidden).length;
    section.hidden = left === 0;
    shown += left;
  }
  at("status").textContent = wanted.length ? `The menu shows ${shown} matching ${shown === 1 ? "operation" : "operations"}.` : "";
}

/** The sections exist only now, so the browser's own jump to the link has missed. */
function goToLink() {
  const target = at(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  target.scrollIntoView();
  target.focus({ preventScroll: true });
}

/** Marks in the menu the operation that is being read. */
function followReading() {
  const links = new Map([...at("operations").querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver((entries) => {
    const entry = entries.findLast((one) => one.isIntersecting);
    if (!entry) return;
    for (const link of links.values()) link.removeAttribute("aria-current");
    const link = links.get(entry.target.id);
    link.setAttribute("aria-current", "true");
  }, { rootMargin: "0px 0px -75% 0px" });
  for (const section of document.querySelectorAll(".operation")) observer.observe(section);
}
