// A process that holds RxDB tablets and does what the tests tell it: one JSON object a line on
// standard input, its answer on standard output.
import { createInterface } from 'node:readline';
import { addRxPlugin, createRxDatabase } from 'rxdb/plugins/core';
import { checkSchema } from 'rxdb/plugins/dev-mode';
import { RxDBLocalDocumentsPlugin } from 'rxdb/plugins/local-documents';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';
import { wrappedValidateAjvStorage } from 'rxdb/plugins/validate-ajv';
import { filter, firstValueFrom, map } from 'rxjs';
import { replicate } from './adapter.mjs';
import { rxSchema } from './schema.mjs';

addRxPlugin(RxDBLocalDocumentsPlugin);
const memory = getRxStorageMemory(); // outlives a database that is closed, as a disk does
const validated = wrappedValidateAjvStorage({ storage: memory });
const tablets = new Map();

async function schemaOf({ url, token }, name) {
  const answer = await fetch(`${url}/api/v1/schemas/${name}`, { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`no schema of ${name}: ${answer.status}`);
  const schema = rxSchema(await answer.json());
  checkSchema(schema);
  return schema;
}

const said = ({ code, parameters: { writeError, errors } = {} }) => `${code} ${JSON.stringify(writeError?.validationErrors ?? errors?.map(({ message }) => message))}`;

class Tablet {
  constructor(options) {
    Object.assign(this, { options, schemas: {}, errors: [] });
  }

  async open() {
    const { name, collections, validate } = this.options;
    const storage = validate ? validated : memory;
    this.db = await createRxDatabase({ name, storage, multiInstance: false, localDocuments: true });
    for (const one of Object.keys(collections)) this.schemas[one] ??= await schemaOf(this.options, one);
    await this.db.addCollections(Object.fromEntries(Object.keys(collections).map((one) => [one, { schema: this.schemas[one] }])));
  }

  async connect() {
    this.sync = await replicate(this.db, { ...this.options, kinds: this.options.collections, author: () => this.options.author, retry: 100, patience: 120000 });
    for (const [name, replication] of Object.entries(this.sync.running)) replication.error$.subscribe((error) => this.errors.push(`${name}: ${said(error)}`));
  }

  async disconnect() {
    await this.sync?.stop();
    this.sync = undefined;
  }

  async close() {
    await this.disconnect();
    await this.db.close();
  }

  /** All that lies in the storage, deleted documents too. */
  async stored(collection, ids) {
    return this.db[collection].storageInstance.findDocumentsById(ids, true);
  }

  async documents(collection) {
    return Object.fromEntries((await this.db[collection].find().exec()).map((one) => [one.id, one.toJSON()]));
  }

  one(collection, id) {
    return this.db[collection].findOne(id).exec();
  }

  within(seconds, promise) {
    let late;
    const end = new Promise((_, failed) => { late = setTimeout(() => failed(new Error(`not in time; ${this.errors.slice(-5)}`)), 1000 * seconds); });
    return Promise.race([promise, end]).finally(() => clearTimeout(late));
  }

  /** The document as soon as it has these members (null: not there any more). */
  wait(collection, id, members, seconds) {
    return new Promise((found, failed) => {
      let last;
      const late = setTimeout(() => end(failed, new Error(`${collection} ${id} is ${JSON.stringify(last)}; ${this.errors.slice(-3)}`)), 1000 * seconds);
      const watching = this.db[collection].findOne(id).$.subscribe((one) => {
        last = one?.toJSON() ?? null;
        const there = members === null ? last === null : last && Object.entries(members).every(([name, value]) => JSON.stringify(last[name] ?? null) === JSON.stringify(value));
        if (there) queueMicrotask(() => end(found, last));
      });
      const end = (how, what) => { clearTimeout(late); watching.unsubscribe(); how(what); };
    });
  }
}

const commands = {
  async open(options) {
    const tablet = new Tablet(options);
    await tablet.open();
    await tablet.connect();
    tablets.set(options.name, tablet);
    return null;
  },
  insert: (tablet, { collection, document }) => tablet.db[collection].insert(document).then((one) => one.toJSON()),
  patch: async (tablet, { collection, id, fields }) => (await (await tablet.one(collection, id)).incrementalPatch(fields)).toJSON(),
  remove: async (tablet, { collection, id }) => (await (await tablet.one(collection, id)).remove()) && null,
  documents: (tablet, { collection }) => tablet.documents(collection),
  stored: (tablet, { collection, ids }) => tablet.stored(collection, ids),
  wait: (tablet, { collection, id, members, seconds }) => tablet.wait(collection, id, members, seconds),
  /** Until everything has been sent and fetched. */
  settle: (tablet, { collections, seconds }) => tablet.within(seconds, (async () => {
    for (const name of collections) await tablet.sync.running[name].awaitInSync();
    return null;
  })()),
  /** The documents that a query finds, as soon as it finds one. */
  find: (tablet, { collection, selector, seconds }) => tablet.within(seconds, firstValueFrom(tablet.db[collection].find({ selector }).$.pipe(filter((found) => found.length > 0), map((found) => found.map((one) => one.toJSON()))))),
  /** What a screen shows of a document, from now on. */
  watch: (tablet, { collection, id }) => {
    tablet.watched = [];
    tablet.watching = tablet.db[collection].findOne(id).$.subscribe((one) => tablet.watched.push(one?.toJSON() ?? null));
    return null;
  },
  watched: (tablet) => tablet.watching.unsubscribe() ?? tablet.watched,
  /** Until nothing waits to be sent. */
  acknowledged: async (tablet, { collection }) => {
    await tablet.sync.running[collection].internalReplicationState.streamQueue.up;
    return null;
  },
  /** A replication of another name: RxDB sends everything that it holds. */
  replay: async (tablet) => {
    await tablet.disconnect();
    tablet.options.called = 'again';
    await tablet.connect();
    return null;
  },
  /** Somebody else holds the tablet. */
  handed: (tablet, { to }) => { tablet.options.author = to; return null; },
  kept: (tablet) => ({ ...tablet.sync.kept, errors: tablet.errors }),
  resync: (tablet) => Object.values(tablet.sync.running).forEach((one) => one.reSync()) ?? null,
  connect: (tablet) => tablet.connect().then(() => null),
  disconnect: (tablet) => tablet.disconnect().then(() => null),
  restart: async (tablet) => {
    await tablet.close();
    await tablet.open();
    return null;
  },
  close: async (tablet, { name }) => {
    tablets.delete(name);
    await tablet.close();
    return null;
  },
};

async function answer(line) {
  const { no, command, ...options } = JSON.parse(line);
  try {
    const result = command === 'open' ? await commands.open(options) : await commands[command](tablets.get(options.name), options);
    process.stdout.write(`${JSON.stringify({ no, result: result ?? null })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ no, error: error.rxdb ? said(error) : error.stack })}\n`);
  }
}

createInterface({ input: process.stdin }).on('line', answer).on('close', () => process.exit(0));
