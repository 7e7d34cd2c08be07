// The dispatch desk: what the 911 centre hears by radio is told here for a unit, and calls that
// nobody was sent to are given away.

import { button, post, uuid7 } from "./acts.js";
import { Rows, attribute, element, set } from "./dom.js";
import { at, isOver, linksOf, live, row, settings, stateWords, to } from "./page.js";
import { age, unitRows } from "./state.js";

const WAITING_MS = 5_000;
let desk = null;
let units = [];

// --- acts ---

// A button that sends what `make` gives. As long as nobody knows whether it arrived, pressing again
// sends the very same, which is done once.
function once(label, address, make, attributes) {
  let pending = null;
  return button(
    label,
    async () => {
      pending ??= make();
      const done = await post(address, pending);
      if (!done.unsure) pending = null;
      return done;
    },
    attributes,
  );
}

// Something that was heard of a unit, as a fact of its call: it happened when the button was pressed.
function tell(call, event, label, more = () => ({}), attributes = {}) {
  const revision = () => desk.feed.documents.assignments.get(call)?.call_revision;
  return once(
    label,
    to(settings.facts, call),
    () => ({
      id: uuid7(),
      event,
      at: new Date(desk.now()).toISOString(),
      data: { call_revision: revision(), ...more() },
    }),
    attributes,
  );
}

function choice(label, options) {
  const select = element("select", { "aria-label": label });
  select.append(element("option", { value: "" }, `${label} ...`));
  for (const [value, text] of options) select.append(element("option", { value }, text));
  return select;
}

// Units that can be sent: kept up while the page is open, without losing what is chosen.
function unitChoice(except) {
  const select = element("select", { "aria-label": "Unit", "data-units": except ?? "" });
  fillUnits(select);
  return select;
}

function fillUnits(select) {
  const free = units.filter((one) => one.crew.length && one.id !== select.dataset.units);
  const wanted = free.map((one) => `${one.id} ${one.sign} ${one.state}`).join();
  if (select.dataset.filled === wanted) return;
  select.dataset.filled = wanted;
  const chosen = select.value;
  select.replaceChildren(
    element("option", { value: "" }, "Unit ..."),
    ...free.map((one) =>
      element("option", { value: one.id }, `${one.sign}: ${stateWords[one.state] ?? one.state}`),
    ),
  );
  select.value = chosen;
}

function reasonField(label) {
  return element("input", { type: "text", maxlength: "2000", placeholder: label, "aria-label": label });
}

function more(label, ...children) {
  return element("details", {}, element("summary", {}, label), element("div", { class: "form" }, ...children));
}

function actsOf(item) {
  const call = item.assignment;
  if (!call) return [];
  const disposition = choice("Disposition", Object.entries(settings.dispositions));
  const other = unitChoice(item.id);
  const why = reasonField("Reason");
  const off = reasonField("Reason");
  return [
    tell(call, "acknowledged", "Acknowledge", undefined, { class: "default awaited" }),
    tell(call, "en_route", "En route"),
    tell(call, "on_scene", "On scene"),
    tell(call, "check_in", "All well", undefined, { class: "asked" }),
    tell(call, "emergency", "Emergency", undefined, { class: "alarm" }),
    more(
      "Clear", disposition,
      tell(call, "cleared", "Clear", () => ({ disposition: disposition.value })),
    ),
    more(
      "Give to another unit", other, why,
      once("Give", to(settings.reassign, call), () => ({ unit: other.value, reason: why.value })),
    ),
    more(
      "Call off", off,
      once("Call off", to(settings.cancel, call), () => ({ reason: off.value })),
    ),
    ...linksOf(call),
  ];
}

// --- rows ---

const unitTable = new Rows(
  at("unit-rows"),
  row(
    "tr", "td",
    { sign: "Unit", state: "State", since: "For", crew: "Crew", place: "Place", call: "Call" },
    (cells, item, node) => {
      attribute(node, "class", `unit ${item.state}${item.help || item.missed ? " help" : ""}`);
      set(cells.sign, item.sign);
      const state = stateWords[item.state] ?? item.state;
      set(
        cells.state,
        [
          item.help ? "CALLS FOR HELP" : "",
          item.missed ? "HAS NOT CHECKED IN" : "",
          state,
          item.awaited ? "not acknowledged" : "",
        ].filter(Boolean).join(", "),
      );
      set(cells.since, item.since === null ? "" : age(desk.now() - item.since));
      set(cells.crew, item.crew.join(", "));
      set(cells.place, item.place);
      set(cells.call, [item.call, item.type].filter(Boolean).join(", "));
    },
    {
      key: (item) => item.assignment,
      make: actsOf,
      keep: (item, cell) => {
        for (const one of cell.querySelectorAll(".awaited")) one.hidden = !item.awaited;
        for (const one of cell.querySelectorAll(".asked")) one.hidden = item.checkIn === null;
      },
    },
  ),
);

const waitingTable = new Rows(
  at("waiting-rows"),
  row(
    "tr", "td",
    { call: "Call", type: "Type", priority: "Priority", beat: "Beat", since: "Waits" },
    (cells, item) => {
      if (!cells.call.firstChild) cells.call.append(element("a", { href: item.address }, item.call));
      set(cells.type, item.type);
      set(cells.priority, item.priority);
      set(cells.beat, item.beat);
      set(cells.since, age(desk.now() - Date.parse(item.occurred_at)));
    },
    {
      key: (item) => item.id,
      make: (item) => {
        const unit = unitChoice(null);
        return [
          unit,
          once("Assign", to(settings.assign, item.id), () => ({ unit: unit.value }), {
            "aria-label": `Assign ${item.call}`,
          }),
        ];
      },
    },
  ),
);

// --- the whole ---

let waiting = [];

function show(from) {
  desk = from;
  units = unitRows(desk.feed.all("units"), desk.feed.all("assignments"), desk.feed.all("alerts"));
  unitTable.show(units);
  if (isOver(desk.state)) waiting = [];
  waitingTable.show(waiting);
  at("no-units").hidden = units.length > 0;
  at("no-waiting").hidden = waiting.length > 0;
  at("waiting-table").hidden = !waiting.length;
  for (const select of document.querySelectorAll("select[data-units]")) fillUnits(select);
}

async function refreshWaiting() {
  if (desk && isOver(desk.state)) return;
  try {
    const answer = await fetch(settings.waiting, { redirect: "manual" });
    if (answer.ok) waiting = (await answer.json()).calls;
    if (desk) show(desk);
  } catch {
    // The page says itself that there is no connection.
  }
  setTimeout(refreshWaiting, WAITING_MS);
}

live({ show });
refreshWaiting();
