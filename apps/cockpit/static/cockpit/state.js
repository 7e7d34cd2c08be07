// From documents to what a board shows. Pure: everything comes in, nothing is remembered.

// What somebody must answer at once, the worst first. Others are told of, and can wait.
export const URGENT = ["emergency", "assist", "scene_unsafe", "check_in", "harm"];
// Of these the unit itself calls. It did not where it was missed, or told of harm afterwards.
const HELP = new Set(["emergency", "assist", "scene_unsafe"]);
// More alerts than these are in their list: what is on the scene stays in sight below them.
export const MOST_ALERTS = 30;
// What was tapped so long before it came is said to be so, also by a clock in doubt.
const LATE_MS = 60_000;
// A check-in that is due this soon is shown on top.
export const SOON_MS = 120_000;

const time = (text) => (text ? Date.parse(text) : null);
const newest = (a, b) => time(b.given?.at) - time(a.given?.at) || (a.id < b.id ? 1 : -1);

// Alerts that wait for an answer: the urgent ones first, then by age.
export function openAlerts(alerts) {
  const rank = (one) => {
    const found = URGENT.indexOf(one.kind);
    return found < 0 ? URGENT.length : found;
  };
  return alerts
    .filter((one) => one.state === "open")
    .map((one) => ({
      id: one.id,
      kind: one.kind,
      urgent: URGENT.includes(one.kind),
      help: HELP.has(one.kind),
      level: one.level,
      unit: one.unit ?? "",
      who: one.author_name ?? "",
      note: one.note ?? "",
      place: placeOf(one),
      signal: one.signal ?? null,
      counted: one.counted ?? null,
      cautions: (one.cautions ?? []).map((caution) => caution.text),
      since: time(one.raised_at),
      tapped: time(one.tapped_at),
      late: one.late_s ?? null,
      assignment: one.assignment_id ?? null,
    }))
    .sort((a, b) => rank(a) - rank(b) || a.since - b.since);
}

// Calls whose acknowledgement is awaited, the next to rise first.
export function awaiting(assignments) {
  return assignments
    .filter((one) => one.state !== "closed" && one.alarm)
    .map((one) => ({
      id: one.id,
      unit: one.unit?.call_sign ?? "",
      call: callOf(one),
      type: typeOf(one),
      place: placeOf(one),
      since: time(one.alarm.awaited_since),
      level: one.alarm.level,
      due: time(one.alarm.due_at), // null: the last level is raised
    }))
    .sort((a, b) => (a.due ?? Infinity) - (b.due ?? Infinity) || a.since - b.since);
}

// Check-ins that are overdue, or due soon.
export function checkIns(assignments, now) {
  return assignments
    .filter((one) => one.state !== "closed" && one.check_in?.due_at)
    .map((one) => ({
      id: one.id,
      unit: one.unit?.call_sign ?? "",
      place: placeOf(one),
      due: time(one.check_in.due_at),
      last: time(one.check_in.last_at),
      level: one.check_in.level,
    }))
    .filter((one) => one.due - now <= SOON_MS || one.level > 0)
    .sort((a, b) => a.due - b.due);
}

// CAD numbers that are not settled, the oldest first: those that a desk is to confirm, of closed calls
// too, and those of which CAD has told nothing.
export function numbers(assignments) {
  return assignments
    .filter((one) => one.waiting_number && (one.state !== "closed" || waits(one)))
    .map((one) => ({
      id: one.id,
      number: one.waiting_number.number,
      toConfirm: waits(one),
      by: one.waiting_number.by,
      unit: one.unit?.call_sign ?? "",
      place: placeOf(one),
      since: time(one.waiting_number.at) ?? time(one.given?.at),
    }))
    .sort((a, b) => a.since - b.since);
}

function waits(one) {
  return one.waiting_number?.why === "to_confirm";
}

// Each unit with what it does. `state` is one of an assignment's, or "available", "no_crew",
// "out_of_service"; `since` in milliseconds, null where nobody knows.
export function unitRows(units, assignments, alerts) {
  const calls = grouped(assignments, (one) => one.unit?.id);
  const open = openAlerts(alerts);
  const of = (found) => new Set(open.filter(found).map((one) => one.unit));
  const crying = { help: of((one) => one.help), missed: of((one) => one.kind === "check_in") };
  return units
    .map((unit) => unitRow(unit, calls.get(unit.id) ?? [], alerts, crying))
    .filter((row) => row.state !== "out_of_service" || row.crew.length)
    .sort((a, b) => a.rank - b.rank || a.sign.localeCompare(b.sign, "en", { numeric: true }));
}

function unitRow(unit, its, alerts, crying) {
  const open = its.filter((one) => one.state !== "closed").sort(newest);
  const call = open[0] ?? null;
  const crew = unit.crew ?? [];
  const row = {
    id: unit.id,
    sign: unit.call_sign ?? "",
    team: unit.team ?? "",
    crew: crew.map((member) => member.name),
    calls: open.length,
    help: crying.help.has(unit.call_sign),
    missed: crying.missed.has(unit.call_sign),
    ...(call ? onCall(call) : idle(unit, crew, its, alerts)),
  };
  return { ...row, rank: rankOf(row) };
}

