// The units for machines without containers: what `cmake --install` puts where, and what systemd's own
// tools say of it. No systemd runs here.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT, run, SERVICES, Yard } from './engine.mjs';

const BUILD = path.join(ROOT, 'build/release');
/** Of 10: what systemd-analyze calls "OK" ends at 4.0; a service without any hardening has 9.6. */
const EXPOSURE_MAX = 2.0;

const yard = new Yard();
let prefix;
const unitOf = (service) => path.join(prefix, `lib/systemd/system/tempmessenger-${service}.service`);

before(async () => {
  prefix = path.join(await yard.folder(), 'usr');
  await run('cmake', ['--install', BUILD, '--prefix', prefix]);
});
after(() => yard.close());

for (const service of SERVICES) {
  describe(`tempmessenger-${service}.service`, () => {
    test('names the program that was installed beside it', async () => {
      const program = path.join(prefix, 'bin', service);
      assert.match(readFileSync(unitOf(service), 'utf8'), new RegExp(`^ExecStart=${program}$`, 'm'));
      assert.match((await run(program, ['--version'])).stdout, new RegExp(`^${service} \\d+\\.\\d+\\.\\d+\\n$`));
      assert.ok(existsSync(path.join(prefix, `share/tempmessenger/systemd/${service}.env`)));
    });

    test('is a unit that systemd understands whole', async () => {
      const { code, stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', unitOf(service)],
        { anyStatus: true });
      assert.deepEqual([code, stdout.trim(), stderr.trim()], [0, '', '']);
    });

    test('comes back as often as it ends, but not where its settings are wrong', () => {
      const unit = readFileSync(unitOf(service), 'utf8');
      const valueOf = (key) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
      assert.equal(valueOf('Restart'), 'always');
      assert.equal(valueOf('RestartPreventExitStatus'), '2');
      assert.equal(valueOf('StartLimitIntervalSec'), '0');
    });

    test('is hardened', async () => {
      const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', unitOf(service)]);
      const [, exposure] = /Overall exposure level for [^:]+: ([\d.]+)/.exec(stdout);
      assert.ok(Number(exposure) <= EXPOSURE_MAX, stdout);
    });

    test('its example of settings is taken by the program', async () => {
      const lines = readFileSync(path.join(prefix, `share/tempmessenger/systemd/${service}.env`), 'utf8').split('\n');
      const pairs = lines.filter((line) => /^#?[A-Z_]+=/.test(line)).map((line) => line.replace(/^#/, ''));
      assert.ok(pairs.length >= 2);
      for (const pair of pairs) {
        const at = pair.indexOf('=');
        // It goes as far as asking a service that is not there.
        const { code, stderr } = await run(path.join(prefix, 'bin', service), ['--healthcheck', '--port', '1'],
          { env: { [pair.slice(0, at)]: pair.slice(at + 1) }, anyStatus: true });
        assert.equal(code, 1, `${pair}: ${stderr}`);
      }
    });
  });
}

test('the gateway finds its page where it was installed', async () => {
  assert.ok(existsSync(path.join(prefix, 'share/tempmessenger/templates/home.html')));
  const { code, stderr } = await run('timeout', ['2', path.join(prefix, 'bin/web-gateway'), '--port', '0'], { anyStatus: true });
  assert.match(stderr, /"message":"listening"/);
  assert.equal(code, 124, stderr);
});
