// What a page holds follows the protocol: a frame is taken only where it continues.
import assert from "node:assert/strict";
import test from "node:test";

import { Feed, afterClose, health, pause } from "../../../apps/cockpit/static/cockpit/feed.js";

const begun = () => {
  const feed = new Feed();
  feed.begin({ documents: { alerts: [{ id: "a", rev: 1 }] }, checkpoints: { alerts: "1" } });
  return feed;
};
const frame = (prev, checkpoint, ...documents) => ({
  collection: "alerts", prev, checkpoint, documents,
});

test("a frame that continues is taken, tombstones too", () => {
  const feed = begun();
  assert.equal(feed.take(frame("1", "2", { id: "b", rev: 1 }, { id: "a", rev: 2 })), "taken");
  assert.deepEqual(feed.all("alerts").map((one) => `${one.id}${one.rev}`).sort(), ["a2", "b1"]);
  assert.equal(feed.take(frame("2", "3", { id: "a", _deleted: true })), "taken");
  assert.deepEqual(feed.all("alerts").map((one) => one.id), ["b"]);
  assert.equal(feed.checkpoints.alerts, "3");
});

test("a frame that comes twice changes nothing", () => {
  const feed = begun();
  const twice = frame("1", "2", { id: "b", rev: 1 });
  feed.take(twice);
  assert.equal(feed.take(twice), "repeat");
  assert.equal(feed.all("alerts").length, 2);
});

test("a frame behind a lost one is not taken", () => {
  const feed = begun();
  assert.equal(feed.take(frame("2", "3", { id: "a", _deleted: true })), "gap");
  assert.equal(feed.all("alerts").length, 1);
  assert.equal(feed.checkpoints.alerts, "1");
});

test("a collection that nobody asked for is passed over", () => {
  const feed = begun();
  assert.equal(feed.take({ ...frame(null, "9", { id: "x" }), collection: "referrals" }), "repeat");
  assert.deepEqual(feed.all("referrals"), []);
});

test("a collection that was empty is begun by its first frame", () => {
  const feed = new Feed();
  feed.begin({ documents: { alerts: [] }, checkpoints: { alerts: null } });
  assert.equal(feed.take(frame(null, "1", { id: "a" })), "taken");
});

test("an emptied feed holds nothing, and takes nothing", () => {
  const feed = begun();
  feed.empty();
  assert.deepEqual(feed.all("alerts"), []);
  assert.equal(feed.take(frame("1", "2", { id: "b" })), "repeat");
});

test("a heartbeat shows what is missing", () => {
  const feed = begun();
  assert.ok(feed.agrees({ alerts: "1", referrals: "9" }));
  assert.ok(feed.agrees(undefined));
  assert.ok(!feed.agrees({ alerts: "2" }));
});

test("two silent heartbeats are told, a little more is a dead connection", () => {
  assert.equal(health(20_000, 10_000), "live");
  assert.equal(health(20_001, 10_000), "stale");
  assert.equal(health(25_001, 10_000), "dead");
});

test("pauses have full jitter, grow, and have a bound", () => {
  assert.equal(pause(0, () => 0), 0);
  assert.equal(pause(0, () => 1), 1_000);
  assert.equal(pause(3, () => 1), 8_000);
  assert.equal(pause(50, () => 1), 30_000);
  assert.equal(pause(50, () => 0.5), 15_000);
});

test("a close says how to go on", () => {
  assert.equal(afterClose(4401), "leave");
  assert.equal(afterClose(4403), "forbidden");
  assert.equal(afterClose(4426), "reload");
  for (const code of [4400, 4409]) assert.equal(afterClose(code), "begin");
  for (const code of [1012, 1013, 1006]) assert.equal(afterClose(code), "resume");
});
