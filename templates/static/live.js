// A tab's end of what happens in its room. The other end is a hub (hub.js), one for all tabs of the
// browser. It runs in a shared worker; where there are none, in the tab that holds a lock, which
// another one gets as soon as that tab is closed or crashes; where there are no locks either (they
// want HTTPS), each tab has a hub of its own.

import { Hub } from './hub.js';

const NAME = 'tempmessenger-1'; // another number where tabs of two releases would not understand each other
const ANSWER_MS = 5000;
const QUIET_MAX_MS = 45_000; // a hub calls the roll every 10 s

const tab = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join('-');

/** Calls `take` with each { type: 'list' | 'add' | 'gone' | 'state', … } of `room`. */
export class Live {
  #room;
  #take;
  #name = NAME;
  #places = [startInWorker, startInLockedTab, startHere];
  #control;
  #news;
  #heardAt = 0;
  #answerTimer;
  #isAway = true; // closed, or kept by the browser for going back to it
  #started = new Set();

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
    this.#control = new BroadcastChannel(this.#name);
    this.#control.onmessage = ({ data }) => {
      if (data.type === 'roll') this.#heard(() => this.#here());
    };
    this.#isAway = false;
    this.#news = new BroadcastChannel(`${this.#name}/${this.#room}`);
    this.#news.onmessage = ({ data }) => {
      if (!data.to || data.to === tab) this.#heard(() => this.#take(data));
    };
    this.#here();
  }

  #heard(then) {
    this.#heardAt = performance.now();
    clearTimeout(this.#answerTimer);
    then();
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

  /** Tries the places one after the other, until one answers. */
  #startHub() {
    const start = this.#places[0];
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
    if (start === startHere) this.#moveTo(`${NAME}/${tab}`);
    start(this.#name, next);
  }

  #moveTo(name) {
    this.#leave();
    this.#name = name;
    this.#join();
  }

  /** Tells the hub whether the tab is seen, and starts another if that one has fallen silent. */
  #lookAfter() {
    if (this.#heardAt && performance.now() - this.#heardAt > QUIET_MAX_MS) this.#startHub();
    this.#here();
  }
}

const policy = globalThis.trustedTypes?.createPolicy('tempmessenger', {
  createScriptURL: () => '/static/live-worker.js',
}) ?? { createScriptURL: () => '/static/live-worker.js' };

function startInWorker(name, onFailure) {
  try {
    const worker = new SharedWorker(policy.createScriptURL(''), { type: 'module', name });
    worker.onerror = onFailure;
  } catch {
    onFailure();
  }
}

function startInLockedTab(name, onFailure) {
  if (!navigator.locks) return onFailure();
  return navigator.locks.request(name, () => {
    new Hub(name);
    return new Promise(() => {}); // held until the tab is gone
  });
}

function startHere(name) {
  new Hub(name);
}
