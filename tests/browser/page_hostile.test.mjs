// A few hundred texts that have broken other pages: each is shown to the letter, by the server and by
// the script, and nothing of it runs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shows } from './harness.mjs';
import { assertNoSideways, assertQuiet, stateIs, withPage } from './page_tools.mjs';

const RUN = 'globalThis.hacked=1';
const TEXT_MAX_BYTES = 4096;

const tags = ['script', 'img', 'svg', 'iframe', 'object', 'embed', 'style', 'link', 'meta', 'base', 'form', 'input',
  'button', 'textarea', 'select', 'template', 'noscript', 'plaintext', 'xmp', 'title', 'body', 'html', 'frameset',
  'math', 'video', 'audio', 'details', 'marquee', 'table', 'ol', 'li', 'a', 'slot', 'x-y', '!--', '![CDATA[', '?xml'];
const handlers = ['onload', 'onerror', 'onclick', 'onfocus autofocus', 'ontoggle', 'onpointerover', 'onanimationstart',
  'onbegin', 'onbeforetoggle'];
const schemes = ['javascript:', 'JaVaScRiPt:', 'java\tscript:', ' javascript:', 'data:text/html,', 'vbscript:',
  'blob:', 'file:///', '//example.org/', 'http:javascript:', 'https://user:password@example.org/', 'https://[::1]:8/',
  'http://%00/', 'https://', 'http://a..b/', 'https://example.org/"onclick="', 'https://example.org/<b>'];
const syntax = ['{{message}}', '{{{message}}}', '{{&message}}', '{{#messages}}', '{{/messages}}', '{{^x}}', '{{!x}}',
  '{{> home}}', '{{=<% %>=}}', '{{', '}}', '{{t.title}}', '{% x %}', '<%= x %>', '<?= x ?>', '#{x}', '[[x]]', '$x',
  '%s%n%d', '%00', '{0}', '{n}', '{detail}', '$&', '$1', '$`', '\\', '\\u003cscript\\u003e', '\\x3cb\\x3e', '__proto__',
  'constructor', 'toString', 'hasOwnProperty', 'null', 'undefined', 'NaN', 'true', '0', '-1', '1e999', '[]', '{}',
  '#', '# x', '##', '//', '/*', '*/', '--', "' OR 1=1 --", '; DROP TABLE messages', '\r', 'a\rb', 'a\r\nb', '\r\n\r\nx',
  'data: x', 'event: expired\ndata: {}', 'id: 1', ': comment', 'retry: 1', '\n\ndata: {"id":"x"}\n\n'];
const entities = ['&lt;', '&amp;lt;', '&#60;', '&#x3c;', '&lt', '&', '&&', '&nbsp;', '&NewLine;', '&quot;', "'", '"', '`',
  '<', '>', '<>', '</', '</li></ol>', '</p></body></html>', '</textarea></form>', '</script>', '</style>', '</title>',
  '</template>', '</noscript>', '<!doctype html>', '-->', ']]>'];
const invisible = [0x00ad, 0x034f, 0x061c, 0x115f, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028,
  0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2063, 0x2066, 0x2067, 0x2068, 0x2069, 0x206f, 0x3164,
  0xfe0f, 0xfeff, 0xfff9, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0x1d173, 0xe0001, 0xe0041, 0xe0100, 0x10ffff]
  .map((code) => String.fromCodePoint(code));
const scripts = ['שלום world', 'مرحبا 123 hello', 'ﷺ', '漢字かな交じり文', 'ไทยไม่เว้นวรรค', 'नमस्ते', '👩‍👩‍👧‍👦', '🏳️‍🌈', '🇨🇳🇬🇧', 'e\u0301', 'é', 'ﬀ',
  'Ａ', '①', '℡', 'İ', 'ß', '𝕏', '\u{20000}', '꧅', 'a\tb', '  two  spaces  ', ' leading', 'trailing ', '\n\nbreaks\n\n'];

const fill = (piece) => piece.repeat(Math.floor((TEXT_MAX_BYTES - 1) / Buffer.byteLength(piece))) + 'a';

