// Sending. What was typed is never lost: it shows at once as "sending", and where that fails it
// stays, with the reason and a way to try again, even across a reload. A second try has the first
// one's idempotency key, so that nothing is posted twice.

import { duration, say, sayCount } from './words.js';

const ANSWER_MAX_MS = 15_000;
const DRAFT_PAUSE_MS = 300;

// The browser may forbid its storages: then nothing is remembered.
function recall(storage, key) {
  try {
    return JSON.parse(globalThis[storage].getItem(key)) ?? {};
  } catch {
    return {};
  }
}

function remember(storage, key, value) {
  try {
    globalThis[storage].setItem(key, JSON.stringify(value));
  } catch {
    // full or forbidden
  }
}

export class Compose {
  #room;
  #list;
  #form = document.getElementById('compose');
  #box = this.#form.elements.message;
  #note = document.getElementById('note');
  #textMax = Number(document.body.dataset.textMax);
  #unsent = new Set();
  #queue = Promise.resolve(); // one after the other: they arrive in the order in which they were sent
  #draftTimer;

  constructor(room, list) {
    this.#room = room;
    this.#list = list;
    this.#recall();
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener('keydown', (event) => this.#key(event));
    this.#box.addEventListener('input', () => this.#typed());
    this.#form.addEventListener('change', () => this.#keep());
    addEventListener('pagehide', () => this.#keep());
    this.#box.removeAttribute('required');
  }

  /** Whether this message, which came from elsewhere, is one that is just being sent here: then its
   * element. */
  claim(message) {
    for (const sending of this.#unsent) {
      if (!sending.underWay || sending.text !== message.message) continue;
      if ((sending.author || undefined) !== message.author) continue;
      this.#unsent.delete(sending);
      sending.status.remove();
      return sending.li;
    }
    return undefined;
  }

  // ---- the form ----

  #key(event) {
    const sends = event.key === 'Enter' && !event.shiftKey && !event.altKey;
    if (!sends || event.isComposing || event.keyCode === 229) return; // Enter picks a word there
    event.preventDefault();
    this.#submit();
  }

  #typed() {
    this.#grow();
    this.#checkLength();
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(() => this.#keep(), DRAFT_PAUSE_MS);
  }

  #grow() {
    this.#box.style.height = 'auto';
    const borders = this.#box.offsetHeight - this.#box.clientHeight;
    this.#box.style.height = this.#box.value && `${this.#box.scrollHeight + borders}px`;
  }

  #checkLength() {
    const over = this.#textMax ? new TextEncoder().encode(this.#box.value).length - this.#textMax : 0;
    this.#say(over > 0 ? sayCount('too_long', over) : '');
    return over <= 0;
  }

  #say(text) {
    if (this.#note.textContent !== text) this.#note.textContent = text;
  }

  #submit() {
    const text = this.#box.value;
    if (!this.#checkLength()) return;
    if (text.trim() === '') {
      this.#say(say('blank'));
      return;
    }
    const { ttl, author } = this.#form.elements;
    this.#try(this.#begin({ text, ttl: ttl.value, author: author.value.trim(), key: newKey() }));
    this.#box.value = '';
    this.#typed();
    this.#list.toEnd();
  }

  // ---- sending ----

  #begin(fields) {
    const sending = { ...fields, li: this.#list.addUnsent(fields.text, fields.author) };
    sending.status = Object.assign(document.createElement('p'), { className: 'sending' });
    sending.li.querySelector('.text').after(sending.status);
    this.#unsent.add(sending);
    return sending;
  }

  #try(sending) {
    sending.underWay = true;
    this.#show(sending, say('sending'));
    this.#queue = this.#queue.then(() => this.#post(sending));
    this.#keep();
  }

  async #post(sending) {
    try {
      const answer = await this.#request(sending);
      if (answer.status === 201) this.#accepted(sending, await answer.json());
      else await this.#refused(sending, answer);
    } catch {
      this.#failed(sending, say('failed_network'));
    }
  }

  #request({ text, ttl, author, key }) {
    return fetch(`/rooms/${this.#room}/messages`, {
      method: 'POST',
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
      headers: {
        'Content-Type': 'application/json', Prefer: 'return=representation', 'Idempotency-Key': key,
      },
      body: JSON.stringify({
        message: text, ...(ttl && { ttl: Number(ttl) }), ...(author && { author }),
      }),
    });
  }

  #accepted(sending, message) {
    sending.status.remove();
    const isHere = this.#unsent.delete(sending);
    this.#list.add(message, isHere ? sending.li : undefined);
    this.#keep();
  }

  async #refused(sending, answer) {
    const { type = '', detail = '' } = await answer.json().catch(() => ({}));
    const wait = answer.status === 429 ? 1000 * (Number(answer.headers.get('Retry-After')) || 1) : 0;
    const reason = type.endsWith(':room-full') ? 'full'
      : wait ? 'busy'
        : answer.status === 413 ? 'large'
          : answer.status >= 500 ? 'away' : 'refused';
    this.#failed(sending, say(`failed_${reason}`, { detail, s: duration(wait) }), wait);
  }

  /** It stays, and can be tried again after `wait`. */
  #failed(sending, reason, wait = 0) {
    if (!this.#unsent.has(sending)) return; // it came back by another way
    sending.underWay = false;
    const again = quietButton(say('retry'), () => this.#try(sending));
    again.disabled = wait > 0;
    setTimeout(() => {
      again.disabled = false;
    }, wait);
    this.#show(sending, reason, again, quietButton(say('edit'), () => this.#edit(sending)),
      quietButton(say('discard'), () => this.#forget(sending)));
    this.#keep();
  }

  #show(sending, reason, ...buttons) {
    sending.li.classList.toggle('failed', buttons.length > 0);
    sending.status.replaceChildren(Object.assign(document.createElement('span'), { textContent: reason }),
      ...buttons);
  }

  #edit(sending) {
    const typed = this.#box.value;
    this.#box.value = typed ? `${sending.text}\n${typed}` : sending.text;
    this.#forget(sending);
    this.#typed();
    this.#box.focus();
  }

  #forget(sending) {
    this.#unsent.delete(sending);
    this.#list.removeUnsent(sending.li);
    this.#keep();
  }

  // ---- what is remembered ----

  get #place() {
    return `unsent/${this.#room}`;
  }

  /** The draft and what could not be sent, for a reload; the choices, for the device. */
  #keep() {
    const unsent = [...this.#unsent].map(({ text, ttl, author, key }) => ({ text, ttl, author, key }));
    remember('sessionStorage', this.#place, { draft: this.#box.value, unsent });
    const { ttl, author } = this.#form.elements;
    remember('localStorage', 'choices', { ttl: ttl.value, author: author.value });
  }

  #recall() {
    const choices = recall('localStorage', 'choices');
    const { ttl, author } = this.#form.elements;
    if ([...ttl.options].some(({ value }) => value === choices.ttl)) ttl.value = choices.ttl;
    author.value ||= choices.author ?? '';
    const { draft = '', unsent = [] } = recall('sessionStorage', this.#place);
    this.#box.value ||= draft;
    if (this.#box.value) this.#typed();
    for (const fields of unsent) this.#failed(this.#begin(fields), say('unsent'));
  }
}

/** 128 random bits; crypto.randomUUID wants HTTPS. */
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)),
  (byte) => byte.toString(16).padStart(2, '0')).join('');

function quietButton(text, act) {
  const button = Object.assign(document.createElement('button'),
    { type: 'button', className: 'quiet', textContent: text });
  button.addEventListener('click', act);
  return button;
}
