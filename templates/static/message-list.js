// The messages on the page. Changes are made together, once a frame, and what the reader sees keeps
// its place. Lifetimes run on performance.now() from the arrival of `expires_in`: the device's time
// of day plays no part.

import { duration, linked, say, sentAt, sentAtLength } from './words.js';

const FADE_MS = 5000; // before the end
const GLIDE_MS = 220;
const TICK_MS = 250;
const END_SLACK_PX = 48;
const DYING_MS = 10_000;
const LONG_CHARACTERS = 1500;
const LONG_LINES = 16;
const TIMER_MAX_MS = 2 ** 31 - 1;
const OWN_GRACE_MS = 5000; // a list may have been made before what was just sent reached it

const still = matchMedia('(prefers-reduced-motion: reduce)');

const ol = document.getElementById('messages');
const scroller = document.getElementById('log');
const template = document.getElementById('message-template').content.querySelector('li');
const items = new Map(); // by id
const seen = new Set(); // items in view
let waiting = [];
let timer;
let serverClock = 0; // the server's wall clock less performance.now()
let onChange;
let claim;
// With a margin: what glides in comes from outside.
const observer = new IntersectionObserver(observe, { root: scroller, rootMargin: '300px 0px' });

export function isAtEnd() {
  return scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop <= END_SLACK_PX;
}

/** Takes over the page. `onChange({ count, added })` follows each change; `claim(message)` returns the
 * element of one that was sent from here. */
export function setUpList(given) {
  ({ onChange, claim } = given);
  scroller.classList.add('scripted');
  toEnd();
  adopt();
  setInterval(tick, TICK_MS);
  document.addEventListener('visibilitychange', flush); // no frames come to what is hidden
}

export function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
}

/** The whole list, as the server knows it. */
export function replace(messages) {
  const ids = new Set(messages.map(({ id }) => id));
  const now = performance.now();
  for (const [id, item] of items) {
    if (!ids.has(id) && now > item.keptUntil) remove(id);
  }
  for (const message of inOrder(messages)) add(message);
}

/** One message; `sent` is the element that stands for it already, where that is known. */
export function add(message, sent) {
  const deadline = performance.now() + message.expires_in;
  serverClock = Date.parse(message.expires_at) - deadline;
  const known = items.get(message.id);
  if (known) {
    known.deadline = Math.min(known.deadline, deadline);
    if (known.text.textContent !== message.message) known.text.replaceChildren(...linked(message.message));
    if (sent && sent !== known.li) removeUnsent(sent);
    return;
  }
  const li = sent ?? claim(message);
  const item = itemOf(li ?? document.importNode(template, true), {
    id: message.id,
    created: Date.parse(message.created_at),
    deadline,
    lifetime: Date.parse(message.expires_at) - Date.parse(message.created_at),
    keptUntil: li ? performance.now() + OWN_GRACE_MS : 0,
  });
  if (!li) fillIn(item.li, message);
  item.li.dataset.id = message.id;
  items.set(item.id, item);
  showFacts(item, message.created_at);
  later(() => putInPlace(item), { added: li ? 0 : 1 });
}

export function remove(id) {
  const item = items.get(id);
  if (!item) return;
  items.delete(id);
  later(() => drop(item));
}

/** A message that is being sent: at the end, without a lifetime. */
export function addUnsent(text, author) {
  const li = document.importNode(template, true);
  fillIn(li, { message: text, author });
  li.classList.add('unsent');
  later(() => {
    ol.append(li);
    appear(li);
  });
  return li;
}

export function removeUnsent(li) {
  later(() => li.remove());
}

// ---- what is on the page already ----

function adopt() {
  const [navigation] = performance.getEntriesByType('navigation');
  const came = navigation?.responseStart ?? 0;
  for (const li of ol.children) {
    const item = itemOf(li, {
      id: li.dataset.id,
      created: Date.parse(li.querySelector('.sent').dateTime),
      deadline: came + Number(li.dataset.expiresIn),
      lifetime: Number(li.dataset.lifetime),
      keptUntil: 0,
    });
    serverClock = item.created + item.lifetime - item.deadline;
    items.set(item.id, item);
    const text = item.text.textContent;
    item.text.replaceChildren(...linked(text));
    foldLong(item.li, text);
    showFacts(item, li.querySelector('.sent').dateTime);
    observer.observe(li);
  }
  later(() => {});
}

function itemOf(li, facts) {
  return { ...facts, li, text: li.querySelector('.text'), count: li.querySelector('.count'), motions: [] };
}

function showFacts(item, createdAt) {
  const sent = item.li.querySelector('.sent');
  sent.dateTime = createdAt;
  sent.textContent = sentAt(item.created, performance.now() + serverClock);
  sent.title = sentAtLength(item.created);
  item.li.classList.remove('unsent');
  showCount(item);
}

// ---- changes ----

function later(change, { added = 0 } = {}) {
  waiting.push({ change, added });
  if (waiting.length > 1) return;
  if (document.hidden) setTimeout(flush, 0);
  else requestAnimationFrame(flush);
}

function flush() {
  const changes = waiting;
  waiting = [];
  keepingPlace(() => {
    for (const { change } of changes) change();
    dropExpired();
  });
  setTimer();
  const added = changes.reduce((sum, change) => sum + change.added, 0);
  onChange({ count: ol.children.length, added });
}

