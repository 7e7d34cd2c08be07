// A short tone for what must be answered, once a person has switched it on: browsers let no page
// sound by itself. It is repeated while something urgent waits.

const AGAIN_MS = 8_000;

export class Sound {
  constructor(button, told) {
    this._button = button;
    this._told = told;
    this._context = null;
    this._heard = new Set();
    this._playedAt = -Infinity;
    button.addEventListener("click", () => this._toggle());
    this._show();
  }

  // `ids`: what urgent waits for an answer now.
  urge(ids) {
    const fresh = ids.some((id) => !this._heard.has(id));
    this._heard = new Set(ids);
    const due = performance.now() - this._playedAt > AGAIN_MS;
    if (ids.length && this._on() && (fresh || due)) this._play();
  }

  _on() {
    return this._context?.state === "running";
  }

  async _toggle() {
    if (this._on()) {
      await this._context.suspend();
    } else {
      this._context ??= new AudioContext();
      await this._context.resume();
    }
    this._heard = new Set();
    this._show();
  }

  _show() {
    const on = this._on();
    this._button.textContent = on ? "Switch sound off" : "Switch sound on";
    this._button.setAttribute("aria-pressed", String(on));
    this._told.textContent = on ? "Sound is on" : "Sound is off: nothing will ring";
  }

  _play() {
    this._playedAt = performance.now();
    const context = this._context;
    const tone = context.createOscillator();
    const volume = context.createGain();
    const begins = context.currentTime;
    tone.frequency.setValueAtTime(880, begins);
    tone.frequency.setValueAtTime(660, begins + 0.25);
    volume.gain.setValueAtTime(0.25, begins);
    volume.gain.exponentialRampToValueAtTime(0.001, begins + 0.6);
    tone.connect(volume).connect(context.destination);
    tone.start(begins);
    tone.stop(begins + 0.6);
    // For whoever asks the page whether it rang: it did, to its end.
    tone.onended = () => {
      const root = document.documentElement;
      root.dataset.tones = String(Number(root.dataset.tones ?? 0) + 1);
    };
  }
}
