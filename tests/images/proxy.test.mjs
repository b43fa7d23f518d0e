// The examples of proxies in deploy/proxy: nginx in front of a gateway, over TLS and HTTP/2. Caddy's is
// run by compose.test.mjs.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import YAML from 'yaml';
import { until } from '../integration/harness.mjs';
import { DEPLOY, podman, prepare, PROXY_IMAGE, SETUP_TIMEOUT_MS, Yard } from './engine.mjs';

const HOST = 'messages.example.org';
const AT_ONCE_MS = 2000;
const read = (name) => readFileSync(path.join(DEPLOY, 'proxy', name), 'utf8');

/** One request on an HTTP/2 session: its headers, its text so far, and its end. */
function ask(session, headers, body) {
  const stream = session.request({ ':authority': HOST, ...headers });
  const answer = { text: '', stream };
  answer.ended = new Promise((resolve, reject) => {
    stream.on('response', (got) => Object.assign(answer, { status: got[':status'], headers: got }));
    stream.setEncoding('utf8');
    stream.on('data', (chunk) => {
      answer.text += chunk;
    });
    stream.on('end', () => resolve(answer));
    stream.on('error', reject);
  });
  answer.ended.catch(() => {});
  stream.end(body);
  return answer;
}

describe('nginx.conf', () => {
  const yard = new Yard();
  let session;
  before(async () => {
    await prepare({ proxy: true });
    const network = await yard.network();
    await yard.service('message-service', { network, alias: 'message-service' });
    const gateway = await yard.service('web-gateway', {
      network, alias: 'web-gateway', env: { MESSAGE_SERVICE_URL: 'http://message-service:8001' },
    });
    await gateway.ready();
    const folder = await yard.folder();
    // As it stands, but for the place of the gateway, which is not on the proxy's own machine here.
    writeFileSync(path.join(folder, 'tempmessenger.conf'), read('nginx.conf').replace('127.0.0.1:8000', 'web-gateway:8000'));
    const certificate = `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=${HOST} `
      + `-keyout /etc/ssl/private/${HOST}.key -out /etc/ssl/${HOST}.pem 2>/dev/null`;
    const box = await yard.container(PROXY_IMAGE, {
      port: 443, flags: ['--network', network, '--volume', `${folder}:/etc/nginx/conf.d:ro`],
      command: ['sh', '-c', `${certificate} && nginx -t && exec nginx -g 'daemon off;'`],
    });
    session = await until('nginx speaks HTTP/2', () => new Promise((resolve) => {
      const attempt = http2.connect(`https://127.0.0.1:${box.port}`, { rejectUnauthorized: false, servername: HOST });
      attempt.once('connect', () => resolve(attempt));
      attempt.once('error', () => resolve(undefined));
    }), 20_000, 200).catch(async (error) => {
      error.message += `\n${await box.logs()}`;
      throw error;
    });
    session.on('error', () => {});
    yard.onClose(() => session.destroy());
    await until('the gateway has found the message service', async () =>
      (await ask(session, { ':path': '/messages' }).ended).status === 200, 30_000, 200);
  }, { timeout: SETUP_TIMEOUT_MS });
  after(() => yard.close());

  test('lets the page\'s own origin send, and no other', async () => {
    const post = (origin) => ask(session, {
      ':method': 'POST', ':path': '/messages', 'content-type': 'application/json', origin,
    }, '{"message": "a"}').ended;
    assert.equal((await post(`https://${HOST}`)).status, 204);
    assert.equal((await post('https://elsewhere.example')).status, 403);
  });

  for (const target of ['/events', '/rooms/lobby/events']) {
    test(`passes the events of ${target} on at once`, async () => {
      const events = ask(session, { ':path': target });
      await until('the snapshot is there', () => events.text.includes('event: snapshot'), AT_ONCE_MS);
      await ask(session, { ':method': 'POST', ':path': '/messages' }, `{"message": "on ${target}"}`).ended;
      await until('the message is there', () => events.text.includes(`on ${target}`), AT_ONCE_MS);
      events.stream.close();
    });
  }

  test('keeps the numbers to itself', async () => {
    for (const target of ['/metrics', '/metrics?x=y', '//metrics', '/x/../metrics', '/%6detrics']) {
      const answer = await ask(session, { ':path': target }).ended;
      assert.equal(answer.status, 404, target);
      assert.ok(!answer.text.includes('tempmessenger_'), target);
    }
  });

  test('shows the page', async () => {
    const page = await ask(session, { ':path': '/', accept: 'text/html' }).ended;
    assert.equal(page.status, 200);
    assert.match(page.headers['content-security-policy'], /default-src 'none'/);
  });
});

describe('the other examples', () => {
  before(() => prepare({ proxy: true, images: false }), { timeout: SETUP_TIMEOUT_MS });

  test('the Caddyfile is valid', async () => {
    const { code, stderr } = await podman(['run', '--rm', '--volume', `${DEPLOY}/proxy/Caddyfile:/etc/caddy/Caddyfile:ro`,
      '--env', `DOMAIN=${HOST}`, PROXY_IMAGE, 'caddy', 'validate', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'],
    { anyStatus: true });
    assert.equal(code, 0, stderr);
  });

  test('Traefik\'s file has a router with a service, and a server', () => {
    const { http: { routers, services } } = YAML.parse(read('traefik.yaml'), { strict: true });
    for (const { service, tls, rule } of Object.values(routers)) {
      assert.match(rule, /&& !Path\(`\/metrics`\)$/);
      assert.ok(tls);
      assert.ok(services[service].loadBalancer.servers.length > 0);
    }
  });
});
