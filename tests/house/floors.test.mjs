// An include that runs back up does not compile: each floor is asked for a header of every other
// one, with the include path that its own sources are compiled with.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import {
  commandOf, floors, folderOf, headersOf, parts, root, sourcesOf, standsOn,
} from './tree.mjs';

// The include path of a floor, as flags.
function includePath(floor) {
  const flags = commandOf(sourcesOf(floor)[0]).match(/-(?:I|isystem )\S+/g);
  return flags.flatMap((flag) => flag.split(' '));
}

// The compiler's errors for a file of `floor` that includes `headers` and nothing else; '' if none.
function compile(floor, headers) {
  const flags = ['-std=gnu17', '-D_GNU_SOURCE', '-fsyntax-only', ...includePath(floor)];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, LC_ALL: 'C' };
    const cc = spawn('cc', [...flags, '-x', 'c', '-'], { cwd: root, env });
    let errors = '';
    cc.stderr.on('data', (data) => { errors += data; });
    cc.on('error', reject);
    cc.on('close', (status) => resolve(status === 0 ? '' : errors || `status ${status}`));
    cc.stdin.end(headers.map((header) => `#include "${header}"\n`).join(''));
  });
}

// Runs `check` for the pairs of a floor and another for which `wanted` holds, one a processor at a
// time; returns the faults.
async function faultsOf(wanted, check) {
  const pairs = floors.flatMap((floor) => floors.map((other) => [floor, other]))
    .filter(([floor, other]) => floor !== other && wanted(standsOn(floor).has(other)));
  assert.ok(pairs.length > floors.length);
  const faults = [];
  const worker = async () => {
    for (let pair = pairs.pop(); pair; pair = pairs.pop()) faults.push(await check(...pair));
  };
  await Promise.all(os.cpus().map(worker));
  return faults.filter(Boolean);
}

test('a floor sees every header of the floors that it stands on', async () => {
  const faults = await faultsOf((below) => below, async (floor, other) => {
    const errors = await compile(floor, headersOf(other));
    return errors && `${floor} does not see all of ${other}: ${errors}`;
  });
  assert.deepEqual(faults, []);
});

test('a floor sees no header of any other floor', async () => {
  const faults = await faultsOf((below) => !below, async (floor, other) => {
    const [header] = headersOf(other);
    const errors = await compile(floor, [header]);
    const unseen = errors.includes(`${header}: No such file or directory`);
    return !unseen && `${floor} sees ${header} of ${other}`;
  });
  assert.deepEqual(faults, []);
});

test('each folder of code is a floor', () => {
  const known = new Set(floors.map(folderOf));
  const folders = parts.map((part) => path.join(root, part))
    .flatMap((part) => readdirSync(part, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => path.join(part, entry.name)));
  assert.deepEqual(folders.filter((folder) => !known.has(folder)), []);
});
