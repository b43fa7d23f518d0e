// A tab's end of what happens in its room. The other end is a hub (hub.js), one for all tabs of the
// browser. It runs in a shared worker; where there are none, in the tab that holds a lock, which
// another one gets as soon as that tab is closed or crashes; where there are no locks either (they
// want HTTPS), each tab has a hub of its own.

import { Hub } from './hub.js';

const NAME = 'tempmessenger-1'; // another number where tabs of two releases would not agree
const ANSWER_MS = 5000;
const QUIET_MAX_MS = 25_000; // a hub calls the roll every 10 s

const tab = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join('-');

/** Calls `take` with each { type: 'list' | 'add' | 'gone' | 'state', … } of `room`. */
export class Live {
  #room;
  #take;
  #name = NAME;
  #places = [startInWorker, Hub.startWithLock, startHere];
  #started = new Set();
  #control;
  #news;
  #heardAt = 0;
  #answerTimer;
  #isAway = true; // closed, or kept by the browser for going back to it
  #isWatching = false;

  constructor(room, take) {
    this.#room = room;
    this.#take = take;
    this.#join();
    this.#startHub();
    addEventListener('pagehide', () => this.#leave());
    addEventListener('pageshow', ({ persisted }) => persisted && this.#join());
    document.addEventListener('visibilitychange', () => this.#lookAfter());
    setInterval(() => this.#lookAfter(), QUIET_MAX_MS / 3);
  }

  #join() {
    this.#isAway = false;
    this.#control = new BroadcastChannel(this.#name);
    this.#control.onmessage = ({ data }) => {
      if (data.type === 'roll') this.#heard(() => this.#here());
    };
    this.#news = new BroadcastChannel(`${this.#name}/${this.#room}`);
    this.#news.onmessage = ({ data }) => {
      if (!data.to || data.to === tab) this.#heard(() => this.#take(data));
    };
    this.#here();
  }

  #here() {
    if (this.#isAway) return;
    const visible = document.visibilityState === 'visible';
    this.#control.postMessage({ type: 'here', tab, room: this.#room, visible });
  }

  #leave() {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#control.postMessage({ type: 'leave', tab, room: this.#room });
    this.#control.close();
    this.#news.close();
  }

  #heard(then) {
    this.#heardAt = performance.now();
    clearTimeout(this.#answerTimer);
    this.#watch();
    then();
  }

  /** Tries the places one after the other, until one answers. */
  #startHub() {
    const [start] = this.#places;
    const next = () => {
      clearTimeout(this.#answerTimer);
      if (this.#places[0] !== start || this.#places.length === 1) return;
      this.#places.shift();
      this.#startHub();
    };
    clearTimeout(this.#answerTimer);
    this.#answerTimer = setTimeout(next, ANSWER_MS);
    if (start !== startInWorker && this.#started.has(start)) return; // it is only asleep
    this.#started.add(start);
    if (start === startHere) {
      this.#leave();
      this.#name = `${NAME}/${tab}`;
      this.#join();
    }
    start(this.#name, next);
  }

  /** A worker dies with the process of a tab that crashed: then its lock is free. */
  #watch() {
    if (this.#isWatching || this.#places[0] !== startInWorker || !navigator.locks) return;
    this.#isWatching = true;
    navigator.locks.request(this.#name, { mode: 'shared' }, () => {
      this.#isWatching = false;
      if (!this.#isAway) this.#startHub();
    });
  }

  /** Tells the hub whether the tab is seen, and starts another if it has fallen silent. */
  #lookAfter() {
    if (this.#heardAt && performance.now() - this.#heardAt > QUIET_MAX_MS) this.#startHub();
    this.#here();
  }
}

const createScriptURL = () => '/static/live-worker.js';
const policy = globalThis.trustedTypes?.createPolicy('tempmessenger', { createScriptURL })
  ?? { createScriptURL };

function startInWorker(name, onFailure) {
  try {
    const worker = new SharedWorker(policy.createScriptURL(''), { type: 'module', name });
    worker.onerror = onFailure;
  } catch {
    onFailure();
  }
}

function startHere(name) {
  new Hub(name);
}
