// RxDB at this server: everything that a plain client needs besides RxDB itself.
// docs/protocol.md says for each numbered part what is lost without it.
import { replicateRxCollection } from 'rxdb/plugins/replication';
import { Subject } from 'rxjs';
import { WebSocket } from 'ws';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const seq = (head) => Number(head?.split('.')[0] ?? 0);
const FAULTS = new Set([400, 404, 413, 422]);

/** Replicates collections of `db` (name: kind). `author()`: the id of who is signed in. `schema`: the
 * version that the app was built for. `called`: under another name, RxDB sends all that it holds.
 * `retry`: milliseconds after a failure; `patience`: until a request is given up. */
export async function replicate(db, { url, socketUrl, token, kinds, author, schema, called = 'carefield', retry = 4000 + 4000 * Math.random(), patience = 15000 }) {
  // 1 What survives a restart: who writes, its saves, the highest head, the history.
  const kept = (await db.getLocal('sync'))?.toMutableJSON().data ?? { instance: crypto.randomUUID(), saves: 0, seen: null, epoch: null, owed: [], aside: {} };
  let keeping = Promise.resolve();
  const keep = () => (keeping = keeping.then(() => db.upsertLocal('sync', { ...kept })));
  const names = Object.keys(kinds), pulled = {}, running = {}, live = {}, ended = new AbortController();
  const resync = () => names.forEach((name) => live[name].next('RESYNC'));
  let rtt = '', socket, attempt = 0;

  const seen = (head) => seq(head) > seq(kept.seen) && ((kept.seen = head), keep());
  async function ask(epoch, path, options = {}) {
    for (;;) {
      const began = performance.now(); // 2 the headers
      const headers = { Authorization: `Bearer ${token}`, 'Sync-Instance': kept.instance, 'Sync-Clock': `${Date.now()}${rtt}`, ...(kept.seen && { 'Sync-Seen': kept.seen }), ...(epoch && { 'Sync-Followed': epoch }), ...(schema && { 'Sync-Schema': schema }) };
      const answer = await fetch(`${url}/api/v1/sync/${path}`, { ...options, headers: { ...headers, ...options.headers }, signal: AbortSignal.any([ended.signal, AbortSignal.timeout(patience)]) });
      const body = await answer.json();
      rtt = `;rtt=${Math.round(performance.now() - began)}`;
      const history = answer.headers.get('Sync-Epoch');
      if (epoch !== kept.epoch || (history && history !== epoch)) { follow(history, epoch); throw new Error('another history'); } // 3
      if (answer.ok) return { body, head: answer.headers.get('Sync-Head') };
      if (answer.status !== 429 && answer.status !== 503) throw Object.assign(new Error(body.code), body);
      await sleep(1000 * (Number(answer.headers.get('Retry-After') ?? 1) + Math.random())); // 4 it asked for time
    }
  }
  function start(name) {
    const epoch = kept.epoch, kind = kinds[name];
    const sending = new Set(), late = new Map();
    let came = null, last = null;
    live[name] ??= new Subject();
    async function post(rows) { // 12 a row that no answer is given for waits by itself, in sight
      try {
        const answer = await ask(epoch, `${name}/push`, { method: 'POST', body: JSON.stringify(rows), headers: { 'Content-Type': 'application/json' } });
        seen(answer.head); // 7
        for (const { newDocumentState: d } of rows) delete kept.aside[d.id];
        return answer.body;
      } catch (problem) {
        if (!FAULTS.has(problem.status)) throw problem;
        if (rows.length > 1) return [...await post(rows.slice(0, rows.length / 2)), ...await post(rows.slice(rows.length / 2))];
        kept.aside[rows[0].newDocumentState.id] = { collection: name, problem: problem.detail ?? problem.code };
        keep();
        return []; // sent again when it is edited
      }
    }
    const sent = ({ newDocumentState: d }) => kind !== 'append_only' || (d.editor === kept.instance && !d._deleted); // 5 its own acts
    const owed = kept.owed.includes(name); // 3 first all that it holds is handed over, then the new history is pulled
    const replication = running[name] = replicateRxCollection({
      collection: db[name], replicationIdentifier: `${called}-${epoch}`, live: !owed, retryTime: retry, waitForLeadership: false, // 3
      pull: owed ? undefined : { batchSize: 500, stream$: live[name], handler: async (checkpoint, limit) => {
        if (checkpoint?.c === last) { last = null; return { documents: [], checkpoint }; } // 11
        for (;;) {
          const free = [...late.keys()].filter((id) => !sending.has(id));
          const { body, head } = await ask(epoch, `${name}/pull?limit=${limit}${checkpoint ? `&checkpoint=${checkpoint.c}` : ''}`).catch((problem) => {
            if (problem.code !== 'bad-checkpoint') throw problem;
            checkpoint = undefined; // 6
            return ask(epoch, `${name}/pull?limit=${limit}`);
          });
          if (seq(head) < seq(kept.seen)) continue; // 7 overtaken on its way
          seen(head);
          pulled[name] = seq(head);
          if (!checkpoint) came = new Set(); // 6 from the start: what does not come is not ours any more
          const short = body.documents.length < limit;
          body.documents.forEach((d) => came?.add(d.id));
          if (came && short) {
            const here = kind === 'merged' ? [] : await db[name].find().exec();
            const gone = here.filter((d) => !came.has(d.id) && d.get('editor') !== kept.instance);
            body.documents.push(...gone.map(({ id }) => ({ id, _deleted: true }))); // RxDB's own remove() would leave the text
            came = null;
          }
          for (const d of body.documents) sending.has(d.id) ? late.set(d.id, d) : late.delete(d.id); // 8 RxDB passes it over
          for (const id of free) if (late.has(id) && !sending.has(id)) body.documents.push(late.get(id)) && late.delete(id);
          last = short && body.documents.length >= limit ? body.checkpoint.c : null; // 11 RxDB would ask on before it has stored the page
          return body;
        }
      } },
      push: kind === 'pull_only' ? undefined : { batchSize: 50, handler: async (rows) => {
        const ours = rows.filter(sent).map((row) => row.assumedMasterState || row.newDocumentState.editor === kept.instance ? row : { newDocumentState: { ...row.newDocumentState, author_id: undefined } }); // 5 and speaks for nobody else
        if (!ours.length) return [];
        for (const { newDocumentState: d } of ours) sending.add(d.id);
        const body = await post(ours);
        for (const { newDocumentState: d } of ours) sending.delete(d.id);
        if (late.size) live[name].next('RESYNC'); // 8 after RxDB has heard of this answer
        return body;
      } },
    });
    if (owed) replication.startPromise.then(() => {
      if (ended.signal.aborted || epoch !== kept.epoch) return;
      kept.owed = kept.owed.filter((one) => one !== name);
      keep();
      start(name);
    });
  }
  function follow(history, epoch) { // 3 the server was put back in time, or this is the first contact
    if (epoch !== kept.epoch || !history || history === epoch) return;
    Object.assign(kept, { epoch: history, seen: null, owed: epoch ? names.filter((name) => kinds[name] !== 'pull_only') : [] });
    keep();
    for (const name of Object.keys(running)) running[name].cancel().then(() => ended.signal.aborted || start(name));
  }
  function dial() { // 9 pokes
    let dead, period = 10;
    socket = new WebSocket(`${socketUrl}/ws/v1/sync`, { headers: { Authorization: `Bearer ${token}` } });
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', mode: 'resync', instance: kept.instance, seen: kept.seen }));
    socket.onmessage = ({ data }) => {
      const { type, head, epoch, heartbeat_seconds } = JSON.parse(data);
      if (type === 'welcome') period = heartbeat_seconds;
      if (type === 'heartbeat') attempt = 0; // not by the welcome: it may be told to go at once
      clearTimeout(dead);
      dead = setTimeout(() => socket.terminate(), 2500 * period);
      follow(epoch, kept.epoch);
      if (!head || names.some((name) => !(pulled[name] >= seq(head)))) resync();
    };
    socket.onerror = () => {};
    socket.onclose = () => { // without a socket it asks at an easy pace
      clearTimeout(dead);
      if (ended.signal.aborted) return;
      resync();
      setTimeout(() => ended.signal.aborted || dial(), Math.random() * Math.min(8000, 250 * 2 ** attempt++));
    };
  }
  for (const name of names.filter((name) => kinds[name] !== 'pull_only')) { // 10 which save of whom
    const stamp = async (document) => { Object.assign(document, { editor: kept.instance, edit_no: ++kept.saves, ...(author && { author_id: author() }) }); await keep(); };
    for (const hook of ['preInsert', 'preSave', 'preRemove']) db[name][hook](stamp, false);
  }
  while (!kept.epoch) await ask(null, `${names[0]}/pull?limit=1`).catch(() => kept.epoch || sleep(retry)); // 3
  names.forEach(start);
  dial();
  return { kept, running, async stop() {
    ended.abort();
    socket.close();
    await Promise.all(names.map((name) => running[name].cancel()));
  } };
}
