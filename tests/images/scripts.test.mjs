// deploy/make-secrets, and script/images with engines that only write down how they are called.

import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { DEPLOY, ROOT, run, SERVICES, withYard } from './engine.mjs';

const SECRETS = ['redis_password', 'store_url', 'service_token'];

describe('deploy/make-secrets', () => {
  /** A copy of deploy/ without secrets. */
  async function setUp(yard) {
    const folder = path.join(await yard.folder(), 'deploy');
    cpSync(DEPLOY, folder, { recursive: true });
    const fileOf = (name) => path.join(folder, 'secrets', name);
    const remove = (...names) => names.forEach((name) => rmSync(fileOf(name), { force: true }));
    remove(...SECRETS);
    return {
      fileOf, remove,
      read: (name) => readFileSync(fileOf(name), 'utf8').trim(),
      make: (...args) => run(path.join(folder, 'make-secrets'), args, { anyStatus: true }),
    };
  }

  test('makes all three, for those who may enter the folder', withYard(async (yard) => {
    const { fileOf, read, make } = await setUp(yard);
    assert.equal((await make()).stdout, SECRETS.map((name) => `made deploy/secrets/${name}\n`).join(''));
    assert.equal(statSync(path.dirname(fileOf('x'))).mode & 0o777, 0o700);
    for (const name of SECRETS) assert.equal(statSync(fileOf(name)).mode & 0o777, 0o444, name);
    for (const name of ['redis_password', 'service_token']) assert.match(read(name), /^[0-9a-f]{64}$/);
    assert.equal(read('store_url'), `redis://:${read('redis_password')}@redis:6379`);
    assert.notEqual(read('service_token'), read('redis_password'));
  }));

  test('a second time it keeps what is there', withYard(async (yard) => {
    const { read, make } = await setUp(yard);
    await make();
    const before = SECRETS.map(read);
    assert.equal((await make()).stdout, SECRETS.map((name) => `kept deploy/secrets/${name}\n`).join(''));
    assert.deepEqual(SECRETS.map(read), before);
  }));

  test('says that a new password is not in a URL that stays', withYard(async (yard) => {
    const { read, remove, make } = await setUp(yard);
    await make();
    remove('redis_password');
    assert.match((await make()).stdout, /^store_url does not hold the new redis_password\./);
    remove('redis_password', 'store_url');
    assert.doesNotMatch((await make()).stdout, /stays/);
    assert.ok(read('store_url').includes(read('redis_password')));
  }));

  for (const host of ['store.example.org', '10.0.0.1', '[::1]']) {
    test(`puts ${host} into the URL`, withYard(async (yard) => {
      const { read, make } = await setUp(yard);
      assert.equal((await make(host)).code, 0);
      assert.ok(read('store_url').endsWith(`@${host}:6379`));
    }));
  }

  for (const args of [['--help'], ['a b'], ['user@host'], ['host:6379'], ['a', 'b']]) {
    test(`refuses ${args.join(' and ')}, with its usage, and makes nothing`, withYard(async (yard) => {
      const { fileOf, make } = await setUp(yard);
      const { code, stdout, stderr } = await make(...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^usage: deploy\/make-secrets \[REDIS_HOST\]/);
      for (const name of SECRETS) assert.ok(!existsSync(fileOf(name)), name);
    }));
  }
});

describe('script/images', () => {
  /** Runs it with engines of these kinds; returns how it ended and the calls of `build`. */
  async function build(yard, engines, { args = [], env = {} } = {}) {
    const folder = await yard.folder();
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    for (const name of ['docker', 'podman']) {
      const { works = false, version = `${name} version 1.0` } = engines[name] ?? {};
      writeFileSync(path.join(bin, name), `#!/bin/sh\ncase $1 in\n  info) exit ${works ? 0 : 1} ;;\n`
        + `  --version) echo '${version}' ;;\n  build) echo "$(basename "$0") $*" >>'${folder}/calls' ;;\nesac\n`);
      chmodSync(path.join(bin, name), 0o755);
    }
    const ended = await run(path.join(ROOT, 'script/images'), args,
      { env: { PATH: `${bin}:${process.env.PATH}`, ...env }, anyStatus: true });
    const calls = existsSync(`${folder}/calls`) ? readFileSync(`${folder}/calls`, 'utf8').trim().split('\n') : [];
    return { ...ended, calls };
  }

  test('builds both targets with docker where both work', withYard(async (yard) => {
    const { code, calls } = await build(yard, { docker: { works: true }, podman: { works: true } });
    assert.equal(code, 0);
    assert.equal(calls.length, SERVICES.length);
    for (const [at, service] of SERVICES.entries()) {
      assert.match(calls[at], new RegExp(`^docker build .* --target ${service} --tag tempmessenger/${service}:dev \\.$`));
      assert.doesNotMatch(calls[at], /--format/);
      assert.match(calls[at], /--label \S+\.version=\d+\.\d+\.\d+ --label \S+\.revision=\S+ --label \S+\.created=\d{4}-\d\d-\d\dT/);
    }
  }));

  test('with podman where docker does not work, in the format that has health checks', withYard(async (yard) => {
    const { calls } = await build(yard, { podman: { works: true } });
    assert.equal(calls.length, SERVICES.length);
    for (const call of calls) assert.match(call, /^podman build .*--format docker/);
  }));

  test('knows a podman that is called docker', withYard(async (yard) => {
    const { calls } = await build(yard, { docker: { works: true, version: 'podman version 4.3.1' } });
    for (const call of calls) assert.match(call, /^docker build .*--format docker/);
  }));

  test('goes by NAME, TAG, BASE and ENGINE', withYard(async (yard) => {
    const { calls } = await build(yard, { docker: { works: true } },
      { env: { NAME: 'registry.example/tm', TAG: '1.2', BASE: 'localhost/base', ENGINE: 'podman' } });
    assert.match(calls[0], /^podman build .*--build-arg BASE=localhost\/base .*--tag registry\.example\/tm\/message-service:1\.2 \.$/);
  }));

  test('says so where neither works', withYard(async (yard) => {
    const { code, stderr } = await build(yard, {});
    assert.equal(code, 1);
    assert.match(stderr, /^images: neither docker nor podman works here/);
  }));

  test('refuses arguments', withYard(async (yard) => {
    const { code, stderr, calls } = await build(yard, { docker: { works: true } }, { args: ['--help'] });
    assert.deepEqual([code, calls], [2, []]);
    assert.match(stderr, /NAME, TAG, ENGINE, BASE and BUILD_FLAGS/);
  }));
});
