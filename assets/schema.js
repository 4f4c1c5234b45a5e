// Shows a schema as a list of fields that open to the fields within.
import { element } from "./element.js";
import { alternatives, flatten, refName } from "./openapi.js";
import { inline, prose } from "./prose.js";

/** The fields of a body, or its type when it has none. `parents` are the names above, so that a type within itself ends. */
export function schemaView(api, reference, parents = []) {
  const schema = flatten(api, reference);
  const name = refName(reference);
  if (name && parents.includes(name)) return element("p", { class: "hint" }, `${name}, as above.`);
  const within = name ? [...parents, name] : parents;
  if (schema.type === "array" || schema.items) return schemaView(api, schema.items ?? {}, within);
  const choices = alternatives(schema);
  if (choices.length === 1 && !schema.properties) return schemaView(api, choices[0], within);
  return [
    schema.properties && fieldList(api, schema, within),
    choices.length > 0 && choicesView(api, choices, within),
    typeof schema.additionalProperties === "object" && schemaView(api, schema.additionalProperties, within),
  ].filter(Boolean);
}

/** One field, parameter or header: name, type, whether it must be there, description, limits, and what is within. */
export function fieldView(api, { name, schema: reference = {}, required, description, deprecated, place }, parents = []) {
  const schema = flatten(api, reference);
  const text = description ?? schema.description;
  const inner = [schemaView(api, reference, parents)].flat();
  return element("li", { class: "field-row" },
    element("p", { class: "field-head" },
      element("code", { class: "field-name" }, name),
      element("span", { class: "field-type" }, typeName(api, reference)),
      place && element("span", { class: "field-type" }, `in ${place}`),
      required && element("span", { class: "tag tag-warm" }, "required"),
      (deprecated ?? schema.deprecated) && element("span", { class: "tag" }, "deprecated"),
      schema.readOnly && element("span", { class: "tag" }, "read only"),
    ),
    text && prose(text),
    limits(schema).map((limit) => element("p", { class: "hint" }, limit)),
    inner.length > 0 && element("details", {}, element("summary", {}, "Fields of ", element("code", {}, name)), inner),
  );
}

function fieldList(api, schema, parents) {
  const required = schema.required ?? [];
  return element("ul", { class: "fields" }, Object.entries(schema.properties).map(([name, value]) =>
    fieldView(api, { name, schema: value, required: required.includes(name) }, parents)));
}

/** Alternatives that have fields; those without are told by the type alone. */
function choicesView(api, choices, parents) {
  const shown = choices.map((choice) => [choice, [schemaView(api, choice, parents)].flat()]).filter(([, inner]) => inner.length);
  return shown.length > 0 && element("div", { class: "choices" }, shown.map(([choice, inner]) =>
    element("details", {}, element("summary", {}, "As ", element("code", {}, choice.title ?? typeName(api, choice))), inner)));
}

/** The type in words: `string`, `array of Loop`, `integer or null`. */
export function typeName(api, reference) {
  const schema = flatten(api, reference);
  const name = refName(reference);
  const choices = alternatives(schema);
  const nullable = [schema.oneOf, schema.anyOf].flat().some((one) => one?.type === "null") ? ["null"] : [];
  if (choices.length) return unique([...choices.map((one) => typeName(api, one)), ...nullable]).join(" or ");
  const types = [schema.type ?? (schema.properties ? "object" : schema.enum ? "string" : "any")].flat();
  const words = types.map((type) => {
    if (type === "array") return `array of ${schema.items ? typeName(api, schema.items) : "any"}`;
    if (type === "object" && name) return name;
    return schema.format && type !== "null" ? `${type} (${schema.format})` : type;
  });
  return words.join(" or ");
}

function unique(list) {
  return [...new Set(list)];
}

/** The limits in words, one sentence each, as inline nodes. */
function limits(schema) {
  const value = (one) => `\`${JSON.stringify(one)}\``;
  const sentences = [
    range("characters", schema.minLength, schema.maxLength),
    range("items", schema.minItems, schema.maxItems),
    range("fields", schema.minProperties, schema.maxProperties),
    range("", schema.minimum, schema.maximum),
    schema.exclusiveMinimum !== undefined && `More than ${schema.exclusiveMinimum}.`,
    schema.exclusiveMaximum !== undefined && `Less than ${schema.exclusiveMaximum}.`,
    schema.multipleOf !== undefined && `A multiple of ${schema.multipleOf}.`,
    schema.uniqueItems && "No item twice.",
    schema.pattern && `Matches \`${schema.pattern}\`.`,
    schema.const !== undefined && `Always ${value(schema.const)}.`,
    schema.enum && `One of ${schema.enum.map(value).join(" ")}`,
    schema.default !== undefined && `Default ${value(schema.default)}.`,
  ];
  return sentences.filter(Boolean).map(inline);
}

function range(unit, least, most) {
  if (least === undefined && most === undefined) return "";
  const words = most === undefined ? `At least ${least}` : least === undefined ? `At most ${most}` : `${least} to ${most}`;
  return unit ? `${words} ${unit}.` : `${words}.`;
}
