// /openapi.json as a page to read. Fetches nothing else.

import { make } from "./words.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const node = document.getElementById("docs");

const api = await (await fetch("/openapi.json", { credentials: "omit" })).json();
const byTag = new Map();
for (const [path, item] of Object.entries(api.paths)) {
  for (const method of METHODS.filter((name) => item[name])) {
    const tag = item[method].tags?.[0] ?? "API";
    byTag.set(tag, [...(byTag.get(tag) ?? []), operation(method, path, item[method])]);
  }
}
node.replaceChildren(
  make("h1", { text: `${api.info.title} ${api.info.version}` }),
  ...api.info.description.split("\n\n").map((text) => make("p", { class: "about lead" }, ...worded(text))),
  make("h4", { text: "Try it" }),
  make("pre", { text: curl() }),
  ...[...byTag].flatMap(([tag, operations]) => [make("h2", { text: tag }), ...operations]),
);

function curl() {
  const body = JSON.stringify(api.components.schemas.ChatRequest.examples[0]);
  return `curl ${location.origin}/v1/chat/completions \\\n  -H "Authorization: Bearer $BELEG_KEY" -H "Content-Type: application/json" \\\n  -d '${body}'`;
}

function operation(method, path, one) {
  const inside = make("div", { class: "inside" });
  const needsKey = one.security?.length ? "Needs a key." : "Needs no key.";
  inside.append(make("p", { class: "description" }, ...worded([one.description, needsKey].filter(Boolean).join(" "))));
  if (one.parameters?.length) {
    inside.append(make("h4", { text: "Parameters" }), rows(one.parameters.map((parameter) => [
      parameter.name, typeOf(parameter.schema), parameter.required ? "required" : "", parameter.description ?? ""])));
  }
  const asked = one.requestBody?.content?.["application/json"]?.schema;
  if (asked) inside.append(make("h4", { text: "Request" }), ...described(asked));
  for (const [status, response] of Object.entries(one.responses ?? {})) {
    const schema = response.content?.["application/json"]?.schema;
    inside.append(make("h4", { text: `${status} ${response.description ?? ""}` }));
    if (schema && status < 300) inside.append(...described(schema));
  }
  return make("details", { class: "operation" },
    make("summary", {},
      make("span", { class: "method", text: method.toUpperCase() }),
      make("span", { class: "path", text: path }),
      make("span", { class: "summary", text: one.summary ?? "" })),
    inside);
}

function resolve(schema) {
  return schema?.$ref ? api.components.schemas[schema.$ref.split("/").at(-1)] : schema;
}

function described(schema) {
  const whole = resolve(schema);
  const parts = [];
  if (whole.description) parts.push(make("p", { class: "hint" }, ...worded(whole.description)));
  const required = new Set(whole.required ?? []);
  parts.push(rows(Object.entries(whole.properties ?? {}).map(([name, property]) => [
    name, typeOf(property), required.has(name) ? "required" : "", property.description ?? resolve(property)?.description ?? ""])));
  if (whole.examples?.length) parts.push(make("pre", { text: JSON.stringify(whole.examples[0], null, 2) }));
  return parts;
}

function typeOf(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.anyOf) return schema.anyOf.map(typeOf).filter((name) => name !== "null").join(" or ");
  if (schema.type === "array") return `${typeOf(schema.items)}[]`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  return schema.type ?? "any";
}

/** Text with `code` in it. */
function worded(text) {
  return text.split("`").map((part, n) => (n % 2 ? make("code", { text: part }) : document.createTextNode(part)));
}

function rows(cells) {
  const body = make("tbody", {}, ...cells.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, ...worded(text))))));
  return make("div", { class: "table-frame" }, make("table", {}, body));
}
