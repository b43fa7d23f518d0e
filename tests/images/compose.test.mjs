// deploy/compose.yaml as it stands, run by podman-compose: one project for all of these tests.

import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { clientOf, freePort, request, sleep, until } from '../integration/harness.mjs';
import {
  Container, DEPLOY, imageOf, newName, pinBridges, podman, prepare, PROXY_IMAGE, REDIS_IMAGE, run, SETUP_TIMEOUT_MS, Stream, Yard,
} from './engine.mjs';

const PARTS = ['redis', 'message-service', 'web-gateway'];
const HEALTH_TIMEOUT_MS = 20_000;
const TTL_S = 600;
const ASKED_MIN = 50;
const SETTINGS = 'RATE_LIMIT=off\nMESSAGE_TTL=5m\n';

/** A copy of deploy/ with secrets and settings of its own, and what podman-compose makes of it. */
class Project {
  constructor(folder, port, env = {}, files = ['compose.yaml']) {
    this.folder = folder;
    this.port = port;
    this.name = newName('project');
    this.files = files.flatMap((file) => ['-f', file]);
    this.env = {
      GATEWAY_IMAGE: imageOf('web-gateway'), SERVICE_IMAGE: imageOf('message-service'), REDIS_IMAGE, PROXY_IMAGE,
      PUBLISH: `127.0.0.1:${port}`, ...env,
    };
  }

  compose(...args) {
    return run('podman-compose', ['-p', this.name, ...this.files, ...args],
      { cwd: this.folder, env: this.env, timeoutMs: SETUP_TIMEOUT_MS });
  }

  async up() {
    await this.compose('up', '-d');
    for (const name of PARTS) await pinBridges(this.part(name).name);
  }

  part(name, number = 1) {
    return new Container(`${this.name}_${name}_${number}`, name === 'web-gateway' ? this.port : undefined);
  }

  get gateway() {
    return this.part('web-gateway');
  }

  get api() {
    return clientOf({ url: this.gateway.url, name: 'web-gateway' });
  }

  async down() {
    await this.compose('down', '--volumes', '--timeout', '5');
    for (const name of ['front', 'middle', 'back']) {
      await podman(['network', 'rm', '--force', `${this.name}_${name}`], { anyStatus: true });
    }
  }
}

async function makeProject(yard, env, files) {
  const folder = path.join(await yard.folder(), 'deploy');
  cpSync(DEPLOY, folder, { recursive: true });
  await run(path.join(folder, 'make-secrets'), []);
  writeFileSync(path.join(folder, '.env'), SETTINGS);
  const project = new Project(folder, await freePort(), env, files);
  yard.onClose(() => project.down());
  return project;
}

describe('compose.yaml', () => {
  const yard = new Yard();
  let project;
  before(async () => {
    await prepare({ redis: true });
    project = await makeProject(yard);
    await project.up();
    await project.gateway.ready();
  }, { timeout: SETUP_TIMEOUT_MS });
  after(() => yard.close());

  test('sends, lists, shows and streams a message', async () => {
    const stream = new Stream(project.gateway.url);
    await until('the stream is open', () => stream.open);
    const made = await project.api.create('lobby', { message: 'ahoy', ttl: TTL_S });
    assert.deepEqual((await project.api.list('lobby')).map(({ id }) => id), [made.id]);
    assert.match((await request(project.gateway.url, { path: '/' })).text, /ahoy/);
    await until('the message is on the stream', () => stream.text.includes(made.id));
    stream.close();
    assert.equal((await request(project.gateway.url, { path: '/konnichiwa' })).text.trim(), 'Konnichiwa!');
  });

  test('takes settings from the file .env, and has the programs\' own without', async () => {
    const made = await project.api.create('lobby', { message: 'by its own' });
    assert.ok(made.expires_in > 290_000 && made.expires_in <= 300_000, JSON.stringify(made));
    const answer = await project.api.postTo('lobby', { message: 'a' });
    assert.equal(answer.headers['ratelimit-policy'], undefined);
    const { Config: { Env: env } } = await project.part('message-service').inspect();
    assert.ok(env.includes('MESSAGE_TTL_MAX=1d'), env.join());
  });

  test('each part is healthy by its own check', async () => {
    for (const name of PARTS) {
      const part = project.part(name);
      await until(`${name} is healthy`,
        async () => (await podman(['healthcheck', 'run', part.name], { anyStatus: true })).code === 0,
        HEALTH_TIMEOUT_MS, 200);
    }
  });

  test('each part is locked down', async () => {
    for (const name of PARTS) {
      const { HostConfig: host, EffectiveCaps: caps, Config: config } = await project.part(name).inspect();
      assert.equal(host.ReadonlyRootfs, true, name);
      assert.deepEqual(caps ?? [], [], name);
      assert.match(config.User, /^[1-9]\d*:[1-9]\d*$/, name);
      assert.ok(host.Memory > 0, name);
      assert.match(host.RestartPolicy.Name, /unless-stopped/, name);
    }
  });

  test('only the gateway is published', async () => {
    for (const name of PARTS) {
      const { NetworkSettings: { Ports: ports } } = await project.part(name).inspect();
      const published = Object.values(ports ?? {}).filter((hosts) => hosts !== null && hosts.length > 0);
      assert.equal(published.length, name === 'web-gateway' ? 1 : 0, name);
    }
  });

  test('from outside neither the message service nor Redis is reached', async () => {
    const outside = await yard.network();
    const reach = async (network, address, port) => (await podman(['run', '--rm', '--network', network, REDIS_IMAGE,
      'timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${address}/${port}`], { anyStatus: true })).code === 0;
    for (const [name, port] of [['message-service', 8001], ['redis', 6379]]) {
      const { NetworkSettings: { Networks: networks } } = await project.part(name).inspect();
      for (const [network, { IPAddress: address }] of Object.entries(networks)) {
        assert.equal(await reach(network, address, port), true, `${name} at ${address}, from ${network}`);
        assert.equal(await reach(outside, address, port), false, `${name} at ${address}`);
      }
    }
  });

  test('the gateway has no way to Redis', async () => {
    const networks = async (name) => Object.keys((await project.part(name).inspect()).NetworkSettings.Networks);
    const [gateway, redis] = [await networks('web-gateway'), await networks('redis')];
    assert.deepEqual(gateway.filter((network) => redis.includes(network)), []);
  });

  test('Redis wants the password, which is in no list of processes', async () => {
    const redis = project.part('redis');
    assert.match((await redis.exec('redis-cli', 'ping')).stdout, /NOAUTH/);
    const secret = (await redis.exec('cat', '/run/secrets/redis_password')).stdout.trim();
    assert.match(secret, /^[0-9a-f]{64}$/);
    const { stdout } = await redis.exec('sh', '-c', 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ');
    assert.ok(stdout.includes('redis-server') && !stdout.includes(secret));
    const cli = (...args) => redis.exec('sh', '-c', `REDISCLI_AUTH=${secret} redis-cli ${args.join(' ')}`);
    assert.match((await cli('config', 'get', 'maxmemory-policy')).stdout, /noeviction/);
    assert.match((await cli('config', 'get', 'appendonly')).stdout, /yes/);
  });

  for (const name of PARTS) {
    test(`a restart of ${name} loses nothing, and all goes on`, async () => {
      const made = await project.api.create(`restart-${name}`, { message: 'kept', ttl: TTL_S });
      await podman(['restart', '--time', '15', project.part(name).name]);
      await project.gateway.alive();
      await until('a message is sent again', async () => {
        const answer = await project.api.postTo(`restart-${name}`, { message: 'after', ttl: TTL_S }).catch(() => ({}));
        return answer.status === 204;
      });
      const kept = await until('both are listed', async () => {
        const answer = await project.api.get(`/rooms/restart-${name}/messages`);
        return answer.status === 200 && answer.json().length === 2 ? answer.json() : undefined;
      });
      assert.equal(kept[0].id, made.id);
      await project.gateway.ready();
    });
  }

  test('`down` and `up` again find the messages on the volume', async () => {
    const made = await project.api.create('kept', { message: 'kept', ttl: TTL_S });
    await project.compose('down', '--timeout', '15');
    await project.up();
    await project.gateway.ready();
    await until('it is listed', async () => {
      const answer = await project.api.get('/rooms/kept/messages');
      return answer.status === 200 && answer.json().some(({ id }) => id === made.id);
    });
  });
});

/** One request to the proxy, over TLS with a certificate that nobody signed. */
function secure(port, { method = 'GET', target = '/', body, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = https.request({
      host: '127.0.0.1', port, path: target, method, servername: 'localhost', rejectUnauthorized: false, agent: false,
      headers: { Host: `localhost:${port}`, ...headers },
    }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode, text }));
    });
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('timed out')));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

