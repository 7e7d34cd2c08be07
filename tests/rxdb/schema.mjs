// A collection's published JSON Schema (2020-12) as RxDB takes one.

const ENVELOPE = { // what every document may carry besides
  editor: { type: ['string', 'null'] },
  edit_no: { type: ['integer', 'null'] },
  author_id: { type: ['string', 'null'] },
  rev: { type: 'integer' },
  sync_status: { type: 'string' },
  sync_errors: { type: 'array', items: { type: 'string' } },
};

/** The properties of all kinds side by side (RxDB knows no if and then); what the kinds disagree on
 * is left open. The primary key has a length. Nothing but the id is required. */
export function rxSchema(published) {
  const properties = {};
  for (const shapes of [ENVELOPE, ...(published.allOf ?? []).map(({ then }) => then.properties), published.properties])
    for (const [name, shape] of Object.entries(shapes))
      properties[name] = !(name in properties) || same(properties[name], shape) || shapes === published.properties ? shape : {};
  const id = { type: 'string', maxLength: 64 };
  return { version: 0, primaryKey: 'id', type: 'object', properties: { ...properties, id }, required: ['id'] };
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
