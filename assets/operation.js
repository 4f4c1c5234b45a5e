// Shows one operation: what it is called by, what it takes, what it answers.
import { curlLine } from "./curl.js";
import { codeBlock, element } from "./element.js";
import { examples, resolve } from "./openapi.js";
import { prose } from "./prose.js";
import { fieldView, schemaView, typeName } from "./schema.js";

/** A section headed by the operation's summary, whose id is its deep link. */
export function operationView(api, operation) {
  const body = resolve(api, operation.requestBody);
  return element("section", { class: "operation", id: operation.id, tabindex: "-1", "aria-labelledby": `${operation.id}-title` },
    element("h3", { id: `${operation.id}-title` },
      operation.summary ?? operation.id,
      " ",
      element("a", { class: "anchor", href: `#${operation.id}`, "aria-label": `Link to ${operation.summary ?? operation.id}` }, "#")),
    element("p", { class: "route" }, methodTag(operation), element("code", {}, operation.path)),
    facts(operation),
    prose(operation.description),
    !operation.webhook && copyable(curlLine(api, location.origin, { ...operation, requestBody: body })),
    part("Parameters", operation.parameters.length && element("ul", { class: "fields" },
      operation.parameters.map((parameter) => fieldView(api, { ...parameter, place: parameter.in })))),
    part("Request body", body.content && bodyView(api, body)),
    part("Responses", element("div", { class: "responses" },
      Object.entries(operation.responses ?? {}).map(([status, reference]) => responseView(api, status, resolve(api, reference))))),
  );
}

/** The method as a small mark. */
export function methodTag(operation) {
  const look = { get: "tag-accent", delete: "tag-danger" }[operation.method] ?? "tag-warm";
  return element("span", { class: `tag method ${look}` }, operation.webhook ? "event" : operation.method.toUpperCase());
}

function facts(operation) {
  const aliases = operation["x-aliases"] ?? [];
  const scope = operation["x-scope"];
  return element("ul", { class: "facts" },
    scope && element("li", {}, "Scope ", element("code", {}, scope)),
    aliases.length > 0 && element("li", {}, "Also at ", aliases.map((alias) => [element("code", {}, alias), " "])),
    operation.deprecated && element("li", {}, element("span", { class: "tag" }, "deprecated")));
}

function part(title, content) {
  return content ? [element("h4", {}, title), content] : [];
}

/** The body's fields, the first level open, and its examples. */
function bodyView(api, body) {
  const view = element("div", { class: "stack" },
    prose(body.description),
    Object.entries(body.content ?? {}).map(([kind, media]) => [
      kind !== "application/json" && element("p", { class: "hint" }, element("code", {}, kind)),
      media.schema && schemaView(api, media.schema),
      exampleViews(api, kind, media),
    ]));
  for (const fold of view.querySelectorAll(":scope > .fields > .field-row > details")) fold.open = true;
  return view;
}

function exampleViews(api, kind, media) {
  if (!/json/.test(kind) && media.example === undefined && !media.examples) return [];
  return examples(api, media).map(({ title, value }) => element("figure", { class: "example" },
    element("figcaption", {}, title),
    codeBlock(typeof value === "string" && !/json/.test(kind) ? value : JSON.stringify(value, null, 2), title)));
}

function responseView(api, status, response) {
  const good = status.startsWith("2");
  const headers = Object.entries(response.headers ?? {});
  const [media] = Object.values(response.content ?? {});
  return element("details", { class: "response", open: good },
    element("summary", {},
      element("span", { class: `tag ${good ? "tag-accent" : "tag-danger"}` }, status),
      element("span", {}, response.description?.split("\n")[0] ?? ""),
      media?.schema && element("span", { class: "field-type" }, typeName(api, media.schema))),
    element("div", { class: "stack" },
      response.description?.includes("\n") && prose(response.description),
      headers.length > 0 && headersView(api, headers),
      bodyView(api, { content: response.content })));
}

function headersView(api, headers) {
  return element("details", {},
    element("summary", {}, "Headers"),
    element("ul", { class: "fields" }, headers.map(([name, header]) => fieldView(api, { name, ...resolve(api, header) }))));
}

/** A command with a button that copies it. */
function copyable(command) {
  const code = codeBlock(command, "curl command");
  const button = element("button", { type: "button", class: "button-quiet copy" }, "Copy");
  const said = element("span", { class: "copied", role: "status" });
  button.addEventListener("click", async () => {
    said.textContent = (await copy(command, code)) ? "Copied" : "Selected: copy it with your keyboard";
    setTimeout(() => { said.textContent = ""; }, 4000);
  });
  return element("div", { class: "command" }, code, element("p", { class: "row" }, button, said));
}

/** Copies `text`; where the browser forbids it (plain http to another machine), selects it and tells so. */
async function copy(text, node) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(node);
    return false;
  }
}