function onCall(call) {
  return {
    state: call.state,
    since: time(call.times?.[call.state]?.at) ?? time(call.given?.at),
    place: placeOf(call),
    at: pointOf(call.location),
    assignment: call.id,
    call: callOf(call),
    type: typeOf(call),
    awaited: call.alarm != null,
    checkIn: time(call.check_in?.due_at),
  };
}

function idle(unit, crew, its, alerts) {
  const state = !unit.in_service ? "out_of_service" : crew.length ? "available" : "no_crew";
  const told = alerts
    .filter((one) => one.unit === unit.call_sign && pointOf(one.position))
    .sort((a, b) => time(b.raised_at) - time(a.raised_at))[0];
  const began = crew.map((member) => time(member.since));
  const cleared = its.map((one) => time(one.closed_at));
  const since = state === "available" ? Math.max(Math.min(...began), ...cleared) : null;
  return {
    state,
    since,
    place: told ? pointText(told.position) : "",
    at: told ? pointOf(told.position) : null,
    assignment: null,
    call: "",
    type: "",
    awaited: false,
    checkIn: null,
  };
}

function rankOf(row) {
  if (row.help || row.missed) return 0;
  if (row.awaited) return 1;
  if (row.assignment) return 2;
  return { available: 3, no_crew: 4, out_of_service: 5 }[row.state];
}

// What is drawn on the map: calls and units that have a place. `shape` and `letter` say what it is
// without a colour.
export function places(rows, assignments, alerts) {
  const crying = new Map(
    openAlerts(alerts)
      .filter((one) => one.assignment && (one.help || one.kind === "check_in"))
      .map((one) => [one.assignment, one]),
  );
  const calls = assignments
    .filter((one) => one.state !== "closed" && pointOf(one.location))
    .map((one) => ({
      id: `call-${one.id}`,
      kind: crying.has(one.id) ? "help" : "call",
      letter: crying.has(one.id) ? "!" : "C",
      at: pointOf(one.location),
      name: `${callOf(one)}, ${typeOf(one)}`,
      place: placeOf(one),
      assignment: one.id,
    }));
  const units = rows
    .filter((row) => row.at)
    .map((row) => ({
      id: `unit-${row.id}`,
      kind: "unit",
      letter: "U",
      at: row.at,
      name: row.sign,
      place: row.place,
      assignment: row.assignment,
    }));
  return [...calls, ...units];
}

export function callOf(one) {
  if (one.cad_number) return one.cad_number;
  return waits(one) ? `no CAD number (${one.waiting_number.number} to be confirmed)` : "no CAD number";
}

function typeOf(one) {
  return one.call_types?.final || one.call_types?.initial || "";
}

function placeOf(one) {
  const beat = one.beat ? `beat ${one.beat}` : "";
  const address = one.address || pointText(one.position) || pointText(one.location);
  return [address, beat].filter(Boolean).join(", ");
}

function pointOf(where) {
  const lat = where?.lat;
  const lon = where?.lon;
  return Number.isFinite(lat) && Number.isFinite(lon) ? [lat, lon] : null;
}

function pointText(where) {
  const point = pointOf(where);
  return point ? point.map((one) => one.toFixed(5)).join(", ") : "";
}

function grouped(list, key) {
  const found = new Map();
  for (const one of list) {
    const its = found.get(key(one)) ?? [];
    its.push(one);
    found.set(key(one), its);
  }
  return found;
}

// So many milliseconds as a person reads them: "40 s", "12 min", "2 h 05 min".
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

// What is left until an instant: "0:23", or "overdue 1:05" behind it.
export function countdown(due, now) {
  const seconds = Math.ceil((due - now) / 1000);
  const whole = Math.abs(seconds);
  const text = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  return seconds >= 0 ? text : `overdue ${text}`;
}

// When a call for help was tapped, where it did not come at once. It rings like any other: only the
// server, which knows the tablet's clock, calls it late.
export function tapText(alert, momentOf) {
  if (alert.tapped === null) return "";
  const tapped = `tapped ${momentOf(alert.tapped)}`;
  if (alert.late !== null) return `${tapped}, came ${age(alert.late * 1000)} later`;
  return alert.since - alert.tapped >= LATE_MS ? `${tapped} by a clock in doubt` : "";
}

// What a check-in that did not come says of the tablet: lost, or silent.
export function signalText(signal, clockOf) {
  if (!signal) return "did not answer";
  const where = signal.place || pointText(signal.position);
  const since = signal.lost_since ? ` since ${clockOf(Date.parse(signal.lost_since))}` : "";
  return `no signal${since}${where ? ` at ${where}` : ""}`;
}