function putInPlace(item) {
  const next = nextOf(item);
  if (item.li.parentNode !== ol || item.li.nextElementSibling !== next) {
    const isNew = !item.li.isConnected;
    ol.insertBefore(item.li, next);
    if (isNew) appear(item.li);
  }
  seen.add(item); // until the observer says otherwise
  observer.observe(item.li);
}

/** The element before which `item` belongs: most often none. What is unsent stays last. */
function nextOf(item) {
  let next = null;
  for (let li = ol.lastElementChild; li; li = li.previousElementSibling) {
    if (li === item.li) continue;
    const other = items.get(li.dataset.id);
    if (other && other.created <= item.created) return next;
    next = li;
  }
  return next;
}

function drop(item) {
  observer.unobserve(item.li);
  seen.delete(item);
  stopMotions(item);
  item.li.remove();
}

function dropExpired() {
  const now = performance.now();
  for (const item of items.values()) {
    if (item.deadline > now) continue;
    items.delete(item.id);
    drop(item);
  }
}

function setTimer() {
  clearTimeout(timer);
  let soonest = Infinity;
  for (const { deadline } of items.values()) soonest = Math.min(soonest, deadline);
  if (soonest === Infinity) return;
  const wait = Math.min(Math.max(0, soonest - performance.now()), TIMER_MAX_MS);
  timer = setTimeout(() => later(() => {}), wait);
}

/** Changes the list so that the reader's place in it stays, and what moves glides. */
function keepingPlace(change) {
  const atEnd = isAtEnd();
  const moving = [...ol.querySelectorAll('.unsent'), ...[...seen].map(({ li }) => li)];
  const before = moving.map((element) => ({ element, top: topOf(element) }));
  change();
  const kept = before.filter(({ element }) => element.isConnected);
  const anchor = kept.reduce((first, next) => (next.top < first.top ? next : first), kept[0]);
  if (atEnd) toEnd();
  else if (anchor) scroller.scrollTop += topOf(anchor.element) - anchor.top;
  if (still.matches) return;
  const moved = kept.map(({ element, top }) => ({ element, by: top - topOf(element) }));
  for (const { element, by } of moved) if (Math.abs(by) >= 1) glide(element, by);
}

// ---- time ----

function observe(entries) {
  for (const { target, isIntersecting } of entries) {
    const item = items.get(target.dataset.id);
    if (!item) continue;
    if (isIntersecting) burn(item);
    else stop(item);
  }
}

/** Starts what moves by itself, only where it is seen. */
function burn(item) {
  seen.add(item);
  showCount(item);
  stopMotions(item);
  const left = item.deadline - performance.now();
  const easing = still.matches ? `steps(${Math.ceil(Math.min(60, item.lifetime / 1000))})` : 'linear';
  const line = item.li.querySelector('.fuse i').animate(
    { transform: ['translateX(0)', 'translateX(-100%)'] },
    { duration: item.lifetime, fill: 'both', easing });
  line.currentTime = item.lifetime - left;
  item.motions = [line];
  if (still.matches) return;
  const fade = Math.min(FADE_MS, item.lifetime / 2);
  item.motions.push(
    item.text.animate({ opacity: [1, 0.7] }, { delay: left - fade, duration: fade, fill: 'both' }),
    item.li.animate({ opacity: [1, 0] }, { delay: left - fade / 8, duration: fade / 8, fill: 'both' }));
}

function stop(item) {
  seen.delete(item);
  stopMotions(item);
}

function tick() {
  if (!document.hidden) for (const item of seen) showCount(item);
}

function showCount(item) {
  const ms = item.deadline - performance.now();
  const left = duration(ms);
  if (item.count.textContent === left) return;
  item.count.textContent = left;
  item.li.classList.toggle('dying', ms <= DYING_MS);
}

const topOf = (element) => element.getBoundingClientRect().top;

const inOrder = (messages) => messages.map((message) => [Date.parse(message.created_at), message])
  .sort(([one], [other]) => one - other).map(([, message]) => message);

function stopMotions(item) {
  for (const motion of item.motions) motion.cancel();
  item.motions = [];
}

/** On top of those that are under way. */
function glide(element, from) {
  element.animate({ transform: [`translateY(${from}px)`, 'translateY(0)'] },
    { duration: GLIDE_MS, easing: 'cubic-bezier(.2, .7, .3, 1)', composite: 'add' });
}

function appear(li) {
  if (!still.matches) li.animate({ opacity: [0, 1] }, { duration: GLIDE_MS });
}

function fillIn(li, { message, author }) {
  if (author) li.querySelector('.author').textContent = author;
  li.querySelector('.text').replaceChildren(...linked(message));
  foldLong(li, message);
}

/** A text that would fill the screen is shown in part, with a button for the rest. */
function foldLong(li, text) {
  if (text.length < LONG_CHARACTERS && text.split('\n').length < LONG_LINES) return;
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'quiet' });
  button.onclick = () => {
    const folded = li.classList.toggle('folded');
    button.textContent = say(folded ? 'more' : 'less');
    button.setAttribute('aria-expanded', String(!folded));
  };
  button.onclick();
  li.querySelector('.text').after(button);
}
