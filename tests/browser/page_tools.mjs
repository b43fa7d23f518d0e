// What the page's tests add to the harness: a proxy between the browser and the gateway. It sees
// every request, of workers too, and can refuse, delay and cut them as a bad network would.

import assert from 'node:assert/strict';
import http from 'node:http';
import { clientOf, newRoom, until } from '../integration/harness.mjs';
import { assertQuiet, withBrowser, WAIT_MS } from './harness.mjs';

export { assertQuiet, newRoom, until, WAIT_MS };

export const WIDTHS = [360, 1280];
export const SCHEMES = ['light', 'dark'];

class Proxy {
  requests = [];
  streams = new Set(); // open event streams: { url, cut() }
  /** Set by a test: answers a request itself, with { status, headers, body }, 'cut' or undefined. */
  answer = () => undefined;
  #server;
  #sockets = new Set();

  constructor(upstream) {
    this.upstream = new URL(upstream);
    this.#server = http.createServer((request, response) => this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  close() {
    this.cutAll();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  cutAll() {
    for (const socket of this.#sockets) socket.destroy();
  }

  count(pattern) {
    return this.requests.filter(({ method, url }) => pattern.test(`${method} ${url}`)).length;
  }

  async #serve(request, response) {
    const chunks = [];
    request.on('error', () => {});
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks);
    this.requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    const own = await this.answer({ method: request.method, url: request.url, headers: request.headers, body });
    if (own === 'cut') request.socket.destroy();
    else if (own) response.writeHead(own.status, own.headers).end(own.body ?? '');
    else this.#pass(request, response, body);
  }

  #pass(request, response, body) {
    const { hostname, port } = this.upstream;
    const { method, url: path, headers } = request;
    const stream = { url: path, cut: () => request.socket.destroy() };
    const upstream = http.request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
      if (/event-stream/.test(answer.headers['content-type'] ?? '')) this.streams.add(stream);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => {
      this.streams.delete(stream);
      upstream.destroy();
    });
    upstream.end(body);
  }
}

export const problem = (status, type, detail, headers = {}) => ({
  status,
  headers: { 'Content-Type': 'application/problem+json', ...headers },
  body: JSON.stringify({ type: `urn:tempmessenger:problem:${type}`, title: type, status, detail }),
});

/** Opens `path` through the proxy; what the console or a script complains of is in `complaints`. */
async function open(browser, proxy, path, { context, init, ...contextOptions } = {}) {
  const home = context ?? await browser.newContext({ locale: 'en-GB', ...contextOptions });
  home.setDefaultTimeout(WAIT_MS);
  if (init) await home.addInitScript(init);
  const page = await home.newPage();
  const complaints = [];
  page.on('console', (entry) => {
    // The machine's own interfaces may come and go meanwhile.
    if (!entry.text().includes('ERR_NETWORK_CHANGED')) complaints.push(`${entry.type()}: ${entry.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  page.on('request', (sent) => {
    if (!sent.url().startsWith(`${proxy.url}/`)) complaints.push(`foreign: ${sent.url()}`);
  });
  await page.goto(`${proxy.url}${path}`);
  return { context: home, page, complaints };
}

/** A test with both services, the proxy and a browser: `body({ api, room, proxy, open, … })`. */
export function withPage(body, options = {}) {
  return withBrowser(async (given) => {
    const proxy = await new Proxy(given.stack.gateway.url).listen();
    given.world.onClose(() => proxy.close());
    await body({
      ...given,
      proxy,
      api: clientOf(given.stack.gateway),
      room: newRoom(),
      open: (path, openOptions) => open(given.browser, proxy, path, openOptions),
    });
  }, options);
}

export const stateIs = (page, ...names) => page.waitForFunction(
  (wanted) => wanted.includes(document.getElementById('state').dataset.state), names, { timeout: 20_000 });

export const send = async (page, text) => {
  await page.fill('#compose textarea[name=message]', text);
  await page.keyboard.press('Enter');
};

/** The shifts of what the reader sees that nobody asked for, as browsers count them. */
export const watchShifts = () => {
  globalThis.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shifts += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
};

export async function assertNoSideways(page) {
  const [content, view] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const log = document.getElementById('log');
    return [Math.max(scrollWidth - clientWidth, log.scrollWidth - log.clientWidth), clientWidth];
  });
  assert.ok(content <= 0, `${content} px of ${view} to scroll sideways`);
}
