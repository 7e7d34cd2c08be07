// Ids that a client makes.
import assert from "node:assert/strict";
import test from "node:test";

import { uuid7 } from "../../../apps/cockpit/static/cockpit/acts.js";

test("an id is a UUIDv7: its time first, then chance", () => {
  const at = Date.parse("2026-03-04T20:00:00Z");
  const id = uuid7(at);
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(parseInt(id.replaceAll("-", "").slice(0, 12), 16), at);
  assert.equal(new Set(Array.from({ length: 100 }, () => uuid7(at))).size, 100);
});
