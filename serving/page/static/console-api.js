// Zones, files, previews and verdicts, as the console uses them.

import { call } from "./api.js";

const address = (zone) => `/v1/zones/${encodeURIComponent(zone)}`;
const read = async (path) => (await call(path)).json();

export const zones = () => read("/v1/zones");
export const reviews = (judged) => read(`/v1/reviews?judged=${judged}`);
export const document = (zone, id) => read(`${address(zone)}/documents/${encodeURIComponent(id)}`);
export const preview = (zone, offset) => read(`${address(zone)}/preview?offset=${offset}&limit=5`);

export function documents(zone, { fate, search, offset, limit }) {
  const query = new URLSearchParams({ offset, limit, ...(fate && { fate }), ...(search && { search }) });
  return read(`${address(zone)}/documents?${query}`);
}

export const findings = (zone, id) => read(`${address(zone)}/documents/${encodeURIComponent(id)}/findings`);
export const allowed = () => read("/v1/allow-list");

async function send(path, body) {
  const json = body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await call(path, { method: "POST", ...json })).json();
}

export const publish = (zone) => send(`${address(zone)}/publish`);
export const judge = (verdict) => send("/v1/reviews", verdict);
export const allow = (wish) => send("/v1/allow-list", wish);
export const approve = (id) => send(`/v1/allow-list/${encodeURIComponent(id)}/approve`);
export const revoke = (id, reason) => send(`/v1/allow-list/${encodeURIComponent(id)}/revoke`, { reason });
