// The `curl` line of an operation. Values to fill in stand as shell variables.
import { examples } from "./openapi.js";

/** A command for `operation` against `origin`, ready to paste into a shell. */
export function curlLine(api, origin, operation) {
  const path = operation.path.replace(/\{([^}]+)\}/g, (_, name) => `$${variable(name)}`);
  const parts = [operation.method === "get" ? "curl" : `curl -X ${operation.method.toUpperCase()}`];
  parts[0] += ` "${origin}${path}${query(operation)}"`;
  parts.push(...credentials(api, operation));
  const body = jsonBody(api, operation);
  if (body !== undefined) parts.push('-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" \\\n  ");
}

function query(operation) {
  const required = operation.parameters.filter((parameter) => parameter.in === "query" && parameter.required);
  return required.length ? `?${required.map(({ name }) => `${encodeURIComponent(name)}=$${variable(name)}`).join("&")}` : "";
}

/** The first way of signing in that the operation accepts; none when it is open to everybody. */
function credentials(api, operation) {
  const ways = operation.security ?? api.security ?? [];
  if (ways.some((way) => Object.keys(way).length === 0)) return [];
  return Object.keys(ways[0] ?? {}).map((name) => {
    const scheme = api.components?.securitySchemes?.[name] ?? {};
    const secret = `$HITL_${variable(name).replace(/^HITL_/, "")}`;
    if (scheme.type === "apiKey" && scheme.in === "cookie") return `--cookie "${scheme.name}=${secret}"`;
    if (scheme.type === "apiKey") return `-H "${scheme.name}: ${secret}"`;
    return `-H "Authorization: Bearer ${secret}"`;
  });
}

function jsonBody(api, operation) {
  const media = operation.requestBody?.content?.["application/json"];
  return media && examples(api, media)[0]?.value;
}

/** `loopId` and `loop_id` both as `LOOP_ID`. */
function variable(name) {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/\W+/g, "_").toUpperCase();
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
