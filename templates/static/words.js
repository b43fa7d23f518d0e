// The texts of the reader's language, and what is made of them: durations, times, texts with links.

const { units, texts } = JSON.parse(document.body.dataset.texts);
const language = document.documentElement.lang;

/** The text called `name`, its {marks} filled in from `values`. */
export function say(name, values = {}) {
  return fill(texts[name], values);
}

/** The one of two forms that goes with `n`. */
export function sayCount(name, n) {
  return fill(texts[name][n === 1 ? 0 : 1], { n });
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (mark, name) => values[name] ?? mark);

/** "42 s", "9 min", "1 day": one unit, rounded, as page_language.c does it. */
export function duration(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [minutes, hours, days] = [60, 3600, 86400].map((unit) => Math.round(seconds / unit));
  const [unit, n] = seconds < 60 ? ['second', seconds]
    : minutes < 60 ? ['minute', minutes]
      : hours < 24 ? ['hour', hours] : ['day', days];
  return fill(units[unit][n === 1 ? 0 : 1], { n });
}

// The reader's own kind of that language: 14:05 or 2:05 PM.
const locales = [...navigator.languages.filter((tag) => tag.slice(0, 2) === language.slice(0, 2)), language];

const clock = new Intl.DateTimeFormat(locales, { hour: '2-digit', minute: '2-digit' });
const calendar = new Intl.DateTimeFormat(locales,
  { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const exact = new Intl.DateTimeFormat(locales, { dateStyle: 'full', timeStyle: 'medium' });

/** When something was sent, for a reader at `now`; both in milliseconds by the server's clock. */
export function sentAt(ms, now) {
  const sameDay = new Date(ms).toDateString() === new Date(now).toDateString();
  return (sameDay ? clock : calendar).format(ms);
}

export const sentAtLength = (ms) => exact.format(ms);

// A link ends before spaces, quotes, brackets, and anything invisible that could dress it up.
const LINK = /https?:\/\/[^\s<>"'`\p{C}\u2028\u2029]+/giu;
const TRAILING = /[.,;:!?)\]}*_~。，；：！？）」、]+$/u;

/** `text` as nodes: text, and links around text. */
export function linked(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const href = trimmed(match[0]);
    if (!isWebAddress(href)) continue;
    if (match.index > end) nodes.push(document.createTextNode(text.slice(end, match.index)));
    nodes.push(anchor(href));
    end = match.index + href.length;
  }
  if (end < text.length) nodes.push(document.createTextNode(text.slice(end)));
  return nodes;
}

/** Without the punctuation of the sentence around it, but with a closing bracket of its own. */
function trimmed(link) {
  const bare = link.replace(TRAILING, '');
  return bare.includes('(') && link[bare.length] === ')' ? `${bare})` : bare;
}

function isWebAddress(href) {
  try {
    return /^https?:$/.test(new URL(href).protocol);
  } catch {
    return false;
  }
}

function anchor(href) {
  const link = document.createElement('a');
  link.href = href;
  link.rel = 'noopener noreferrer nofollow';
  link.target = '_blank';
  link.textContent = href;
  return link;
}
