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
const kept = document.cookie.match(/(?:^|; )time_zone="?([^;"]*)/)?.[1];

// As the server writes it: "CET", or "UTC+05:30" where a zone has no letters of its own.
const abbreviation = (date, timeZone) => {
  const named = (locale, timeZoneName) =>
    new Intl.DateTimeFormat(locale, { timeZone, timeZoneName })
      .formatToParts(date)
      .find(({ type }) => type === "timeZoneName").value;
  const letters = ["en-US", "en-GB", "en-AU", "en-IN", "en-NZ", "en-ZA"]
    .map((locale) => named(locale, "short"))
    .find((name) => /^[A-Z]+$/.test(name));
  return letters ?? named("en-US", "longOffset").replace("GMT", "UTC").replace("-", "\u2212");
};

const writeTimes = (timeZone) => {
  const written = new Intl.DateTimeFormat("en-US", {
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    const parts = written.formatToParts(date).map(({ type, value }) => [type, value]);
    const { weekday, day, month, year, hour, minute } = Object.fromEntries(parts);
    const zone = abbreviation(date, timeZone);
    time.textContent = `${weekday} ${day} ${month} ${year}, ${hour}:${minute} ${zone}`;
  }
};

// A guest's first page comes in the site's zone. Its times move to the device's at once, and a
// cookie lets the server write the next page; what it knows already, it has chosen or been told.
const zoneOfPage = (shown) => {
  const { zone, guest } = shown.dataset;
  if (guest === undefined || !own || kept === zone) return zone;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `time_zone=${own}; path=/; samesite=lax${secure}`;
  if (own === zone) return zone;
  if (document.querySelector("[data-in-zone]")) {
    // What was found depends on the zone: another page. Without cookies it stays as it is.
    if (kept !== own && document.cookie.includes(`time_zone=${own}`)) location.reload();
    return zone;
  }
  writeTimes(own);
  const sentence = shown.querySelector("[data-zone-shown]");
  sentence.textContent = sentence.textContent.replace(zone, own);
  return own;
};

for (const shown of document.querySelectorAll("[data-zone]")) {
  if (!own || zoneOfPage(shown) === own) continue;
  shown.querySelector("[data-own-zone]").textContent = own;
  for (const hint of shown.querySelectorAll("[data-zone-hint]")) hint.hidden = false;
}
// Until a zone is kept, the server can only write the site's.
for (const field of document.querySelectorAll("[data-guess-zone]")) {
  if (own && kept === undefined) field.value = own;
}
for (const field of document.querySelectorAll("input[list]")) {
  // The list shows what goes with the text: typing replaces it.
  field.addEventListener("focus", () => field.select());
}

// Filters act when chosen; the reader goes on where they were.
for (const form of document.querySelectorAll("form[data-acts]")) {
  form.addEventListener("change", ({ target }) => {
    if (target.type === "search") return;
    sessionStorage.setItem("chosen", target.id);
    form.requestSubmit();
  });
  const chosen = document.getElementById(sessionStorage.getItem("chosen") ?? "");
  sessionStorage.removeItem("chosen");
  if (!chosen || !form.contains(chosen)) continue;
  const fold = chosen.closest("details");
  if (fold) fold.open = true;
  chosen.focus();
}

// What a link leads to unfolds beneath it, once it is asked for.
for (const link of document.querySelectorAll("a[data-unfolds]")) {
  const fold = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(...link.childNodes);
  fold.className = link.parentElement.className;
  fold.append(summary);
  const show = async () => {
    try {
      const answer = await fetch(link.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      fold.append(document.adoptNode(page.querySelector(link.dataset.unfolds)));
    } catch {
      location.assign(link.href);
    }
  };
  fold.addEventListener("toggle", show, { once: true });
  link.parentElement.replaceWith(fold);
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
