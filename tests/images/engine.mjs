// What the tests of the images stand on: podman, a base image made from Debian's packages (nothing is
// pulled from a registry), both services built by script/images, and containers that are always
// removed.
//
// Needs root, podman and mmdebstrap; script/bootstrap installs them. The base image and the layers
// stay in podman's store, so that only the first run takes its time; what was compiled in earlier
// runs does not.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { closeAll, freePort, request, until, within } from '../integration/harness.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const DEPLOY = path.join(ROOT, 'deploy');
export const SERVICES = ['message-service', 'web-gateway'];
export const PORTS = { 'message-service': 8001, 'web-gateway': 8000 };

const NAME = 'localhost/tempmessenger-test';
const BASE = `${NAME}-base:bookworm`;
export const REDIS_IMAGE = `${NAME}-redis:bookworm`;
export const PROXY_IMAGE = `${NAME}-proxy:bookworm`;
/** Every checkout has images of its own: two of them can be tested on one machine. */
const CHECKOUT = `${NAME}-${createHash('sha256').update(ROOT).digest('hex').slice(0, 8)}`;
export const imageOf = (service, tag = 'test') => `${CHECKOUT}/${service}:${tag}`;

export const SETUP_TIMEOUT_MS = 240_000;
const COMMAND_TIMEOUT_MS = 60_000;
const READY_TIMEOUT_MS = 30_000;
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;

const scratch = mkdtempSync(path.join(tmpdir(), 'tempmessenger-images-'));
process.on('exit', () => {
  try {
    execFileSync('rm', ['-rf', scratch]);
  } catch {
    // Nothing depends on it.
  }
});

/** The hard limit of this process: a container may not have more, and podman's defaults are higher. */
function hardLimit(name, most) {
  const row = readFileSync('/proc/self/limits', 'utf8').split('\n').find((line) => line.startsWith(name));
  const [, hard] = row.slice(name.length).trim().split(/\s+/);
  return hard === 'unlimited' ? most : Math.min(Number(hard), most);
}
const FILES = hardLimit('Max open files', 20_000);
const PROCESSES = hardLimit('Max processes', 4096);

function makeEnvironment() {
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot' };
  for (const name of ['GATEWAY_IMAGE', 'SERVICE_IMAGE', 'PUBLISH', 'PULL_POLICY', 'CPUS', 'ENGINE', 'TAG', 'NAME', 'BASE']) {
    delete env[name];
  }
  if (env.CONTAINERS_CONF === undefined) {
    env.CONTAINERS_CONF = path.join(scratch, 'containers.conf');
    const runtime = existsSync('/usr/sbin/runc') || existsSync('/usr/bin/runc') ? '[engine]\nruntime="runc"\n' : '';
    writeFileSync(env.CONTAINERS_CONF, '[containers]\n'
      + `default_ulimits=["nofile=${FILES}:${FILES}","nproc=${PROCESSES}:${PROCESSES}"]\n`
      + `${runtime}[network]\nnetwork_backend="netavark"\n`);
  }
  return env;
}
export const environment = makeEnvironment();

const BUILD_FLAGS = ['--isolation', 'chroot', '--network', 'host',
  '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];

/** Runs a command; rejects with its output where it fails, unless `anyStatus`. */
export function run(command, args, { cwd, env = {}, timeoutMs = COMMAND_TIMEOUT_MS, anyStatus = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, {
      cwd, env: { ...environment, ...env }, timeout: timeoutMs, maxBuffer: OUTPUT_MAX_BYTES, killSignal: 'SIGKILL',
    }, (error, stdout, stderr) => {
      if (error && (error.killed || !anyStatus)) {
        error.message += `\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`;
        reject(error);
      } else {
        resolve({ code: error ? error.code : 0, stdout, stderr });
      }
    });
    child.stdin.end();
  });
}

export const podman = (args, options) => run('podman', args, options);

const exists = async (image) => (await podman(['image', 'exists', image], { anyStatus: true })).code === 0;

