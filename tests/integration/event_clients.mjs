// Four event-stream clients of npm, each driven as its own README says, behind one form.
//
// Reconnecting, `Last-Event-ID` and `retry:` are the clients' own work: nothing here helps them, for
// they stand for the programs that other people write. What is judged is what reaches such a
// program.

import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSource as NpmEventSource } from 'eventsource';
import { createEventSource } from 'eventsource-client';
import { EventSource as UndiciEventSource } from 'undici';
import { sleep, until } from './harness.mjs';

const NAMES = ['snapshot', 'resumed', 'message', 'expired', 'deleted', 'stale', 'fresh', 'stopping', 'full'];
const FAULTS_MAX = 20;
const REOPEN_MS = 500;

// @microsoft/fetch-event-source is made for browsers and asks for no more of them than this.
globalThis.window ??= globalThis;
globalThis.document ??= { addEventListener() {}, removeEventListener() {}, hidden: false };

const listen = (source, onEvent) => {
  for (const name of NAMES) source.addEventListener(name, ({ data }) => onEvent(name, data));
};

/** An error on the way is tried again; only a closed source has given up. */
function eventsource(url, { onEvent, onLost }) {
  const source = new NpmEventSource(url);
  listen(source, onEvent);
  source.onerror = ({ message }) => {
    if (source.readyState === NpmEventSource.CLOSED) onLost(message);
  };
  return () => source.close();
}

/** undici 6, the last for Node.js 18, also closes where a connection is refused; its program then
 * opens another source, which cannot set `Last-Event-ID`. That error comes before the closing, so
 * it is not mistaken for an answer that makes every EventSource give up. */
function undici(url, { onEvent, onLost }) {
  let source;
  let lastEventId = '';
  let reopening;
  const remember = (event) => {
    lastEventId = event.lastEventId || lastEventId;
  };
  const open = () => {
    reopening = undefined;
    source = new UndiciEventSource(lastEventId ? `${url}?last_event_id=${lastEventId}` : url);
    listen(source, onEvent);
    for (const name of NAMES) source.addEventListener(name, remember);
    const opened = source;
    source.onerror = () => {
      if (opened.readyState === UndiciEventSource.CLOSED) onLost('closed');
      else setImmediate(() => reopenIfClosed(opened));
    };
  };
  const reopenIfClosed = (opened) => {
    if (opened.readyState === UndiciEventSource.CLOSED) reopening ??= setTimeout(open, REOPEN_MS);
  };
  open();
  return () => {
    clearTimeout(reopening);
    reopening = true;
    source.close();
  };
}

function eventsourceClient(url, { onEvent }) {
  const source = createEventSource({ url, onMessage: ({ event, data }) => onEvent(event, data) });
  return () => source.close();
}

/** The end of a stream is the end for this client, unless `onclose` throws. */
function fetchClient(url, { onEvent, onLost }) {
  const controller = new AbortController();
  fetchEventSource(url, {
    signal: controller.signal,
    fetch: globalThis.fetch,
    openWhenHidden: true,
    onmessage: ({ event, data }) => onEvent(event, data),
    onclose: () => {
      throw new Error('the stream has ended');
    },
  }).then(() => onLost('resolved'), (error) => onLost(error.message));
  return () => controller.abort();
}

const CLIENTS = {
  eventsource,
  undici,
  'eventsource-client': eventsourceClient,
  '@microsoft/fetch-event-source': fetchClient,
};

/** A program that follows a room by one of the clients, and knows what it shows. */
class RoomFollower {
  #close;
  #closed = false;

  constructor(name, base, room) {
    this.name = name;
    this.openings = []; // the first event of each connection, and each `full`
    this.order = []; // the texts of the messages, in the order in which they came
    this.live = new Map(); // by id, what it shows now
    this.told = []; // the names of all events
    this.faults = [];
    this.#close = CLIENTS[name](`${base}/rooms/${room}/events`, {
      onEvent: (event, data) => this.#take(event, data),
      onLost: (why) => {
        if (!this.#closed) this.#fault(`has given up: ${why}`);
      },
    });
  }

  #fault(what) {
    if (this.faults.length < FAULTS_MAX) this.faults.push(`${this.name}: ${what}`);
  }

  #take(event, text) {
    if (this.#closed) return;
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      this.#fault(`${event || 'an event without a name'} with ${JSON.stringify(text)}`);
      return;
    }
    this.told.push(event);
    if (['snapshot', 'resumed', 'full'].includes(event)) this.openings.push(event);
    if (event === 'snapshot') this.#replace(data);
    else if (event === 'message') this.#add(data);
    else if (event === 'expired' || event === 'deleted') this.#remove(event, data);
    else if (!NAMES.includes(event)) this.#fault(`unknown event ${event}`);
  }

  #replace(messages) {
    const known = new Set(this.live.keys());
    this.live = new Map();
    for (const message of messages) {
      if (known.has(message.id)) this.live.set(message.id, message);
      else this.#add(message);
    }
  }

  #add(message) {
    if (this.live.has(message.id)) this.#fault(`${message.message} came twice`);
    this.live.set(message.id, message);
    this.order.push(message.message);
  }

  #remove(event, { id }) {
    if (!this.live.delete(id)) this.#fault(`${event} ${id}, which it did not show`);
  }

  get texts() {
    return [...this.live.values()].map(({ message }) => message);
  }

  /** Waits until `probe` says something true; ends early where the client was misled or lost. */
  until(what, probe, timeoutMs) {
    return until(`${this.name}: ${what}`, () => {
      if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
      if (this.#closed) throw new Error(`${this.name} was closed`);
      return probe(this);
    }, timeoutMs).catch((error) => {
      error.message += `\n${this.name} was told ${this.told.join(' ')}, and shows ${this.texts}`;
      throw error;
    });
  }

  shows(texts, timeoutMs) {
    return this.until(`shows ${texts}`, () => texts.every((text) => this.texts.includes(text)), timeoutMs);
  }

  close() {
    this.#closed = true;
    this.#close();
  }
}

/** Calls `body` with a follower of each kind, which are closed after it. */
export async function withEventClients(base, room, body) {
  const all = Object.keys(CLIENTS).map((name) => new RoomFollower(name, base, room));
  try {
    await body(all, (wait) => Promise.all(all.map(wait)));
    await sleep(0); // whoever gives up says so a turn later
    const faults = all.flatMap(({ faults: own }) => own);
    if (faults.length > 0) throw new Error(faults.join('\n'));
  } finally {
    for (const follower of all) follower.close();
  }
}
