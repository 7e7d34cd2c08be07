// From documents to rows.
import assert from "node:assert/strict";
import test from "node:test";

import {
  age, awaiting, checkIns, countdown, numbers, openAlerts, places, signalText, tapText, unitRows,
} from "../../../apps/cockpit/static/cockpit/state.js";

const T = (minute) => `2026-03-04T20:${String(minute).padStart(2, "0")}:00.000Z`;
const ms = (minute) => Date.parse(T(minute));
const unit = (more = {}) => ({
  id: "u1", call_sign: "CARE21", team: "Downtown", in_service: true,
  crew: [{ user_id: "p", name: "A. Rivera", position: 1, since: T(0) }], ...more,
});
const call = (more = {}) => ({
  id: "c1", unit: { id: "u1", call_sign: "CARE21" }, state: "en_route", cad_number: "26000012345",
  address: "3RD AV / PIKE ST", beat: "M3", location: { lat: 47.6, lon: -122.3 },
  call_types: { initial: "WELFARE", final: "" }, given: { at: T(5) },
  times: { assigned: { at: T(5) }, en_route: { at: T(8) } }, alarm: null, check_in: null,
  closed_at: null, ...more,
});
const alert = (more = {}) => ({
  id: "a1", kind: "emergency", state: "open", level: 3, unit: "CARE21", raised_at: T(9),
  author_name: "A. Rivera", note: "", position: null, address: "", cautions: [],
  assignment_id: "c1", ...more,
});

test("a unit's state is that of its newest open call, since the time of that state", () => {
  const older = call({ id: "c0", given: { at: T(1) }, state: "on_scene" });
  const over = call({ id: "c2", given: { at: T(20) }, state: "closed", closed_at: T(21) });
  const [row] = unitRows([unit()], [older, call(), over], []);
  assert.equal(row.state, "en_route");
  assert.equal(row.since, ms(8));
  assert.equal(row.place, "3RD AV / PIKE ST, beat M3");
  assert.deepEqual([row.assignment, row.calls, row.crew], ["c1", 2, ["A. Rivera"]]);
});

test("a state whose time nobody knows counts from when the call was given", () => {
  const [row] = unitRows([unit()], [call({ times: { en_route: { at: null } } })], []);
  assert.equal(row.since, ms(5));
});

test("a unit without a call is available since its crew came or its last call ended", () => {
  assert.equal(unitRows([unit()], [], [])[0].since, ms(0));
  const over = call({ state: "closed", closed_at: T(30) });
  const [row] = unitRows([unit()], [over], []);
  assert.deepEqual([row.state, row.since], ["available", ms(30)]);
});

test("a unit without a crew is not available, one out of service without a crew is not shown", () => {
  assert.equal(unitRows([unit({ crew: [] })], [], [])[0].state, "no_crew");
  assert.deepEqual(unitRows([unit({ crew: [], in_service: false })], [], []), []);
  assert.equal(unitRows([unit({ in_service: false })], [], [])[0].state, "out_of_service");
});

test("without a call its place is where a call for help came from last", () => {
  const was = alert({ state: "acknowledged", assignment_id: null, position: { lat: 47.61, lon: -122.33 } });
  const [row] = unitRows([unit()], [], [was]);
  assert.deepEqual(row.at, [47.61, -122.33]);
});

test("who calls for help stands first, then who has not answered", () => {
  const units = ["u1", "u2", "u3"].map((id, n) => unit({ id, call_sign: `CARE${21 + n}` }));
  const waits = call({ unit: { id: "u2", call_sign: "CARE22" }, alarm: { level: 0 } });
  const rows = unitRows(units, [waits], [alert({ unit: "CARE23" })]);
  assert.deepEqual(rows.map((row) => row.sign), ["CARE23", "CARE22", "CARE21"]);
  assert.ok(rows[0].help && rows[1].awaited);
});

test("who was missed, or came to harm, is not said to call for help", () => {
  const units = ["u1", "u2", "u3"].map((id, n) => unit({ id, call_sign: `CARE${21 + n}` }));
  const harm = alert({ id: "harm", kind: "harm", unit: "CARE21", assignment_id: "a1" });
  const missed = alert({ id: "check", kind: "check_in", unit: "CARE23" });
  const rows = unitRows(units, [], [harm, missed]);
  assert.deepEqual(rows.map((row) => [row.sign, row.help, row.missed]), [
    ["CARE23", false, true], ["CARE21", false, false], ["CARE22", false, false],
  ]);
  assert.equal(places([], [call({ id: "a1" })], [harm])[0].letter, "C");
});

test("open alerts: the worst first, then the oldest; what is answered is gone", () => {
  const found = openAlerts([
    alert({ id: "late", kind: "unacknowledged", raised_at: T(1) }),
    alert({ id: "harm", kind: "harm" }),
    alert({ id: "check", kind: "check_in" }),
    alert({ id: "second", raised_at: T(12) }),
    alert({ id: "first", raised_at: T(11) }),
    alert({ id: "done", state: "acknowledged" }),
    alert({ id: "over", state: "stopped" }),
  ]);
  assert.deepEqual(found.map((one) => one.id), ["first", "second", "check", "harm", "late"]);
  assert.deepEqual(found.map((one) => one.urgent), [true, true, true, true, false]);
});

