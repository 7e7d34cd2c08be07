// What the live pages share: settings, words, rows, what must be answered, and how old it all is.

import { button, post } from "./acts.js";
import { Rows, attribute, element, set } from "./dom.js";
import { Desk } from "./socket.js";
import { Sound } from "./sound.js";
import {
  MOST_ALERTS, age, checkIns, countdown, numbers, openAlerts, signalText, tapText,
} from "./state.js";

export const settings = JSON.parse(document.getElementById("board-settings").textContent);
export const at = (id) => document.getElementById(id);
const words = settings.words;
const clock = new Intl.DateTimeFormat("en-GB", {
  timeZone: settings.time_zone, hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const clockOf = (ms) => clock.format(ms);
const minute = new Intl.DateTimeFormat("en-GB", {
  timeZone: settings.time_zone, hour: "2-digit", minute: "2-digit",
});
const day = new Intl.DateTimeFormat("en-GB", {
  timeZone: settings.time_zone, weekday: "short", day: "numeric", month: "short",
});
// The day is said where it is not today.
const momentOf = (ms) => {
  const today = day.format(ms) === day.format(desk.now());
  return today ? minute.format(ms) : `${day.format(ms)} ${minute.format(ms)}`;
};
export const to = (address, id) => address.replace(settings.id, id);
export const stateWords = {
  ...words.states, available: "Available", no_crew: "No crew", out_of_service: "Out of service",
};

const STALE = {
  starting: "",
  live: "",
  stale: "No connection to the server. What is shown here may be out of date. Trying again.",
  "signed-out": "You are signed out, so nothing is shown here.",
  forbidden: "This account has no board.",
  "old-page": "The server is newer than this page. What is shown here is out of date.",
};

// Whether nobody is there any more to whom something may be shown.
export function isOver(state) {
  return state === "signed-out" || state === "forbidden";
}

// --- rows ---

let desk = null;
const cried = new Set();

export function link(address, text) {
  return element("a", { href: address }, text);
}

export function linksOf(assignment) {
  const found = [link(to(settings.assignment, assignment), "assignment")];
  if (settings.story) found.push(link(to(settings.story, assignment), "story"));
  return found;
}

// A row of cells by name; `fill(cells, item)` writes into them. `acts.make(item)` gives what
// can be done, anew when `acts.key(item)` is another; `acts.keep(item, cell)` keeps it up.
export function row(tag, cellTag, names, fill, acts) {
  return (item) => {
    const cells = Object.fromEntries(
      Object.entries(names).map(([name, label]) => [
        name, element(cellTag, { class: name, "data-label": label }),
      ]),
    );
    const last = element(cellTag, { class: "acts" });
    const node = element(tag, { "data-id": item.id }, ...Object.values(cells), last);
    let acted = null;
    return {
      node,
      update(now) {
        fill(cells, now, node);
        const wanted = acts.key(now);
        if (wanted !== acted) {
          acted = wanted;
          last.replaceChildren(...acts.make(now));
        }
        acts.keep?.(now, last);
      },
    };
  };
}

const urgentRows = new Rows(
  at("urgent-rows"),
  row(
    "li", "span", { what: "", signal: "", tapped: "", unit: "", place: "", note: "", since: "" },
    (cells, item, node) => {
      attribute(node, "class", item.urgent ? `alert urgent ${item.kind}` : `alert ${item.kind}`);
      set(cells.what, words.alerts[item.kind] ?? item.kind);
      // Whether they cannot answer or did not: before everything else.
      set(cells.signal, item.kind === "check_in" ? signalText(item.signal, clockOf) : "");
      set(cells.tapped, tapText(item, momentOf));
      set(cells.unit, [item.unit, item.who].filter(Boolean).join(", "));
      set(cells.place, item.place);
      set(cells.note, noteOf(item));
      set(cells.since, `for ${age(desk.now() - item.since)}`);
    },
    {
      key: (item) => item.id,
      make: (item) => [
        button("Acknowledge", () => post(to(settings.acknowledge, item.id)), {
          class: "default",
          "aria-label": `Acknowledge: ${words.alerts[item.kind] ?? item.kind} ${item.unit}`,
        }),
        ...(item.kind === "harm" ? [link(settings.support, "peer support")] : []),
        ...(item.assignment ? linksOf(item.assignment) : [link(to(settings.alert, item.id), "alert")]),
      ],
    },
  ),
);

function noteOf(item) {
  const cautions = item.cautions.length ? `Caution: ${item.cautions.join("; ")}` : "";
  const reports = item.counted?.reports ? `${item.counted.reports} reports` : "";
  return [item.note, reports, cautions].filter(Boolean).join(". ");
}

const checkInRows = new Rows(
  at("check-in-rows"),
  row(
    "li", "span", { unit: "", place: "", due: "" },
    (cells, item, node) => {
      attribute(node, "class", item.due < desk.now() ? "alert overdue" : "alert soon");
      set(cells.unit, item.unit);
      set(cells.place, item.place);
      const left = countdown(item.due, desk.now());
      set(cells.due, left.startsWith("overdue") ? `check-in ${left}` : `check-in due in ${left}`);
    },
    { key: (item) => item.id, make: (item) => linksOf(item.id) },
  ),
);

const numberRows = new Rows(
  at("number-rows"),
  row(
    "li", "span", { what: "", unit: "", place: "", since: "" },
    (cells, item, node) => {
      attribute(node, "class", "alert number");
      const what = item.toConfirm ? "waits to be confirmed" : "CAD has told nothing of it";
      set(cells.what, `CAD number ${item.number}: ${what}`);
      set(cells.unit, [item.unit, item.by].filter(Boolean).join(", "));
      set(cells.place, item.place);
      set(cells.since, `for ${age(desk.now() - item.since)}`);
    },
    {
      key: (item) => item.toConfirm,
      make: (item) => [
        link(
          to(settings.assignment, item.id),
          item.toConfirm ? "confirm or refuse it" : "take it back",
        ),
      ],
    },
  ),
);

// --- the whole ---

// Begins the page: `show(desk)` is called after each change, and each second, for what counts on.
export function live({ show, changed = () => {} }) {
  const sound = new Sound(at("sound"), at("sound-told"));
  const again = () => {
    if (desk.heardAt !== null) set(at("as-of"), clockOf(desk.heardAt));
    showUrgent(sound);
    showNumbers();
    show(desk);
  };
  desk = new Desk(settings, {
    onChange() {
      again();
      changed(desk);
    },
    onState: state,
  });
  state("starting");
  desk.start();
  setInterval(again, 1000);
}

function showUrgent(sound) {
  const alerts = openAlerts(desk.feed.all("alerts"));
  const due = checkIns(desk.feed.all("assignments"), desk.now());
  urgentRows.show(alerts.slice(0, MOST_ALERTS));
  const more = alerts.length - MOST_ALERTS;
  at("more-alerts").hidden = more <= 0;
  set(at("more-alerts-count"), String(more));
  checkInRows.show(due);
  at("urgent").hidden = !alerts.length && !due.length;
  const urgent = alerts.filter((one) => one.urgent);
  sound.urge(urgent.map((one) => one.id));
  cry(urgent);
}

function showNumbers() {
  const found = numbers(desk.feed.all("assignments"));
  numberRows.show(found);
  at("numbers").hidden = !found.length;
}

// Said once, at once, to whoever listens to the page instead of looking at it.
function cry(urgent) {
  const fresh = urgent.filter((one) => !cried.has(one.id));
  for (const one of fresh) cried.add(one.id);
  if (!fresh.length) return;
  const said = fresh.map((one) => [
    words.alerts[one.kind] ?? one.kind, tapText(one, momentOf), one.unit, one.place,
  ]);
  set(at("cried"), said.map((parts) => parts.filter(Boolean).join(", ")).join(". "));
}

function state(found) {
  at("board").dataset.state = found;
  set(at("stale-text"), STALE[found]);
  at("stale").hidden = !STALE[found];
  at("sign-in").hidden = found !== "signed-out";
  at("reload").hidden = found !== "old-page";
  if (isOver(found)) set(at("cried"), "");
}
