// What a person does on the page: a request to the API, in their session.

import { element } from "./dom.js";

// `{ok, text, unsure}`: whether it was done, and if not what to tell; `unsure`: nobody knows whether
// it was, so the same may be sent again.
export async function post(address, body) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body ?? {}),
      redirect: "manual",
    });
    if (answer.ok) return { ok: true, text: "", unsure: false };
    const problem = await answer.json().catch(() => ({}));
    const details = (problem.errors ?? []).map((one) => one.detail);
    const text = [problem.detail ?? problem.title, ...details].filter(Boolean).join(" ");
    return { ok: false, text: text || "It was not done.", unsure: answer.status >= 500 };
  } catch {
    return { ok: false, text: "No connection. Press again: it is done once.", unsure: true };
  }
}

// A button that does something once at a time, and says beside it what went wrong.
export function button(label, act, attributes = {}) {
  const told = element("span", { class: "told", role: "status" });
  const pressed = element("button", { type: "button", ...attributes }, label);
  pressed.addEventListener("click", async () => {
    if (pressed.getAttribute("aria-disabled") === "true") return;
    pressed.setAttribute("aria-disabled", "true");
    told.textContent = "";
    const done = await act();
    pressed.removeAttribute("aria-disabled");
    told.textContent = done.text;
  });
  return element("span", { class: "act" }, pressed, told);
}

// A UUIDv7: what is sent under it twice is done once. `crypto.randomUUID` is there on secure pages
// alone, and makes another kind.
export function uuid7(now = Date.now()) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const text = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
