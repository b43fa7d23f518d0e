// One hub serves all tabs of a browser, which allows six connections to a host: it holds the streams
// of their rooms and talks with the tabs over BroadcastChannels. It runs in a shared worker or in a
// tab (live.js decides). It polls rooms beyond STREAMS_MAX, and those whose streams fail.

const STREAMS_MAX = 3; // of six connections
const ROLL_MS = 10_000;
const ROLLS_MISSED_MAX = 6; // then a tab has gone without a word
const ANSWER_MAX_MS = 10_000;
const POLL_MS = 1000;
const POLL_HIDDEN_MS = 5000;
const POLL_MAX_MS = 10_000;
const STREAM_RETRY_MS = 4000;
const STREAM_RETRY_MAX_MS = 60_000;
const FAILURES_MAX = 2; // in a row, before polling begins
const SLEPT_MS = 3000; // between two clocks: the machine was asleep, or its time was set

export class Hub {
  #name;
  #control;
  #rooms = new Map();
  #clocks = Date.now() - performance.now();

  /** A hub as soon as there is no other; `onFailure` is called where there are no locks. */
  static startWithLock(name, onFailure) {
    if (!navigator.locks) onFailure();
    else navigator.locks.request(name, () => new Promise(() => new Hub(name))); // never let go of
  }

  constructor(name) {
    this.#name = name;
    this.#control = new BroadcastChannel(name);
    this.#control.onmessage = ({ data }) => this.#hear(data);
    setInterval(() => this.#roll(), ROLL_MS);
    this.#control.postMessage({ type: 'roll' });
  }

  #hear({ type, tab, room: name, visible }) {
    if (type === 'leave') this.#rooms.get(name)?.tabs.delete(tab);
    if (type === 'here') {
      if (!this.#rooms.has(name)) this.#rooms.set(name, new RoomFeed(this.#name, name));
      const room = this.#rooms.get(name);
      const isNew = !room.tabs.has(tab);
      room.tabs.set(tab, { visible, missed: 0 });
      if (isNew) room.welcome(tab);
    }
    if (type !== 'roll') this.#share();
  }

  #roll() {
    const clocks = Date.now() - performance.now();
    const slept = Math.abs(clocks - this.#clocks) > SLEPT_MS;
    this.#clocks = clocks;
    for (const { tabs, startOver } of this.#rooms.values()) {
      for (const [tab, presence] of tabs) {
        presence.missed += 1;
        if (presence.missed > ROLLS_MISSED_MAX) tabs.delete(tab);
      }
      if (slept) startOver();
    }
    this.#share();
    this.#control.postMessage({ type: 'roll' });
  }

  /** Gives the streams to the rooms that somebody looks at, then to those opened last. */
  #share() {
    for (const [name, room] of this.#rooms) {
      if (room.tabs.size > 0) continue;
      room.stop();
      this.#rooms.delete(name);
    }
    [...this.#rooms.values()].reverse()
      .sort((one, other) => Number(other.visible) - Number(one.visible))
      .forEach((room, place) => room.allowStream(place < STREAMS_MAX));
  }
}

/** One room: its stream or its polls, and a copy of what is alive, for tabs that come later. */
class RoomFeed {
  tabs = new Map();
  #channel;
  #path;
  #messages = new Map(); // by id: { message, deadline }, on performance.now()
  #state = 'connecting';
  #synced = false;
  #stopped = false;
  #mayStream = true;
  #failures = 0;
  #streamAt = 0; // not before
  #pollMs = POLL_MS;
  #etag = '';
  #interrupt = () => {}; // ends what is waited for

  constructor(hub, name) {
    this.#channel = new BroadcastChannel(`${hub}/${name}`);
    this.#path = `/rooms/${name}`;
    this.#run();
  }

  get visible() {
    return [...this.tabs.values()].some((presence) => presence.visible);
  }