async function makeBase() {
  if (await exists(BASE)) return;
  const tar = path.join(scratch, 'base.tar');
  await run('mmdebstrap', ['--quiet', '--variant=minbase', 'bookworm', tar], { timeoutMs: SETUP_TIMEOUT_MS });
  await podman(['import', '--quiet', tar, BASE]);
  await rm(tar);
}

/** A stand-in for an image that a registry would give: Debian with a few packages. */
async function makeStandIn(image, packages, more = '') {
  await makeBase();
  if (await exists(image)) return;
  const folder = mkdtempSync(path.join(scratch, 'context-'));
  writeFileSync(path.join(folder, 'Dockerfile'),
    `FROM ${BASE}\nRUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y `
    + `--no-install-recommends ${packages} && rm -rf /var/lib/apt/lists/*\n${more}`);
  await podman(['build', ...BUILD_FLAGS, '--format', 'docker', '--tag', image, folder],
    { timeoutMs: SETUP_TIMEOUT_MS });
}

/** Like the official image: user 999, data in /data. */
const makeRedis = () => makeStandIn(REDIS_IMAGE, 'redis-server',
  'RUN mkdir -p /data && chown 999:999 /data\nVOLUME /data\nWORKDIR /data\n');

const makeProxy = () => makeStandIn(PROXY_IMAGE, 'caddy nginx-light openssl ca-certificates',
  'ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config\n'
  + 'CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]\n');

/** Builds both images by script/images. */
export function buildImages({ cwd = ROOT, tag = 'test', base = BASE, flags = [] } = {}) {
  return run(path.join(cwd, 'script/images'), [], {
    cwd, timeoutMs: SETUP_TIMEOUT_MS,
    env: { ENGINE: 'podman', NAME: CHECKOUT, TAG: tag, BASE: base, BUILD_FLAGS: [...BUILD_FLAGS, ...flags].join(' ') },
  });
}

/** For `before`: what of these a file of tests needs. Files that run at once take turns. */
export async function prepare({ redis = false, proxy = false, images = true } = {}) {
  assert.equal(process.getuid(), 0, 'the tests of the images need root');
  await withLock(path.join(tmpdir(), 'tempmessenger-images.lock'), async () => {
    await makeBase();
    if (redis) await makeRedis();
    if (proxy) await makeProxy();
    if (images) {
      await podman(['image', 'prune', '--force', '--filter', 'label=org.tempmessenger.stage=build', '--filter', 'until=1h']);
      await buildImages();
    }
  });
}

/** Holds a lock file while `body` runs, by a `flock` of our own that waits for its input to end. */
async function withLock(file, body) {
  const holder = execFile('flock', [file, 'sh', '-c', 'echo held; cat']);
  await within(SETUP_TIMEOUT_MS, 'the other tests of images', new Promise((resolve) => {
    holder.stdout.once('data', resolve);
  }));
  try {
    return await body();
  } finally {
    holder.stdin.end();
  }
}

let names = 0;

/** A name that nothing else on this machine has. */
export function newName(stem) {
  names += 1;
  return `tmtest-${process.pid}-${names}-${stem}`;
}

/** Lets the bridges that a running container is on keep their hardware address. A bridge takes the
 *  lowest one of its ports unless it was given one: where no udev does that, each container that comes
 *  or goes may leave the others with a stale neighbour where DNS is, for many seconds. */
export async function pinBridges(container) {
  const { stdout } = await podman(['container', 'inspect', container]);
  for (const network of Object.keys(JSON.parse(stdout)[0].NetworkSettings.Networks)) {
    const bridge = JSON.parse((await podman(['network', 'inspect', network])).stdout)[0].network_interface;
    const address = readFileSync(`/sys/class/net/${bridge}/address`, 'utf8').trim();
    await run('ip', ['link', 'set', 'dev', bridge, 'address', address]);
  }
}

