/** Logging in, by name and password or by a link that is good once (`#link=…`: what stands there is sent to nobody). */

import { ask } from "./server.js";
import { loadTexts, t } from "./texts.js";

const by = (id) => document.getElementById(id);
const kept = new URLSearchParams(location.hash.slice(1));
const link = kept.get("link");

function say(text) {
  by("said").hidden = false;
  by("said").textContent = text;
}

async function enter(proof) {
  try {
    const headers = { "Content-Type": "application/json" };
    await ask("/api/v1/session", { method: "POST", headers, body: JSON.stringify(proof) });
  } catch (error) {
    say(
      error.status
        ? error.message
          ? [error.message, error.hint].filter(Boolean).join(" ")
          : t("login.refused")
        : t("login.gone"),
    );
    by("password").select();
    return;
  }
  location.replace(link ? "/" : `/${location.hash}`);
}

await loadTexts();
document.title = t("login");
by("login").addEventListener("submit", (event) => {
  event.preventDefault();
  enter({ name: by("name").value, password: by("password").value });
});
if (link) {
  history.replaceState(null, "", "/login");
  say(t("login.link"));
  enter({ link });
}