test("a call for help that came late says when it was tapped, and rings like any other", () => {
  const momentOf = (instant) => new Date(instant).toISOString().slice(11, 16);
  const say = (more) => {
    const [one] = openAlerts([alert({ raised_at: T(50), ...more })]);
    assert.ok(one.urgent && one.help);
    return tapText(one, momentOf);
  };
  assert.equal(say({ tapped_at: T(10), late_s: 2400 }), "tapped 20:10, came 40 min later");
  assert.equal(say({ tapped_at: T(50), late_s: null }), "");
  assert.equal(say({ tapped_at: null, late_s: null }), "");
  assert.equal(say({}), "", "as an older server has it");
  assert.equal(say({ tapped_at: T(10), late_s: null }), "tapped 20:10 by a clock in doubt");
});

test("a late one waits since it came: it stands behind one that came before", () => {
  const late = alert({ id: "late", raised_at: T(50), tapped_at: T(10), late_s: 2400 });
  const found = openAlerts([late, alert({ id: "fresh", raised_at: T(49), tapped_at: T(49) })]);
  assert.deepEqual(found.map((one) => one.id), ["fresh", "late"]);
});

test("what is awaited: the next alarm first, raised to the end last", () => {
  const alarm = (level, due) => ({ level, due_at: due, awaited_since: T(5) });
  const rows = awaiting([
    call({ id: "all", alarm: alarm(3, null) }),
    call({ id: "later", alarm: alarm(0, T(9)) }),
    call({ id: "soon", alarm: alarm(1, T(8)) }),
    call({ id: "answered" }),
    call({ id: "closed", state: "closed", alarm: alarm(0, T(8)) }),
  ]);
  assert.deepEqual(rows.map((row) => row.id), ["soon", "later", "all"]);
});

test("check-ins: those that are due soon, overdue, or alarmed", () => {
  const timer = (due, level = 0) => ({ due_at: due, last_at: null, level });
  const rows = checkIns(
    [
      call({ id: "far", check_in: timer(T(30)) }),
      call({ id: "soon", check_in: timer(T(11)) }),
      call({ id: "over", check_in: timer(T(9)) }),
      call({ id: "none" }),
      call({ id: "closed", state: "closed", check_in: timer(T(9)) }),
    ],
    ms(10),
  );
  assert.deepEqual(rows.map((row) => row.id), ["over", "soon"]);
});

test("a document of an older server, without check-ins, is a row like any", () => {
  const old = call();
  delete old.check_in;
  assert.equal(unitRows([unit()], [old], [])[0].checkIn, null);
});

test("CAD numbers that are not settled: the oldest first, of closed calls those that wait for a desk", () => {
  const number = (why, at = null) => ({ number: "77", why, by: at ? "A. Rivera" : "", at });
  const confirm = number("to_confirm", T(9));
  const rows = numbers([
    call({ id: "none", waiting_number: null }),
    call({ id: "waits", cad_number: null, waiting_number: confirm }),
    call({ id: "closed", cad_number: null, state: "closed", waiting_number: number("to_confirm", T(8)) }),
    call({ id: "untold", waiting_number: number("not_told") }),
    call({ id: "over", state: "closed", waiting_number: number("not_told") }),
    call({ id: "an older server's" }),
  ]);
  assert.deepEqual(
    rows.map((row) => [row.id, row.toConfirm, row.by, row.since]),
    [["untold", false, "", ms(5)], ["closed", true, "A. Rivera", ms(8)], ["waits", true, "A. Rivera", ms(9)]],
  );
  const [row] = unitRows([unit()], [call({ cad_number: null, waiting_number: confirm })], []);
  assert.equal(row.call, "no CAD number (77 to be confirmed)");
});

test("marks tell by shape and letter what they are", () => {
  const rows = unitRows([unit()], [call()], []);
  assert.deepEqual(
    places(rows, [call(), call({ id: "nowhere", location: null })], []).map((one) => one.kind + one.letter),
    ["callC", "unitU"],
  );
  assert.equal(places(rows, [call()], [alert()])[0].letter, "!");
});

test("a check-in that did not come: no signal, or no answer", () => {
  const clock = () => "14:03:00";
  assert.equal(signalText(null, clock), "did not answer");
  const lost = { lost_since: T(3), position: null, place: "3rd and Pike" };
  assert.equal(signalText(lost, clock), "no signal since 14:03:00 at 3rd and Pike");
  const where = { lost_since: null, position: { lat: 47.6, lon: -122.3 }, place: "" };
  assert.equal(signalText(where, clock), "no signal at 47.60000, -122.30000");
});

test("ages and countdowns", () => {
  assert.equal(age(-5), "0 s");
  assert.equal(age(59_999), "59 s");
  assert.equal(age(60_000), "1 min");
  assert.equal(age(3_660_000), "1 h 01 min");
  assert.equal(countdown(30_000, 0), "0:30");
  assert.equal(countdown(0, 65_000), "overdue 1:05");
});