/** One container. */
export class Container {
  constructor(name, port) {
    this.name = name;
    this.port = port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async inspect() {
    return JSON.parse((await podman(['container', 'inspect', this.name])).stdout)[0];
  }

  async logs() {
    const { stdout, stderr } = await podman(['logs', this.name]);
    return `${stdout}${stderr}`;
  }

  /** What the service itself wrote, a line each. */
  async entries() {
    const lines = (await this.logs()).split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line));
  }

  exec(...command) {
    return podman(['exec', this.name, ...command], { anyStatus: true });
  }

  status(target) {
    return request(this.url, { path: target }).then(({ status }) => status, () => 0);
  }

  alive() {
    return until(`${this.name} is alive`, async () => (await this.status('/livez')) === 200, READY_TIMEOUT_MS, 50)
      .catch(async (error) => {
        error.message += `\n${(await this.logs()).slice(-2000)}`;
        throw error;
      });
  }

  ready() {
    return until(`${this.name} is ready`, async () => (await this.status('/readyz')) === 200, READY_TIMEOUT_MS, 50)
      .catch(async (error) => {
        error.message += `\n${(await this.logs()).slice(-2000)}`;
        throw error;
      });
  }

  /** Stops it as an engine does: SIGTERM, and SIGKILL after `graceS`. Returns how it ended. */
  async stop(graceS = 15) {
    const begin = Date.now();
    await podman(['stop', '--time', String(graceS), this.name]);
    const { State: state } = await this.inspect();
    return { code: state.ExitCode, ms: Date.now() - begin };
  }
}

/** Containers and networks of a test; all are gone after close(). */
export class Yard {
  #closers = [];

  onClose(close) {
    this.#closers.push(close);
  }

  async network(...flags) {
    const name = newName('net');
    await podman(['network', 'create', ...flags, name]);
    this.onClose(() => podman(['network', 'rm', '--force', name]));
    return name;
  }

  async folder() {
    const folder = mkdtempSync(path.join(tmpdir(), 'tempmessenger-yard-'));
    this.onClose(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  /** Starts a container; `port` is the one inside that is published on the loopback. */
  async container(image, { name = newName('box'), port, flags = [], command = [] } = {}) {
    const published = port === undefined ? undefined : await freePort();
    this.onClose(() => podman(['rm', '--force', '--time', '0', '--volumes', name], { anyStatus: true }));
    await podman(['run', '--detach', '--name', name,
      ...(port === undefined ? [] : ['--publish', `127.0.0.1:${published}:${port}`]), ...flags, image, ...command]);
    await pinBridges(name);
    return new Container(name, published);
  }

  /** One of the two services, locked down as the deployments do it. */
  service(service, { env = {}, network, alias, flags = [], tag } = {}) {
    return this.container(imageOf(service, tag), {
      name: newName(service), port: PORTS[service],
      flags: ['--read-only', '--cap-drop', 'all', '--security-opt', 'no-new-privileges',
        ...(network ? ['--network', network] : []), ...(alias ? ['--network-alias', alias] : []),
        ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]), ...flags],
    });
  }

  redis({ network, alias = 'redis', flags = [], command = ['redis-server', '--save', '', '--protected-mode', 'no'] }) {
    return this.container(REDIS_IMAGE, {
      name: newName('redis'), flags: ['--network', network, '--network-alias', alias, '--user', '999:999', ...flags], command,
    });
  }

  async close() {
    await closeAll(this.#closers);
  }
}

/** The body of a test with a yard of its own. */
export function withYard(body) {
  return async () => {
    const yard = new Yard();
    try {
      await body(yard);
    } finally {
      await yard.close();
    }
  };
}

/** An open event stream: what came on it, and how it ended. */
export class Stream {
  constructor(base, target = '/events') {
    this.text = '';
    this.ended = new Promise((resolve) => {
      const { hostname, port } = new URL(base);
      this.request = http.get({ hostname, port, path: target, agent: false }, (response) => {
        this.status = response.statusCode;
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          this.text += chunk;
        });
        response.on('end', () => resolve('end'));
        response.on('error', () => resolve('error'));
      });
      this.request.on('error', () => resolve('error'));
    });
  }

  get open() {
    return /^event: (snapshot|resumed)$/m.test(this.text);
  }

  close() {
    this.request.destroy();
  }
}
