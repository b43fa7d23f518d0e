// Sending. What was typed is never lost: a failed text stays, even across a reload, and is sent
// again under its first idempotency key, so that nothing is posted twice.

import * as list from './message-list.js';
import { duration, say, sayCount } from './words.js';

const ANSWER_MAX_MS = 15_000;
// Pasted control characters, which the service refuses, and direction marks in a name.
const REFUSED_IN_TEXT = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;
const REFUSED_IN_NAME = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
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

const form = document.getElementById('compose');
const box = form.elements.message;
const note = document.getElementById('note');
const { room } = document.body.dataset;
const textMax = Number(document.body.dataset.textMax);
const memoryKey = `unsent/${room}`;
const unsent = new Set();
let queue = Promise.resolve(); // one after the other: they arrive in the order in which they were sent
let draftTimer;

export function setUpCompose() {
  bringBack();
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  box.addEventListener('keydown', keyPressed);
  box.addEventListener('input', typed);
  form.elements.author.addEventListener('input', nameTyped);
  form.addEventListener('change', keep);
  addEventListener('pagehide', keep);
  box.removeAttribute('required');
}

/** The element of this message, if it is just being sent from here. */
export function claim(message) {
  for (const sending of unsent) {
    if (!sending.underWay || sending.text !== message.message) continue;
    if ((sending.author || undefined) !== message.author) continue;
    unsent.delete(sending);
    sending.status.remove();
    return sending.li;
  }
  return undefined;
}

// ---- the form ----

function keyPressed(event) {
  const sends = event.key === 'Enter' && !event.shiftKey && !event.altKey;
  if (!sends || event.isComposing || event.keyCode === 229) return; // Enter picks a word there
  event.preventDefault();
  submit();
}

function typed() {
  drop(box, REFUSED_IN_TEXT);
  grow();
  checkLength();
  clearTimeout(draftTimer);
  draftTimer = setTimeout(keep, DRAFT_PAUSE_MS);
}

function nameTyped() {
  drop(form.elements.author, REFUSED_IN_NAME);
}

/** Takes the refused characters out of a field; the caret keeps its place. */
function drop(field, refused) {
  const { value, selectionStart } = field;
  const clean = value.replace(refused, '');
  if (clean === value) return;
  const caret = value.slice(0, selectionStart).replace(refused, '').length;
  field.value = clean;
  field.setSelectionRange(caret, caret);
}

function grow() {
  box.style.height = 'auto';
  const borders = box.offsetHeight - box.clientHeight;
  box.style.height = box.value && `${box.scrollHeight + borders}px`;
}

function checkLength() {
  const over = textMax ? new TextEncoder().encode(box.value).length - textMax : 0;
  showNote(over > 0 ? sayCount('too_long', over) : '');
  return over <= 0;
}

function showNote(text) {
  if (note.textContent !== text) note.textContent = text;
}

function submit() {
  const text = box.value;
  if (!checkLength()) return;
  if (text.trim() === '') {
    showNote(say('blank'));
    return;
  }
  const { ttl, author } = form.elements;
  tryToSend(begin({ text, ttl: ttl.value, author: author.value.trim(), key: newKey() }));
  box.value = '';
  typed();
  list.toEnd();
}

// ---- sending ----

function begin(fields) {
  const sending = { ...fields, li: list.addUnsent(fields.text, fields.author) };
  sending.status = Object.assign(document.createElement('p'), { className: 'sending' });
  sending.li.querySelector('.text').after(sending.status);
  unsent.add(sending);
  return sending;
}

function tryToSend(sending) {
  sending.underWay = true;
  showStatus(sending, say('sending'));
  queue = queue.then(() => post(sending));
  keep();
}

async function post(sending) {
  try {
    const answer = await request(sending);
    if (answer.status === 201) accepted(sending, await answer.json());
    else await refused(sending, answer);
  } catch {
    failed(sending, say('failed_network'));
  }
}

function request({ text, ttl, author, key }) {
  return fetch(`/rooms/${room}/messages`, {
    method: 'POST',
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
    headers: {
      'Content-Type': 'application/json', Prefer: 'return=representation', 'Idempotency-Key': key,
    },
    body: JSON.stringify({ message: text, ...(ttl && { ttl: Number(ttl) }), ...(author && { author }) }),
  });
}

function accepted(sending, message) {
  sending.status.remove();
  const isHere = unsent.delete(sending);
  list.add(message, isHere ? sending.li : undefined);
  keep();
}

async function refused(sending, answer) {
  const { type = '', detail = '' } = await answer.json().catch(() => ({}));
  const wait = answer.status === 429 ? 1000 * (Number(answer.headers.get('Retry-After')) || 1) : 0;
  const reason = type.endsWith(':room-full') ? 'full'
    : wait ? 'busy'
      : answer.status === 413 ? 'large'
        : answer.status >= 500 ? 'away' : 'refused';
  failed(sending, say(`failed_${reason}`, { detail, s: duration(wait) }), wait);
}

/** It can be tried again after `wait`. */
function failed(sending, reason, wait = 0) {
  if (!unsent.has(sending)) return; // it came back by another way
  sending.underWay = false;
  const again = quietButton(say('retry'), () => tryToSend(sending));
  again.disabled = wait > 0;
  setTimeout(() => {
    again.disabled = false;
  }, wait);
  showStatus(sending, reason, again, quietButton(say('edit'), () => edit(sending)),
    quietButton(say('discard'), () => forget(sending)));
  keep();
}

function showStatus(sending, reason, ...buttons) {
  sending.li.classList.toggle('failed', buttons.length > 0);
  sending.status.replaceChildren(Object.assign(document.createElement('span'), { textContent: reason }),
    ...buttons);
}

function edit(sending) {
  box.value = box.value ? `${sending.text}\n${box.value}` : sending.text;
  forget(sending);
  typed();
  box.focus();
}

function forget(sending) {
  unsent.delete(sending);
  list.removeUnsent(sending.li);
  keep();
}

// ---- what is remembered ----

/** The draft and what could not be sent, for a reload; the choices, for the device. */
function keep() {
  const failed = [...unsent].map(({ text, ttl, author, key }) => ({ text, ttl, author, key }));
  remember('sessionStorage', memoryKey, { draft: box.value, failed });
  const { ttl, author } = form.elements;
  remember('localStorage', 'choices', { ttl: ttl.value, author: author.value });
}

function bringBack() {
  const choices = recall('localStorage', 'choices');
  const { ttl, author } = form.elements;
  if ([...ttl.options].some(({ value }) => value === choices.ttl)) ttl.value = choices.ttl;
  author.value ||= choices.author ?? '';
  nameTyped();
  const before = recall('sessionStorage', memoryKey);
  box.value ||= before.draft ?? '';
  if (box.value) typed();
  for (const fields of before.failed ?? []) failed(begin(fields), say('unsent'));
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
