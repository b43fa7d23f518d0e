// The panels in the page's head are <details> and work without this script. It adds copying, the QR
// code, the origin, room names as people type them, and Escape.

import { say } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const QUIET_ZONE = 4;
const COPIED_MS = 2000;
const ROOM_MAX = 64;

const panels = [...document.querySelectorAll('details.panel')];

export function setUpPanels() {
  for (const panel of panels) panel.addEventListener('toggle', () => opened(panel));
  document.addEventListener('keydown', ({ key }) => key === 'Escape' && close({ refocus: true }));
  document.addEventListener('pointerdown', ({ target }) => !target.closest('details.panel') && close());
  setUpRooms();
  setUpShare(`${location.origin}/rooms/${document.body.dataset.room}`);
  for (const origin of document.querySelectorAll('.origin')) origin.textContent = location.origin;
}

function opened(panel) {
  if (!panel.open) return;
  for (const other of panels) if (other !== panel) other.open = false;
}

function close({ refocus = false } = {}) {
  for (const panel of panels) {
    if (panel.open && refocus) panel.querySelector('summary').focus();
    panel.open = false;
  }
}

// ---- rooms ----

/** "Ops Team" is ops-team. */
const roomName = (typed) => typed.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '')
  .replace(/[\s_./-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, ROOM_MAX);

function setUpRooms() {
  const form = document.getElementById('rooms');
  const { room } = form.elements;
  form.noValidate = true;
  room.addEventListener('input', () => room.setCustomValidity(''));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const name = roomName(room.value);
    if (/^[a-z0-9][a-z0-9-]*$/.test(name)) {
      location.assign(`/rooms/${name}`);
      return;
    }
    room.setCustomValidity(say('invalid_room'));
    room.reportValidity();
  });
}

// ---- sharing ----

function setUpShare(link) {
  const field = document.getElementById('link');
  const button = document.getElementById('copy');
  const name = button.textContent;
  field.value = link;
  field.addEventListener('focus', () => field.select());
  button.hidden = false;
  button.addEventListener('click', async () => {
    button.textContent = say(await copy(field) ? 'copied' : 'copy_by_hand');
    setTimeout(() => {
      button.textContent = name;
    }, COPIED_MS);
  });
  const place = document.getElementById('qr');
  document.getElementById('share').addEventListener('toggle', async () => {
    const { qrCode } = await import('./qr.js');
    const rows = qrCode(link);
    if (rows) place.replaceChildren(picture(rows));
  });
}

/** The clipboard's own interface wants HTTPS. */
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand('copy');
  }
}

function picture(rows) {
  const size = rows.length + 2 * QUIET_ZONE;
  const svg = document.createElementNS(SVG, 'svg');
  const paper = document.createElementNS(SVG, 'rect');
  const ink = document.createElementNS(SVG, 'path');
  const dark = rows.flatMap((row, y) => row.map((bit, x) =>
    (bit ? `M${x + QUIET_ZONE} ${y + QUIET_ZONE}h1v1h-1z` : '')));
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', say('qr'));
  paper.setAttribute('width', size);
  paper.setAttribute('height', size);
  paper.setAttribute('fill', '#fff');
  ink.setAttribute('d', dark.join(''));
  ink.setAttribute('fill', '#000');
  svg.append(paper, ink);
  return svg;
}
