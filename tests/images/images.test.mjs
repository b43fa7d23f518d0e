// The two images as files and as containers: what is in them, what is not, and how they run locked
// down.

import assert from 'node:assert/strict';
import { cpSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { request } from '../integration/harness.mjs';
import {
  buildImages, imageOf, newName, podman, PORTS, prepare, ROOT, run, SERVICES, SETUP_TIMEOUT_MS,
  withYard,
} from './engine.mjs';

const SIZE_MAX_BYTES = 30 * 1000 * 1000;
const STOP_MAX_MS = 8000;
const SOURCES = ['CMakeLists.txt', 'CMakePresets.json', 'Dockerfile', '.dockerignore', 'LICENSE', 'cmake', 'deploy',
  'libcommon', 'message-service', 'script', 'templates', 'web-gateway'];

before(() => prepare(), { timeout: SETUP_TIMEOUT_MS });

const inspect = async (image) => JSON.parse((await podman(['image', 'inspect', image])).stdout)[0];

/** The files of an image: mode, path. */
async function filesOf(image) {
  const name = newName('list');
  await podman(['create', '--name', name, image]);
  try {
    const { stdout } = await run('sh', ['-c', `podman export ${name} | tar -tv --numeric-owner`]);
    return stdout.split('\n').filter((line) => line !== '').map((line) => {
      const [mode, owner, size] = line.split(/\s+/);
      return { mode, owner, size: Number(size), path: `/${line.split(/\s+/).slice(5).join(' ')}` };
    });
  } finally {
    await podman(['rm', name]);
  }
}

async function digestOf(image, file) {
  const name = newName('digest');
  await podman(['create', '--name', name, image]);
  try {
    const { stdout } = await run('sh', ['-c', `podman cp ${name}:${file} - | tar -xO | sha256sum`]);
    return stdout.trim();
  } finally {
    await podman(['rm', name]);
  }
}

for (const service of SERVICES) {
  describe(`the image of ${service}`, () => {
    test('is at most 30 MB', async () => {
      const { Size: size } = await inspect(imageOf(service));
      assert.ok(size <= SIZE_MAX_BYTES, `${size} bytes`);
    });

    test('says what it is and how it is run', async () => {
      const { Config: config, Labels: labels, HealthCheck, Healthcheck } = await inspect(imageOf(service));
      assert.equal(config.User, '65532:65532');
      assert.deepEqual(config.Entrypoint, [`/usr/bin/${service}`]);
      assert.ok(config.Env.includes('BIND_ADDRESS=0.0.0.0'), config.Env.join());
      assert.deepEqual(Object.keys(config.ExposedPorts), [`${PORTS[service]}/tcp`]);
      const label = (name) => labels[`org.opencontainers.image.${name}`];
      assert.equal(label('title'), `TempMessenger ${service}`);
      assert.ok(label('description'));
      assert.equal(label('licenses'), 'MIT');
      assert.match(readFileSync(path.join(ROOT, 'CMakeLists.txt'), 'utf8'), new RegExp(` VERSION ${label('version')}\\b`));
      assert.equal(label('revision').replace(/-dirty$/, ''), (await run('git', ['rev-parse', 'HEAD'], { cwd: ROOT })).stdout.trim());
      assert.match(label('created'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const health = HealthCheck ?? Healthcheck ?? config.Healthcheck;
      assert.deepEqual(health.Test, ['CMD', `/usr/bin/${service}`, '--healthcheck']);
    });

    test('holds the program, what it loads and nothing else that runs', async () => {
      const files = (await filesOf(imageOf(service))).filter(({ mode }) => mode.startsWith('-'));
      const programs = files.filter(({ mode, path: file }) => mode.includes('x')
        && !file.startsWith('/lib') && !file.startsWith('/usr/lib'));
      assert.deepEqual(programs.map(({ path: file }) => file), [`/usr/bin/${service}`]);
      for (const { path: file, mode, owner } of files) {
        assert.doesNotMatch(file, /\/(ba|da|z)?sh$|busybox|apt|dpkg/);
        assert.doesNotMatch(mode, /^-..s|^-.....s|^-.......w/, `${file} ${mode}`);
        assert.equal(owner, '0/0', file);
      }
      const has = (pattern) => files.some(({ path: file }) => pattern.test(file));
      assert.ok(has(/^\/usr\/share\/doc\/tempmessenger\/LICENSE$/));
      assert.equal(has(/ca-certificates\.crt$/), service === 'web-gateway');
      assert.equal(has(/templates\/home\.html$/), service === 'web-gateway');
    });

    test('runs read-only, without capabilities, as any user', withYard(async (yard) => {
      const box = await yard.service(service, { flags: ['--user', '12345:54321'] });
      await box.alive();
      const health = await box.exec(`/usr/bin/${service}`, '--healthcheck');
      assert.deepEqual([health.code, health.stdout], [0, `${service}: alive\n`]);
      const page = await request(box.url, { path: service === 'web-gateway' ? '/static/page.css' : '/messages' });
      assert.equal(page.status, 200, page.text);
      const { code, ms } = await box.stop();
      assert.equal(code, 0);
      assert.ok(ms < STOP_MAX_MS, `${ms} ms`);
    }));

    test('the health check goes where the settings point, and fails with 1 and a line', withYard(async (yard) => {
      const box = await yard.service(service, { env: { BIND_ADDRESS: '::', PORT: '9000' } });
      const check = (...env) => podman(['exec', ...env, box.name, `/usr/bin/${service}`, '--healthcheck'], { anyStatus: true });
      for (let tries = 0; tries < 50 && (await check()).code !== 0; tries += 1);
      assert.equal((await check()).code, 0);
      const wrong = await check('--env', 'PORT=9001');
      assert.deepEqual([wrong.code, wrong.stdout], [1, `${service}: not alive: Couldn't connect to server\n`]);
    }));

    test('a wrong setting ends it with status 2 and one line', async () => {
      const { code, stderr } = await podman(['run', '--rm', '--env', 'PORT=x', imageOf(service)], { anyStatus: true });
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`^${service}: PORT: "x" is not `, 'm'));
    });
  });
}

describe('the build', () => {
  test('takes nothing but Debian\'s packages and runs no tests', () => {
    const text = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
    assert.doesNotMatch(text, /^ADD|https?:\/\/|curl |wget |git clone|npm|pip/m);
    assert.doesNotMatch(text, /ctest|script\/test/);
    assert.match(text, /-DBUILD_TESTING=OFF/);
    const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, from]) => from);
    assert.deepEqual([...new Set(bases)].sort(), ['${BASE}', 'scratch', 'service', 'toolchain'].sort());
  });

  test('of one source, elsewhere and at another time, gives the same binaries', withYard(async (yard) => {
    const folder = await yard.folder();
    for (const name of SOURCES) cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
    // A file that nothing reads makes all that is copied new to the cache: only the compiler is kept.
    writeFileSync(path.join(folder, 'cmake/again.txt'), `${process.pid} ${Date.now()}\n`);
    utimesSync(path.join(folder, 'CMakeLists.txt'), new Date(0), new Date(0));
    const tag = newName('again');
    const { stdout, stderr } = await buildImages({ cwd: folder, tag });
    assert.match(`${stdout}${stderr}`, /Building C object/);
    for (const service of SERVICES) {
      const file = `/usr/bin/${service}`;
      assert.equal(await digestOf(imageOf(service, tag), file), await digestOf(imageOf(service), file), service);
      await podman(['rmi', '--force', imageOf(service, tag)]);
    }
  }));
});
