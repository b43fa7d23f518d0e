// A tab's end of its room. The other end is the browser's hub (hub.js): in a shared worker, without
// those in the tab that holds a lock, and without locks (they want HTTPS) in each tab.

import { Hub } from './hub.js';

const NAME = 'tempmessenger-1'; // another number where tabs of two releases would not agree
const ANSWER_MS = 5000;
const QUIET_MAX_MS = 25_000; // a hub calls the roll every 10 s

const tab = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join('-');

const places = [startInWorker, Hub.startWithLock, startHere];
const started = new Set();
const { room } = document.body.dataset;
let take;
let name = NAME;
let control;
let news;
let heardAt = 0;
let answerTimer;
let isAway = true; // closed, or kept by the browser for going back to it
let isWatching = false;

/** Calls `take` with each { type: 'list' | 'add' | 'gone' | 'state', … } of the page's room. */
export function follow(given) {
  take = given;
  join();
  findHub();
  addEventListener('pagehide', leave);
  addEventListener('pageshow', ({ persisted }) => persisted && join());
  document.addEventListener('visibilitychange', lookAfter);
  setInterval(lookAfter, QUIET_MAX_MS / 3);
}

function join() {
  isAway = false;
  control = new BroadcastChannel(name);
  control.onmessage = ({ data }) => {
    if (data.type === 'roll') heard(() => here());
  };
  news = new BroadcastChannel(`${name}/${room}`);
  news.onmessage = ({ data }) => {
    if (!data.to || data.to === tab) heard(() => take(data));
  };
  here();
}

function here() {
  if (isAway) return;
  const visible = document.visibilityState === 'visible';
  control.postMessage({ type: 'here', tab, room, visible });
}

function leave() {
  if (isAway) return;
  isAway = true;
  control.postMessage({ type: 'leave', tab, room });
  control.close();
  news.close();
}

function heard(then) {
  heardAt = performance.now();
  clearTimeout(answerTimer);
  watch();
  then();
}

/** Tries the places one after the other, until one answers. */
function findHub() {
  const [start] = places;
  const next = () => {
    clearTimeout(answerTimer);
    if (places[0] !== start || places.length === 1) return;
    places.shift();
    findHub();
  };
  clearTimeout(answerTimer);
  answerTimer = setTimeout(next, ANSWER_MS);
  if (start !== startInWorker && started.has(start)) return; // it is only asleep
  started.add(start);
  if (start === startHere) {
    leave();
    name = `${NAME}/${tab}`;
    join();
  }
  start(name, next);
}

/** A worker dies with the process of a tab that crashed: then its lock is free. */
function watch() {
  if (isWatching || places[0] !== startInWorker || !navigator.locks) return;
  isWatching = true;
  navigator.locks.request(name, { mode: 'shared' }, () => {
    isWatching = false;
    if (!isAway) findHub();
  });
}

/** Tells the hub whether the tab is seen. */
function lookAfter() {
  if (heardAt && performance.now() - heardAt > QUIET_MAX_MS) findHub();
  here();
}

const createScriptURL = () => '/static/live-worker.js';
const policy = globalThis.trustedTypes?.createPolicy('tempmessenger', { createScriptURL })
  ?? { createScriptURL };

function startInWorker(hubName, onFailure) {
  try {
    const worker = new SharedWorker(policy.createScriptURL(''), { type: 'module', name: hubName });
    worker.onerror = onFailure;
  } catch {
    onFailure();
  }
}

function startHere(hubName) {
  new Hub(hubName);
}