describe('compose.proxy.yaml with two of each service', () => {
  const yard = new Yard();
  let project;
  let port;
  before(async () => {
    await prepare({ redis: true, proxy: true });
    port = await freePort();
    project = await makeProject(yard, {
      PUBLISH: '127.0.0.1:', HTTP_PORT: `127.0.0.1:${await freePort()}`, HTTPS_PORT: `127.0.0.1:${port}`,
    }, ['compose.yaml', 'compose.proxy.yaml']);
    await project.up();
    await until('the proxy has a gateway that is ready',
      async () => (await secure(port, { target: '/readyz' }).catch(() => ({}))).status === 200, 30_000, 200);
  }, { timeout: SETUP_TIMEOUT_MS });
  after(() => yard.close());

  test('the proxy is locked down too, and published for HTTP/3', async () => {
    const { HostConfig: host, EffectiveCaps: caps, NetworkSettings: { Ports: ports } } = await project.part('proxy').inspect();
    assert.equal(host.ReadonlyRootfs, true);
    assert.deepEqual(caps, ['CAP_NET_BIND_SERVICE']);
    assert.deepEqual(Object.keys(ports).filter((name) => ports[name]).sort(), ['443/tcp', '443/udp', '80/tcp']);
  });

  test('a message sent through TLS shows at both gateways', async () => {
    const sent = await secure(port, { method: 'POST', target: '/messages', body: '{"message": "to all", "ttl": 60}' });
    assert.equal(sent.status, 204, sent.text);
    for (const number of [1, 2]) {
      const gateway = project.part('web-gateway', number);
      const { NetworkSettings: { Ports: ports } } = await gateway.inspect();
      gateway.port = Number(ports['8000/tcp'][0].HostPort);
      await gateway.ready();
      await until(`gateway ${number} shows it`,
        async () => (await request(gateway.url, { path: '/messages' })).text.includes('to all'));
    }
    const { stdout } = await podman(['ps', '--filter', `label=io.podman.compose.project=${project.name}`, '--format', '{{.Names}}']);
    assert.equal(stdout.trim().split('\n').filter((name) => name.includes('message-service')).length, 2);
  });

  test('readers notice nothing of a gateway that goes', async () => {
    const gone = project.part('web-gateway', 1);
    const stopped = gone.stop();
    const answers = [];
    for (let over = false; !over || answers.length < ASKED_MIN;) {
      answers.push((await secure(port, { target: '/messages' })).status);
      over = over || (await Promise.race([stopped, sleep(20)])) !== undefined;
    }
    assert.equal((await stopped).code, 0);
    assert.deepEqual([...new Set(answers)], [200]);
    await podman(['start', gone.name]);
  });
});
