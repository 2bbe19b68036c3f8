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

export const publish = async (zone) => (await call(`${address(zone)}/publish`, { method: "POST" })).json();

export async function judge(verdict) {
  const reply = await call("/v1/reviews", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(verdict),
  });
  return reply.json();
}
