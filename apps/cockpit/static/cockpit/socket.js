// The desk's socket of a page: begins with a picture of what is open, goes on by frames, says when
// what is shown is stale, and dials again by itself.

import { Feed, afterClose, health, pause } from "./feed.js";

const WATCH_MS = 250;
const PICTURE_MS = 20_000; // an answer that takes longer is asked for again
const FIRST_HEARTBEAT_MS = 10_000; // until the welcome says how often there is one

export class Desk {
  // `settings`: `{socket, picture, schema, collections}`. `onChange(feed)` after each change,
  // `onState(state)` with "starting", "live", "stale", "signed-out", "forbidden" or "old-page".
  constructor(settings, { onChange, onState }) {
    this.settings = settings;
    this.feed = new Feed();
    this.state = "starting";
    this._aheadMs = null; // the server's clock minus the time that this page is open
    this.heardAt = null; // by the server's clock, in milliseconds
    this._onChange = onChange;
    this._onState = onState;
    this._heartbeatMs = FIRST_HEARTBEAT_MS;
    this._spokenAt = performance.now();
    this._attempts = 0;
    this._socket = null;
    this._begun = false;
  }

  start() {
    setInterval(() => this._watch(), WATCH_MS);
    this._connect();
  }

  // The server's clock, in milliseconds.
  now() {
    return this._aheadMs === null ? Date.now() : performance.now() + this._aheadMs;
  }

  async _connect() {
    try {
      if (!this._begun && !(await this._begin())) return;
      this._dial();
    } catch {
      this._again();
    }
  }

  async _begin() {
    const signal = AbortSignal.timeout(PICTURE_MS);
    const answer = await fetch(this.settings.picture, { redirect: "manual", signal });
    if (answer.type === "opaqueredirect" || answer.status === 403) {
      this._end(answer.status === 403 ? "forbidden" : "signed-out");
      return false;
    }
    if (!answer.ok) throw new Error(`the picture is answered with ${answer.status}`);
    const picture = await answer.json();
    this.feed.begin(picture);
    this._begun = true;
    this._hear(picture.at);
    this._onChange(this.feed);
    return true;
  }

  _dial() {
    const address = new URL(this.settings.socket, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this._socket = socket;
    this._spokenAt = performance.now();
    socket.onopen = () =>
      socket.send(
        JSON.stringify({
          type: "hello",
          schema: this.settings.schema,
          checkpoints: this.feed.checkpoints,
        }),
      );
    socket.onmessage = (event) => this._socket === socket && this._read(JSON.parse(event.data));
    socket.onclose = (event) => this._socket === socket && this._closed(event.code);
  }

  _read(message) {
    this._spokenAt = performance.now();
    switch (message.type) {
      case "welcome":
        this._heartbeatMs = message.heartbeat_seconds * 1000;
        this._attempts = 0;
        this._hear(message.at);
        this._say("live");
        break;
      case "heartbeat":
        this._hear(message.at);
        if (!this.feed.agrees(message.checkpoints)) this._drop();
        break;
      case "frame": {
        const done = this.feed.take(message);
        if (done === "taken") this._onChange(this.feed);
        if (done === "gap") this._drop();
        if (this.state === "live") this.heardAt = this.now();
        break;
      }
      case "resync":
        this._begun = false;
        this._drop();
        break;
    }
  }

  _hear(at) {
    // What takes its time to come makes the server's clock look late: the quickest word counts, so
    // that what is pressed later never seems to be earlier.
    const ahead = Date.parse(at) - performance.now();
    this._aheadMs = Math.max(this._aheadMs ?? ahead, ahead);
    this.heardAt = Date.parse(at);
  }

  _watch() {
    if (this._socket === null) return;
    const found = health(performance.now() - this._spokenAt, this._heartbeatMs);
    if (found === "dead") this._drop();
    else if (found === "stale") this._say("stale");
    else if (this._socket.readyState === WebSocket.OPEN && this.state === "stale" && !this._attempts) {
      this._say("live");
    }
  }

  // Gives this connection up: what comes next continues from the checkpoints that are here.
  _drop() {
    const socket = this._socket;
    this._socket = null;
    if (socket !== null) {
      socket.onclose = socket.onmessage = null;
      socket.close();
    }
    this._again();
  }

  _closed(code) {
    this._socket = null;
    const next = afterClose(code);
    if (next === "leave") return this._end("signed-out");
    if (next === "forbidden") return this._end("forbidden");
    if (next === "reload") return this._end("old-page");
    if (next === "begin") this._begun = false;
    this._again();
  }

  _again() {
    this._say("stale");
    setTimeout(() => this._connect(), pause(this._attempts++));
  }

  // Dials no more. What this page may not show any longer does not stay on it.
  _end(state) {
    this._socket = null;
    if (state !== "old-page") this.feed.empty();
    this._say(state);
    this._onChange(this.feed);
  }

  _say(state) {
    if (state === this.state) return;
    this.state = state;
    this._onState(state);
  }
}
