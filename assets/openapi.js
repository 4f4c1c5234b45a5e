// Reads an OpenAPI 3.1 document: references, operations, schemas, examples. Knows nothing of the page.

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];
const FORMATS = { "date-time": "2024-03-15T10:30:00Z", email: "you@example.com", uri: "https://example.com/" };

/** Follows `$ref` within the document; what it points to, or the value itself. */
export function resolve(api, value) {
  const seen = new Set();
  while (value?.$ref && !seen.has(value.$ref)) {
    seen.add(value.$ref);
    const path = value.$ref.replace(/^#\//, "").split("/").map((key) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~"));
    const { $ref, ...beside } = value;
    value = { ...path.reduce((at, key) => at?.[key], api), ...beside };
  }
  return value ?? {};
}

/** All operations by tag, in the document's order: `[{tag, description, operations: [{id, method, path, …}]}]`. */
export function groups(api) {
  const found = new Map((api.tags ?? []).map((tag) => [tag.name, { tag: tag.name, description: tag.description, operations: [] }]));
  for (const operation of [...operations(api, api.paths), ...operations(api, api.webhooks, true)]) {
    const tag = operation.tags?.[0] ?? (operation.webhook ? "Webhooks" : "Operations");
    if (!found.has(tag)) found.set(tag, { tag, operations: [] });
    found.get(tag).operations.push(operation);
  }
  return [...found.values()].filter((group) => group.operations.length);
}

function operations(api, paths = {}, webhook = false) {
  return Object.entries(paths).flatMap(([path, reference]) => {
    const item = resolve(api, reference);
    return METHODS.filter((method) => item[method]).map((method) => {
      const operation = item[method];
      const id = operation.operationId ?? `${method}${path}`.replace(/[^a-z0-9]+/gi, "-");
      return { ...operation, id, method, path, webhook, parameters: parameters(api, item, operation) };
    });
  });
}

/** The path's parameters and the operation's own, which win. */
function parameters(api, item, operation) {
  const all = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((parameter) => resolve(api, parameter));
  return [...new Map(all.map((parameter) => [`${parameter.in} ${parameter.name}`, parameter])).values()];
}

/** A schema with its `$ref` followed and its `allOf` merged into it. */
export function flatten(api, schema) {
  const { allOf, ...own } = resolve(api, schema);
  if (!allOf) return own;
  return [...allOf.map((part) => flatten(api, part)), own].reduce((whole, part) => ({
    ...whole,
    ...part,
    properties: { ...whole.properties, ...part.properties },
    required: [...(whole.required ?? []), ...(part.required ?? [])],
  }), {});
}

/** The alternatives of a schema, without `null`. */
export function alternatives(schema) {
  return (schema.oneOf ?? schema.anyOf ?? []).filter((one) => one.type !== "null");
}

/** The last part of a `$ref`, or nothing. */
export function refName(schema) {
  return schema?.$ref?.split("/").pop();
}

/** The given examples of a body, `[{title, value}]`; without any, one made from the schema and titled so. */
export function examples(api, media) {
  const given = Object.entries(media.examples ?? {}).map(([name, reference]) => {
    const example = resolve(api, reference);
    return { title: example.summary ?? name, value: example.value };
  });
  if (given.length) return given.filter((example) => example.value !== undefined);
  if (media.example !== undefined) return [{ title: "Example", value: media.example }];
  if (!media.schema) return [];
  const stated = statedExample(flatten(api, media.schema));
  return [stated === undefined ? { title: "Shape, made from the schema", value: sample(api, media.schema) } : { title: "Example", value: stated }];
}

function statedExample(schema) {
  return schema.examples?.[0] ?? schema.example ?? schema.const ?? schema.default;
}

/** A value of the schema's shape, from its examples where it has them. */
export function sample(api, reference, parents = []) {
  const schema = flatten(api, reference);
  const name = refName(reference);
  const stated = statedExample(schema);
  if (stated !== undefined) return stated;
  if (name && parents.includes(name)) return {};
  const within = name ? [...parents, name] : parents;
  if (schema.enum) return schema.enum[0];
  const [first] = alternatives(schema);
  if (first) return sample(api, first, within);
  const type = [schema.type].flat().find((one) => one !== "null");
  if (type === "array") return schema.items ? [sample(api, schema.items, within)] : [];
  if (schema.properties) {
    return Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, sample(api, value, within)]));
  }
  if (FORMATS[schema.format]) return FORMATS[schema.format];
  return { string: "string", integer: schema.minimum ?? 0, number: schema.minimum ?? 0, boolean: true, null: null }[type] ?? {};
}
