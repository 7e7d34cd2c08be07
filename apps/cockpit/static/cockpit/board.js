// The live board of the home page: who is where, who has not answered, what is owed.

import { Rows, attribute, element, set } from "./dom.js";
import { AreaMap } from "./map.js";
import { at, isOver, link, linksOf, live, row, settings, stateWords, to } from "./page.js";
import { age, awaiting, countdown, places, unitRows } from "./state.js";

const TILES_MS = 15_000;
const words = settings.words;
let desk = null;

const awaitingRows = new Rows(
  at("awaiting-rows"),
  row(
    "tr", "td",
    { unit: "Unit", call: "Call", place: "Place", since: "Waits", next: "Next alarm" },
    (cells, item, node) => {
      attribute(node, "class", item.level ? "raised" : null);
      set(cells.unit, item.unit);
      set(cells.call, [item.call, item.type].filter(Boolean).join(", "));
      set(cells.place, item.place);
      set(cells.since, age(desk.now() - item.since));
      const whom = words.levels[item.level];
      set(
        cells.next,
        item.due === null
          ? `all alarms are raised: ${words.levels[item.level - 1] ?? ""}`
          : `${whom ?? ""} in ${countdown(item.due, desk.now())}`,
      );
    },
    { key: (item) => item.id, make: (item) => linksOf(item.id) },
  ),
);

const unitTable = new Rows(
  at("unit-rows"),
  row(
    "tr", "td",
    { sign: "Unit", state: "State", since: "For", crew: "Crew", place: "Place", call: "Call", check: "Check-in" },
    (cells, item, node) => {
      attribute(node, "class", `unit ${item.state}${item.help || item.missed ? " help" : ""}`);
      set(cells.sign, item.sign);
      set(
        cells.state,
        [
          item.help ? "CALLS FOR HELP" : "",
          item.missed ? "HAS NOT CHECKED IN" : "",
          stateWords[item.state] ?? item.state,
          item.awaited ? "not acknowledged" : "",
        ].filter(Boolean).join(", "),
      );
      set(cells.since, item.since === null ? "" : age(desk.now() - item.since));
      set(cells.crew, item.crew.join(", "));
      set(cells.place, item.place);
      const more = item.calls > 1 ? `, and ${item.calls - 1} more` : "";
      set(cells.call, [item.call, item.type].filter(Boolean).join(", ") + more);
      set(cells.check, item.checkIn === null ? "" : countdown(item.checkIn, desk.now()));
    },
    {
      key: (item) => item.assignment ?? "",
      make: (item) =>
        item.assignment ? linksOf(item.assignment) : [link(to(settings.unit, item.id), "unit")],
    },
  ),
);

const placeList = new Rows(
  at("place-rows"),
  (first) => {
    const go = element("button", { type: "button", onclick: () => area?.open(first.id) });
    const node = element("li", {}, go);
    return {
      node,
      update: (item) => set(go, [item.name, item.place].filter(Boolean).join(": ")),
    };
  },
);

// --- the whole ---

let area = null;

function show(from) {
  desk = from;
  const assignments = desk.feed.all("assignments");
  const alerts = desk.feed.all("alerts");
  const units = unitRows(desk.feed.all("units"), assignments, alerts);
  const waiting = awaiting(assignments);
  const marks = places(units, assignments, alerts);
  awaitingRows.show(waiting);
  unitTable.show(units);
  placeList.show(marks);
  area?.show(marks, popup);
  at("no-awaiting").hidden = waiting.length > 0;
  at("awaiting-table").hidden = !waiting.length;
  at("no-units").hidden = units.length > 0;
}

function popup(place) {
  const name = element("p", {}, [place.name, place.place].filter(Boolean).join(": "));
  return element("div", {}, name, ...(place.assignment ? linksOf(place.assignment) : []));
}

// --- what is counted in the database ---

let asked = null;
let alertsShown = "";

async function refreshTiles() {
  clearTimeout(asked);
  const holder = at("tiles");
  if (!holder) return;
  if (desk && isOver(desk.state)) return holder.replaceChildren();
  asked = setTimeout(refreshTiles, TILES_MS);
  try {
    const answer = await fetch(holder.dataset.address, { redirect: "manual" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (desk && isOver(desk.state)) return; // it was asked for before the end
    const focused = holder.contains(document.activeElement) ? document.activeElement.id : "";
    holder.replaceChildren(...page.body.childNodes);
    if (focused) at(focused)?.focus(); // nobody's focus is taken away
  } catch {
    // The board says itself that there is no connection.
  }
}

// An alert that came or went has changed what is owed.
function alertsChanged() {
  const alerts = desk.feed.all("alerts").map((one) => `${one.id} ${one.rev}`);
  const now = [isOver(desk.state), ...alerts.sort()].join();
  if (now === alertsShown) return;
  alertsShown = now;
  refreshTiles();
}

live({ show, changed: alertsChanged });
refreshTiles();

if (at("map")) {
  area = new AreaMap(at("map"));
  fetch(settings.area)
    .then((answer) => answer.json())
    .then((found) => {
      area.outline(found.outlines);
      set(at("map-sources"), found.sources.map((one) => `Beats: ${one}.`).join(" "));
    })
    .catch(() => {}); // the list beside the map says where everything is
}
