// Elements and rows. What is shown is text: nothing here takes markup.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// Only what differs is written: a screen reader and a selection stay where they are.
export function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function attribute(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// One child of a container for each item, kept by the item's id. `make(item)` gives
// `{node, update(item)}`.
export class Rows {
  constructor(container, make) {
    this._container = container;
    this._make = make;
    this._rows = new Map();
  }

  show(items) {
    const focused = document.activeElement;
    const ids = new Set(items.map((item) => item.id));
    for (const [id, row] of this._rows) {
      if (ids.has(id)) continue;
      row.node.remove();
      this._rows.delete(id);
    }
    let place = this._container.firstElementChild;
    for (const item of items) {
      const row = this._rows.get(item.id) ?? this._make(item);
      this._rows.set(item.id, row);
      row.update(item);
      if (row.node === place) place = place.nextElementSibling;
      else this._container.insertBefore(row.node, place);
    }
    // A row that is moved loses the focus that is in it.
    if (focused !== document.activeElement && this._container.contains(focused)) focused.focus();
  }
}
