// Everything works without this file; it only spares a second click and names the reader's own zone.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    button.setAttribute("aria-disabled", "true");
  }
});

// The back button brings a page back as it was left.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// One open menu at most, and Escape or a click beside it closes it.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
};
document.addEventListener("click", ({ target }) => closeMenus(target.closest("details.menu")));
document.addEventListener("keydown", ({ key, target }) => {
  if (key !== "Escape") return;
  target.closest?.("details.menu[open]")?.querySelector("summary").focus();
  closeMenus();
});

for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy).textContent;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
}

const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const hint of document.querySelectorAll("[data-zone]")) {
  if (!own || own === hint.dataset.zone) continue;
  hint.querySelector("[data-own-zone]").textContent = own;
  hint.hidden = false;
}
for (const field of document.querySelectorAll("select[data-guess-zone]")) {
  const listed = [...field.options].some((option) => option.value === own);
  if (listed && field.value === "UTC") field.value = own;
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