  /** Tells a new tab how things stand. */
  welcome(tab) {
    const now = performance.now();
    const messages = [...this.#messages.values()].filter(({ deadline }) => deadline > now)
      .map(({ message, deadline }) => ({ ...message, expires_in: Math.ceil(deadline - now) }));
    if (this.#synced) this.#tell({ type: 'list', to: tab, messages });
    this.#tell({ type: 'state', state: this.#state });
  }

  allowStream(allowed) {
    if (this.#mayStream !== allowed) this.#interrupt();
    this.#mayStream = allowed;
  }

  startOver = () => {
    this.#streamAt = 0;
    this.#etag = '';
    this.#interrupt();
  };

  stop() {
    this.#stopped = true;
    this.#interrupt();
    this.#channel.close();
  }

  // ---- what goes to the tabs ----

  #tell(news) {
    if (!this.#stopped) this.#channel.postMessage(news);
  }

  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell({ type: 'state', state });
  }

  #keep(message) {
    this.#messages.set(message.id, { message, deadline: performance.now() + message.expires_in });
  }

  #replace(messages) {
    this.#messages.clear();
    for (const message of messages) this.#keep(message);
    this.#synced = true;
    this.#tell({ type: 'list', messages });
  }

  #add(message) {
    this.#keep(message);
    this.#tell({ type: 'add', message });
  }

  #remove({ id }) {
    this.#messages.delete(id);
    this.#tell({ type: 'gone', id });
  }

  // ---- where it comes from ----

  async #run() {
    while (!this.#stopped) {
      if (this.#mayStream && performance.now() >= this.#streamAt) await this.#stream();
      else await this.#poll();
    }
  }

  /** Lasts as long as the stream does. The browser connects it again, with its Last-Event-ID. */
  #stream() {
    const source = new EventSource(`${this.#path}/events`);
    const take = (type, act) => source.addEventListener(type, ({ data }) => act(JSON.parse(data)));
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        source.close();
        resolve();
      };
      const failed = () => {
        this.#failures += 1;
        this.#streamAt = performance.now() + retryMs(this.#failures);
        end();
      };
      const timer = setTimeout(failed, ANSWER_MAX_MS);
      const opened = () => {
        clearTimeout(timer);
        this.#failures = 0;
        this.#setState('live');
      };
      take('snapshot', (messages) => this.#replace(messages));
      take('message', (message) => this.#add(message));
      take('expired', (gone) => this.#remove(gone));
      take('deleted', (gone) => this.#remove(gone));
      take('snapshot', opened);
      take('resumed', opened);
      take('stale', () => this.#setState('stale'));
      take('fresh', () => this.#setState('live'));
      take('full', ({ retry_after: seconds }) => {
        this.#failures = FAILURES_MAX;
        this.#streamAt = performance.now() + 1000 * seconds;
        end();
      });
      source.onerror = () => {
        const isRefused = source.readyState === EventSource.CLOSED;
        if (isRefused || !['live', 'stale'].includes(this.#state)) failed();
        else this.#setState('connecting');
      };
      this.#interrupt = end;
    });
  }

  /** Asks once for the list, and waits until it is time to ask again. */
  async #poll() {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ANSWER_MAX_MS);
    let interrupted = false;
    this.#interrupt = () => {
      interrupted = true;
      abort.abort();
    };
    try {
      const headers = this.#etag ? { 'If-None-Match': this.#etag } : {};
      const answer = await fetch(`${this.#path}/messages`,
        { headers, cache: 'no-store', signal: abort.signal });
      if (answer.status === 200) this.#replace(await answer.json());
      else if (answer.status !== 304) throw new Error(`status ${answer.status}`);
      this.#etag = answer.headers.get('ETag') ?? this.#etag;
      this.#polled();
    } catch {
      if (interrupted) return;
      this.#etag = '';
      this.#setState('away');
      this.#pollMs = Math.min(this.#pollMs * 1.5, POLL_MAX_MS);
    } finally {
      clearTimeout(timer);
    }
    await this.#sleep();
  }

  #polled() {
    if (this.#state === 'away') this.#streamAt = 0; // it is back: perhaps for streams too
    const isLasting = !this.#mayStream || this.#failures >= FAILURES_MAX;
    this.#setState(isLasting ? 'polling' : 'connecting');
    this.#pollMs = this.visible ? POLL_MS : POLL_HIDDEN_MS;
  }

  #sleep() {
    if (this.#stopped) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#pollMs);
      this.#interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The first time at once, then less and less often, and not all browsers together. */
const retryMs = (failures) => (failures < FAILURES_MAX ? POLL_MS / 2
  : Math.min(STREAM_RETRY_MS * 2 ** (failures - FAILURES_MAX), STREAM_RETRY_MAX_MS) * (0.75 + Math.random() / 2));
