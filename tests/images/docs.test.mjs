// The pages for those who run it, held against the programs: every setting is in the table with its
// default, and every file and link that a page names is there.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import YAML from 'yaml';
import { DEPLOY, ROOT, run, SERVICES } from './engine.mjs';

const BIN_DIR = process.env.BIN_DIR ?? path.join(ROOT, 'build/release/bin');
const PAGES = ['metrics.md', 'running.md', 'settings.md', 'sizing.md', 'upgrading.md'];
/** What is made by its readers. */
const MADE = /^deploy\/(secrets\/.|\.env)/;
const read = (name) => readFileSync(path.join(ROOT, 'docs', name), 'utf8');

/** name → default, as --help gives them. */
function settingsOf(help) {
  const text = help.slice(help.indexOf('Settings,'), help.indexOf('Other flags:'));
  const entries = text.split(/\n {2}(?=--)/).slice(1).map((entry) => entry.replace(/\s+/g, ' '));
  return new Map(entries.map((entry) => [/ ([A-Z_]+) /.exec(entry)[1], /\[([^[\]]*)\] ?$/.exec(entry)[1]]));
}

/** name → the table's second column, without its marks. */
function tableOf(page) {
  const rows = page.split('\n').filter((line) => /^\| `[A-Z]/.test(line));
  return new Map(rows.flatMap((row) => {
    const [names, fallback] = row.split('|').slice(1).map((cell) => cell.trim());
    return [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => [name, fallback.replaceAll('`', '')]);
  }));
}

describe('docs/settings.md', () => {
  for (const service of SERVICES) {
    test(`has every setting of ${service} with its default`, async () => {
      const { stdout } = await run(path.join(BIN_DIR, service), ['--help']);
      const table = tableOf(read('settings.md'));
      const settings = settingsOf(stdout);
      assert.ok(settings.size > 10);
      for (const [name, fallback] of settings) {
        assert.ok(table.has(name), name);
        assert.ok(table.get(name).split(', ').includes(fallback), `${name}: ${table.get(name)}, not ${fallback}`);
      }
    });
  }

  test('has no setting that there is not', async () => {
    const names = new Set();
    for (const service of SERVICES) {
      const { stdout } = await run(path.join(BIN_DIR, service), ['--help']);
      for (const name of settingsOf(stdout).keys()) names.add(name);
    }
    assert.deepEqual([...tableOf(read('settings.md')).keys()].filter((name) => !names.has(name)), []);
  });
});

describe('deploy/compose.yaml', () => {
  for (const service of SERVICES) {
    test(`names the settings of ${service} that can be set from outside with their own defaults`, async () => {
      const { stdout } = await run(path.join(BIN_DIR, service), ['--help']);
      const settings = settingsOf(stdout);
      const { environment } = YAML.parse(readFileSync(path.join(DEPLOY, 'compose.yaml'), 'utf8')).services[service];
      const open = Object.entries(environment).filter(([, value]) => value.startsWith('${'));
      assert.ok(open.length > 0);
      for (const [name, value] of open) {
        const fallback = settings.get(name) === 'none' ? ' ' : settings.get(name);
        assert.equal(value, `\${${name}:-${fallback}}`);
        assert.ok(read('running.md').includes(`\`${name}\``), `${name} in docs/running.md`);
      }
    });
  }
});

for (const name of PAGES) {
  test(`what docs/${name} points at is there`, () => {
    const page = read(name);
    const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => path.join(ROOT, 'docs', link));
    const files = [...page.matchAll(/`((?:deploy|script|tests|docs)\/[A-Za-z0-9._/-]+)`/g)]
      .map(([, file]) => file).filter((file) => !MADE.test(file)).map((file) => path.join(ROOT, file));
    for (const file of [...links, ...files]) assert.ok(existsSync(file), file);
  });
}
