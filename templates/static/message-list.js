// The messages on the page: in the order in which they were sent, each with its line that burns
// down. The only place that touches the list.
//
// Changes are gathered and made together, once a frame. What is seen keeps its place: at the end the
// list follows, elsewhere the topmost message that is seen stays where it is, and those that have to
// move glide. Lifetimes run on performance.now(), from the moment at which `expires_in` came: what
// the device takes for the time of day plays no part.

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

export class MessageList {
  #ol = document.getElementById('messages');
  #scroller = document.getElementById('log');
  #template = document.getElementById('message-template').content.querySelector('li');
  #items = new Map(); // by id
  #seen = new Set(); // items in view
  #changes = [];
  #timer;
  #serverClock = 0; // the server's wall clock less performance.now()
  #onChange;
  #claim = () => undefined;
  #glides = new WeakMap();
  #observer = new IntersectionObserver((entries) => this.#observe(entries), { root: this.#scroller });

  /** `onChange({ count, added })` follows each change of what is shown. */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#adopt();
    setInterval(() => this.#tick(), TICK_MS);
  }

  get isAtEnd() {
    return Math.abs(this.#scroller.scrollTop) <= END_SLACK_PX; // it counts from its end
  }

  /** `claim(message)` returns the element that stands for it already, where it was sent from here. */
  claimWith(claim) {
    this.#claim = claim;
  }

  toEnd() {
    this.#scroller.scrollTop = 0;
  }

  /** The whole list, as the server knows it. */
  replace(messages) {
    const ids = new Set(messages.map(({ id }) => id));
    const now = performance.now();
    for (const [id, item] of this.#items) {
      if (!ids.has(id) && now > item.keptUntil) this.remove(id);
    }
    for (const message of inOrder(messages)) this.add(message);
  }

  /** One message; `sent` is the element that stands for it already, where that is known. */
  add(message, sent) {
    const deadline = performance.now() + message.expires_in;
    this.#serverClock = Date.parse(message.expires_at) - deadline;
    const known = this.#items.get(message.id);
    if (known) {
      known.deadline = Math.min(known.deadline, deadline);
      if (known.text.textContent !== message.message) known.text.replaceChildren(...linked(message.message));
      if (sent && sent !== known.li) this.removeUnsent(sent);
      return;
    }
    const li = sent ?? this.#claim(message);
    const item = this.#itemOf(li ?? this.#template.cloneNode(true), {
      id: message.id,
      created: Date.parse(message.created_at),
      deadline,
      lifetime: Date.parse(message.expires_at) - Date.parse(message.created_at),
      keptUntil: li ? performance.now() + OWN_GRACE_MS : 0,
    });
    if (!li) fillIn(item.li, message);
    item.li.dataset.id = message.id;
    this.#items.set(item.id, item);
    this.#show(item, message.created_at);
    this.#later(() => this.#place(item), { added: li ? 0 : 1 });
  }

  remove(id) {
    const item = this.#items.get(id);
    if (!item) return;
    this.#items.delete(id);
    this.#later(() => this.#drop(item));
  }

  /** A message that is being sent: at the end, without a time to live as yet. */
  addUnsent(text, author) {
    const li = this.#template.cloneNode(true);
    fillIn(li, { message: text, author });
    li.classList.add('unsent');
    this.#later(() => {
      appear(li);
      this.#ol.append(li);
    });
    return li;
  }

  removeUnsent(li) {
    this.#later(() => li.remove());
  }

  // ---- what is on the page already ----

  #adopt() {
    const [navigation] = performance.getEntriesByType('navigation');
    const came = navigation?.responseStart ?? 0;
    for (const li of this.#ol.children) {
      const item = this.#itemOf(li, {
        id: li.dataset.id,
        created: Date.parse(li.querySelector('.sent').dateTime),
        deadline: came + Number(li.dataset.expiresIn),
        lifetime: Number(li.dataset.lifetime),
        keptUntil: 0,
      });
      this.#serverClock = item.created + item.lifetime - item.deadline;
      this.#items.set(item.id, item);
      const text = item.text.textContent;
      item.text.replaceChildren(...linked(text));
      foldLong(item.li, text);
      this.#show(item, li.querySelector('.sent').dateTime);
      this.#observer.observe(li);
    }
    this.#later(() => {});
  }

  #itemOf(li, facts) {
    return { ...facts, li, text: li.querySelector('.text'), count: li.querySelector('.count'), motions: [] };
  }

  #show(item, createdAt) {
    const sent = item.li.querySelector('.sent');
    sent.dateTime = createdAt;
    sent.textContent = sentAt(item.created, performance.now() + this.#serverClock);
    sent.title = sentAtLength(item.created);
    item.li.classList.remove('unsent');
    this.#count(item);
  }

  // ---- changes ----

  #later(change, { added = 0 } = {}) {
    this.#changes.push({ change, added });
    if (this.#changes.length > 1) return;
    if (document.hidden) setTimeout(() => this.#flush(), 0);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    const changes = this.#changes;
    this.#changes = [];
    this.#keepingPlace(() => {
      for (const { change } of changes) change();
      this.#dropExpired();
    });
    this.#setTimer();
    const added = changes.reduce((sum, change) => sum + change.added, 0);
    this.#onChange({ count: this.#ol.children.length, added });
  }

  #place(item) {
    const next = this.#after(item);
    if (item.li.parentNode !== this.#ol || item.li.nextElementSibling !== next) {
      if (!item.li.isConnected) appear(item.li);
      this.#ol.insertBefore(item.li, next);
    }
    this.#observer.observe(item.li);
  }

  /** The element before which `item` belongs: most often none. What is unsent stays last. */
  #after(item) {
    let next = null;
    for (let li = this.#ol.lastElementChild; li; li = li.previousElementSibling) {
      if (li === item.li) continue;
      const other = this.#items.get(li.dataset.id);
      if (other && other.created <= item.created) return next;
      next = li;
    }
    return next;
  }

  #drop(item) {
    this.#observer.unobserve(item.li);
    this.#seen.delete(item);
    stopMotions(item);
    item.li.remove();
  }

  #dropExpired() {
    const now = performance.now();
    for (const item of this.#items.values()) {
      if (item.deadline > now) continue;
      this.#items.delete(item.id);
      this.#drop(item);
    }
  }

  #setTimer() {
    clearTimeout(this.#timer);
    let soonest = Infinity;
    for (const { deadline } of this.#items.values()) soonest = Math.min(soonest, deadline);
    if (soonest === Infinity) return;
    const wait = Math.min(Math.max(0, soonest - performance.now()), TIMER_MAX_MS);
    this.#timer = setTimeout(() => this.#later(() => {}), wait);
  }

  /** Changes the list so that the reader's place in it stays, and what moves glides. */
  #keepingPlace(change) {
    const atEnd = this.isAtEnd;
    const moving = [this.#ol, ...this.#ol.querySelectorAll('.unsent'), ...[...this.#seen].map(({ li }) => li)];
    const before = moving.map((element) => ({ element, top: topOf(element) }));
    for (const element of moving) this.#glides.get(element)?.cancel();
    change();
    const [list, ...rest] = before.filter(({ element }) => element.isConnected);
    const anchor = rest.reduce((first, next) => (next.top < first.top ? next : first), rest[0]);
    if (atEnd) this.toEnd();
    else if (anchor) this.#scroller.scrollTop += topOf(anchor.element) - anchor.top;
    if (still.matches) return;
    const moved = ({ element, top }) => top - topOf(element);
    const all = moved(list);
    const apart = rest.map((one) => ({ element: one.element, by: moved(one) - all }));
    for (const { element, by } of [{ element: this.#ol, by: all }, ...apart]) {
      if (Math.abs(by) >= 1) this.#glides.set(element, glide(element, by));
    }
  }

  // ---- time ----

  #observe(entries) {
    for (const { target, isIntersecting } of entries) {
      const item = this.#items.get(target.dataset.id);
      if (!item) continue;
      if (isIntersecting) this.#burn(item);
      else this.#rest(item);
    }
  }

  /** Starts what moves by itself, only where it is seen. */
  #burn(item) {
    this.#seen.add(item);
    this.#count(item);
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

  #rest(item) {
    this.#seen.delete(item);
    stopMotions(item);
  }

  #tick() {
    if (!document.hidden) for (const item of this.#seen) this.#count(item);
  }

  #count(item) {
    const ms = item.deadline - performance.now();
    const left = duration(ms);
    if (item.count.textContent === left) return;
    item.count.textContent = left;
    item.li.classList.toggle('dying', ms <= DYING_MS);
  }
}

const topOf = (element) => element.getBoundingClientRect().top;

const inOrder = (messages) => messages.map((message) => [Date.parse(message.created_at), message])
  .sort(([one], [other]) => one - other).map(([, message]) => message);

function stopMotions(item) {
  for (const motion of item.motions) motion.cancel();
  item.motions = [];
}

function glide(element, from) {
  return element.animate({ transform: [`translateY(${from}px)`, 'none'] },
    { duration: GLIDE_MS, easing: 'cubic-bezier(.2, .7, .3, 1)' });
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
