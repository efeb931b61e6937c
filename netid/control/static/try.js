"use strict";

const element = (name, text) => Object.assign(document.createElement(name), { textContent: text ?? "" });
const setting = (id) => document.getElementById(id).value.trim();

// An empty example of what an operation takes: the members of its schema.
function example(schema, schemas) {
  const named = schema.$ref ? schemas[schema.$ref.split("/").pop()] : schema;
  const first = named.oneOf ? schemas[named.oneOf[0].$ref.split("/").pop()] : named;
  const members = Object.entries(first.properties ?? {});
  return Object.fromEntries(members.map(([name, member]) => [name, member.default ?? member.const ?? null]));
}

function addressOf(path, inputs) {
  return path.replace(/\{(\w+)\}/g, (_all, name) => encodeURIComponent(inputs[name].value.trim()));
}

async function call(method, address, body) {
  const headers = { Authorization: `Bearer ${setting("token")}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(address.slice(1), { method: method.toUpperCase(), headers, body });
  const text = await answer.text();
  return `${answer.status} ${answer.statusText}\n${text}`;
}

function operation(method, path, described, schemas) {
  const box = element("details");
  const summary = element("summary");
  summary.append(element("code", `${method.toUpperCase()} ${path}`), ` ${described.summary}`);
  box.append(summary);
  const inputs = {};
  for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
    const label = element("label", `${name} `);
    inputs[name] = element("input");
    if (name === "realm_id") inputs[name].value = setting("realm");
    label.append(inputs[name]);
    box.append(label);
  }
  let body;
  if (described.requestBody) {
    const label = element("label", "Body");
    body = element("textarea");
    body.value = JSON.stringify(example(described.requestBody.content["application/json"].schema, schemas), null, 2);
    label.append(body);
    box.append(label);
  }
  const button = element("button", "Call");
  const answer = element("pre");
  answer.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    answer.textContent = await call(method, addressOf(path, inputs), body?.value);
  });
  box.addEventListener("toggle", () => {
    if (inputs.realm_id && !inputs.realm_id.value) inputs.realm_id.value = setting("realm");
  });
  box.append(button, answer);
  return box;
}

async function show() {
  const api = await (await fetch("openapi.json")).json();
  const place = document.getElementById("operations");
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of ["get", "post", "put", "delete"]) {
      if (item[method]) place.append(operation(method, path, item[method], api.components.schemas));
    }
  }
}

show();