const HOSTILE = [
  ...tags.flatMap((tag) => [`<${tag}>${RUN}</${tag}>`, `</${tag}>`, `<${tag} src=x onerror="${RUN}">`]),
  ...handlers.flatMap((handler) => [`<img ${handler}=${RUN}>`, `" ${handler}="${RUN}" x="`, `' ${handler}='${RUN}`]),
  ...schemes.flatMap((scheme) => [`${scheme}${RUN}`, `<a href="${scheme}${RUN}">x</a>`, `https://example.org/?u=${scheme}${RUN}`]),
  ...syntax, ...entities, ...scripts,
  ...invisible.flatMap((mark) => [`a${mark}b`, `${mark}x${mark}`, `https://example.org/${mark}gpj.exe`]),
  ...['\t', '\n', '\r'].map((control) => `a${control}b`),
  ...['\u0301', '\u0489', '\u20dd', '\u200b', '\u202e', '\u2067', '\u00a0', '\ufdfd', '\u{12031}', '<', '&', '"', '{{', '\\', '🏳️‍🌈', '%00']
    .map(fill),
];

/** A member's string as JSON keeps it; a text that is blank for the service gets a letter. */
const visible = (text) => (/[^\p{C}\p{Z}\s\p{M}\u115f\u3164\u17b4]/u.test(text) ? text : `${text}x`);

/** What of a text may be in a name. */
const nameOf = (text) => text.replace(/\s+/g, ' ').replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');

test(`${HOSTILE.length} hostile texts are shown to the letter, and nothing runs`, withPage(
  async ({ api, room, open, proxy }) => {
    const texts = HOSTILE.map(visible);
    assert.ok(texts.length >= 400);
    const shown = texts.map((text, i) => [text, i % 2 ? nameOf(text).slice(0, 20) : undefined]);
    const { page, complaints } = await open(`/rooms/${room}`);
    await stateIs(page, 'live', 'polling');
    const accepted = [];
    for (const [text, name] of shown) {
      const author = name && /[a-z]/i.test(name) ? name : undefined;
      const answer = await api.postTo(room, { message: text, author, ttl: 600 });
      assert.equal(answer.status, 204, `${JSON.stringify(text.slice(0, 80))}: ${answer.text}`);
      accepted.push(text);
    }
    const runs = async (where) => {
      await shows(where, accepted, 30_000);
      assert.equal(await where.evaluate(() => globalThis.hacked), undefined);
      const elements = await where.locator('#messages *').evaluateAll((all) => [...new Set(all.map((one) => one.localName))]);
      assert.deepEqual(elements.filter((name) => !['li', 'p', 'bdi', 'time', 'span', 'div', 'i', 'a', 'button'].includes(name)), []);
      const links = await where.locator('#messages a').evaluateAll((all) => all.map(({ protocol, textContent, rel }) => [
        protocol, rel, /[\p{C}\s]/u.test(textContent)]));
      for (const link of links) assert.deepEqual([/^https?:$/.test(link[0]), ...link.slice(1)],
        [true, 'noopener noreferrer nofollow', false]);
      await assertNoSideways(where);
    };
    await runs(page);
    await page.reload();
    await runs(page);
    const plain = await open(`/rooms/${room}`, { javaScriptEnabled: false, viewport: { width: 360, height: 720 } });
    assert.deepEqual(await plain.page.locator('#messages > li .text').allTextContents(), accepted);
    assert.equal(proxy.count(/example|javascript/), 0);
    assertQuiet(complaints);
  }));

test('a hostile room name never gets as far as the page', withPage(async ({ api, open, room }) => {
  for (const name of ['<script>', '%3Cscript%3E', '..%2f..', 'A', '-a', 'a'.repeat(65), '%00']) {
    const answer = await api.get(`/rooms/${encodeURIComponent(name)}`);
    assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`);
    assert.doesNotMatch(answer.headers['content-type'], /html/);
  }
  const { page, complaints } = await open(`/rooms/${room}`);
  await page.click('.rooms summary');
  await page.fill('#room-name', '<>"');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.querySelector('#room-name').validity.customError), true);
  assert.equal(new URL(page.url()).pathname, `/rooms/${room}`);
  assertQuiet(complaints);
}));
