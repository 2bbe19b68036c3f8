// The platform's API as the page uses it. The key lives in sessionStorage and travels in a header only.

const STORED = "beleg.key";

export const key = {
  read: () => sessionStorage.getItem(STORED),
  keep: (value) => sessionStorage.setItem(STORED, value),
  forget: () => sessionStorage.removeItem(STORED),
};

export class ApiError extends Error {
  constructor({ status = 0, code = "network", message = "", after = null, request = "" }) {
    super(message);
    Object.assign(this, { status, code, after, request });
  }
}

export async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, {
      ...options,
      headers: { Authorization: `Bearer ${key.read() ?? ""}`, ...options.headers },
      credentials: "omit",
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({});
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new ApiError({
    status: response.status,
    code: told.error?.code ?? told.code ?? "",
    message: told.error?.message ?? told.detail ?? response.statusText,
    after: response.headers.get("retry-after"),
    request: response.headers.get("x-request-id") ?? "",
  });
}

/** What the key may use, and whether the console is for it. */
export async function account() {
  const told = await (await call("/v1/models")).json();
  return { useCases: told.data, mayLook: Boolean(told.beleg?.may_look) };
}

/** `asOf`: opens what was valid then, for the citations of an answer as of an earlier day. `of`: digest of the passage, by
 * which the server knows the reading that it stands in. */
export async function source(id, version, { start = 0, end = 0, of = "", asOf = "" } = {}) {
  const query = new URLSearchParams({ start, end, ...(of && { of }), ...(asOf && { as_of: asOf }) });
  const path = `/v1/sources/${encodeURIComponent(id)}/${encodeURIComponent(version)}?${query}`;
  return (await call(path)).json();
}

export async function pagePicture(id, version, page, asOf = "") {
  const then = asOf ? `?as_of=${encodeURIComponent(asOf)}` : "";
  const path = `/v1/sources/${encodeURIComponent(id)}/${encodeURIComponent(version)}/page/${page}.png${then}`;
  return URL.createObjectURL(await (await call(path)).blob());
}

/** Chunks of an answer as they come, from the documents of a day if `asOf` names one. An error event in mid-stream is
 * thrown like any other error. */
export async function* ask(model, messages, asOf, signal) {
  const response = await call("/v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true, ...(asOf && { beleg: { as_of: asOf } }) }),
    signal,
  });
  const request = response.headers.get("x-request-id") ?? "";
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiError({ status: 500, ...chunk.error, request });
    yield chunk;
  }
  throw new ApiError({ request }); // the line went dead before [DONE]
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new ApiError({});
      });
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        for (const line of part.split("\n")) if (line.startsWith("data: ")) yield line.slice(6);
      }
    }
  } finally {
    reader.cancel().catch(() => undefined); // already closed is as good as closed
  }
}
