// Puts the page's parts together: what comes in goes to the list, and the header shows how.

import { claim, setUpCompose } from './compose.js';
import { follow } from './live.js';
import * as list from './message-list.js';
import { setUpPanels } from './panels.js';
import { say, sayCount } from './words.js';

const title = document.title;
const newer = document.getElementById('newer');
const state = document.getElementById('state');
let unread = 0;

function changed({ count, added }) {
  document.getElementById('empty').hidden = count > 0;
  const isSeen = list.isAtEnd() && !document.hidden;
  showUnread(isSeen ? 0 : Math.min(unread + added, count));
}

function showUnread(count) {
  unread = count;
  document.title = count && document.hidden ? `(${count}) ${title}` : title;
  newer.hidden = !count || list.isAtEnd();
  if (count) newer.textContent = sayCount('new', count);
}

newer.addEventListener('click', () => {
  list.toEnd();
  showUnread(0);
  document.getElementById('log').focus({ preventScroll: true });
});
document.getElementById('log').addEventListener('scroll', () => {
  if (unread && list.isAtEnd() && !document.hidden) showUnread(0);
}, { passive: true });
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) showUnread(list.isAtEnd() ? 0 : unread);
});

function showState(name) {
  state.dataset.state = name;
  state.title = say(`${name}_more`);
  state.querySelector('.word').textContent = say(name);
}

list.setUpList({ onChange: changed, claim });
setUpCompose();
setUpPanels();

follow((news) => {
  if (news.type === 'list') list.replace(news.messages);
  if (news.type === 'add') list.add(news.message);
  if (news.type === 'gone') list.remove(news.id);
  if (news.type === 'state') showState(news.state);
});
