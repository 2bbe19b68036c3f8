// A source by its address: the same viewer, in a window of its own.

import { key } from "./api.js";
import { login } from "./login.js";
import { showSource } from "./viewer.js";
import { startLanguage } from "./words.js";

const node = document.getElementById("viewer");
const [, , id, version] = location.pathname.split("/").map(decodeURIComponent);
const query = new URLSearchParams(location.search);
const number = (name) => Math.max(0, Number.parseInt(query.get(name) ?? "0", 10) || 0);

const door = login({
  form: document.getElementById("login-form"),
  input: document.getElementById("key"),
  error: document.getElementById("login-error"),
  screen: document.getElementById("login"),
  onIn: async () => {
    node.hidden = false;
    const found = await showSource(node, { id, version, start: number("start"), end: number("end"), of: query.get("of"), asOf: query.get("as_of") }, {
      heading: "h1",
      onError: () => {
        key.forget();
        node.hidden = true;
        door.show("keyEnded");
      },
    });
    if (found) document.title = `${found.title} · Beleg`;
  },
});

startLanguage();
door.start();
