// What a desk holds of its collections, and how far each has come: docs/protocol.md, section 7.
// Pure: it knows no socket and no page.

export class Feed {
  constructor() {
    this.documents = {};
    this.checkpoints = {};
  }

  // Begins anew with a picture: `{documents: {collection: [...]}, checkpoints: {collection: text}}`.
  begin(picture) {
    this.checkpoints = { ...picture.checkpoints };
    this.documents = {};
    for (const [name, found] of Object.entries(picture.documents)) {
      this.documents[name] = new Map(found.map((one) => [one.id, one]));
    }
  }

  // Holds nothing any more.
  empty() {
    this.begin({ documents: {}, checkpoints: {} });
  }

  // "taken", "repeat" (nothing is to be done) or "gap": something before it is missing.
  take(frame) {
    const stored = this.checkpoints[frame.collection];
    if (stored === undefined) return "repeat"; // a collection that nobody asked for
    if (frame.prev !== stored) return frame.checkpoint === stored ? "repeat" : "gap";
    const held = this.documents[frame.collection];
    for (const document of frame.documents) {
      if (document._deleted) held.delete(document.id);
      else held.set(document.id, document);
    }
    this.checkpoints[frame.collection] = frame.checkpoint;
    return "taken";
  }

  // Whether a heartbeat tells the checkpoints that are here; if not, something is missing.
  agrees(told) {
    return Object.entries(told ?? {}).every(
      ([name, checkpoint]) => !(name in this.checkpoints) || this.checkpoints[name] === checkpoint,
    );
  }

  all(collection) {
    return [...(this.documents[collection]?.values() ?? [])];
  }
}

// How long to wait before the next attempt, in milliseconds: full jitter, doubling up to a bound.
export function pause(attempts, random = Math.random) {
  return random() * Math.min(30_000, 1_000 * 2 ** Math.min(attempts, 10));
}

// How the connection is after so long without a word from the server: a heartbeat is due in each
// period, so two without one are told to whoever looks, and soon after it is given up.
export function health(silentMs, heartbeatMs) {
  if (silentMs > 2.5 * heartbeatMs) return "dead";
  return silentMs > 2 * heartbeatMs ? "stale" : "live";
}

// What to do after a close with this code: "leave" (sign in again), "forbidden", "reload" (this page
// is older than the server takes), "begin" (with a new picture), or "resume" from the checkpoints.
export function afterClose(code) {
  if (code === 4401) return "leave";
  if (code === 4403) return "forbidden";
  if (code === 4426) return "reload";
  return code === 4400 || code === 4409 ? "begin" : "resume";
}
