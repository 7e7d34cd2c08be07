// The service area: outlines, calls and units. Leaflet without a tile server: nothing is asked of
// any other host. Shape and letter say what a mark is; the list beside the map says the same.

import { element, set } from "./dom.js";

const CITY = [47.6062, -122.3321];
const LINES = { rule: { weight: 3, dashArray: "6 6" }, beat: { weight: 1 } };

export class AreaMap {
  constructor(container) {
    this._map = L.map(container, { attributionControl: false, zoomSnap: 0.25 }).setView(CITY, 12);
    this._marks = new Map();
  }

  // `found`: `[{kind, name, rings}]`, rings of [latitude, longitude].
  outline(found) {
    const drawn = found.map((one) =>
      L.polygon(one.rings, { ...LINES[one.kind], fill: false, className: `area-${one.kind}` }),
    );
    for (const [index, one] of drawn.entries()) {
      if (found[index].kind === "beat") one.bindTooltip(element("span", {}, found[index].name));
      one.addTo(this._map);
    }
    if (drawn.length) this._map.fitBounds(L.featureGroup(drawn).getBounds(), { padding: [8, 8] });
  }

  // `places` of `state.js`. `link(place)` gives the element that its popup shows.
  show(places, link) {
    const ids = new Set(places.map((one) => one.id));
    for (const [id, mark] of this._marks) {
      if (ids.has(id)) continue;
      mark.remove();
      this._marks.delete(id);
    }
    for (const place of places) {
      const known = this._marks.get(place.id);
      const mark = known ?? L.marker(place.at, { icon: iconOf(place) }).addTo(this._map);
      this._marks.set(place.id, mark);
      mark.setLatLng(place.at);
      mark.options.place = place;
      const face = `${place.kind} ${place.letter} ${place.name}`;
      if (mark.options.face === face) continue;
      mark.options.face = face;
      mark.setIcon(iconOf(place));
      mark.getElement().title = place.name; // it is reached by keys, as a button
      mark.bindPopup(() => link(mark.options.place)); // as it is when it is opened
    }
  }

  // Brings one to the middle, and opens what it says.
  open(id) {
    const mark = this._marks.get(id);
    if (!mark) return;
    this._map.setView(mark.getLatLng(), Math.max(this._map.getZoom(), 14));
    mark.openPopup();
  }
}

// A unit stands a little beside the call that it is on.
function iconOf(place) {
  const letter = element("span", { class: "letter", "aria-hidden": "true" });
  set(letter, place.letter);
  const face = element("span", { class: `mark ${place.kind}` }, letter);
  if (place.kind === "unit") {
    const name = element("span", { class: "name" });
    set(name, place.name);
    face.append(name);
  }
  const iconAnchor = place.kind === "unit" ? [-6, 14] : [14, 14];
  return L.divIcon({ html: face, className: "place", iconSize: [28, 28], iconAnchor });
}
