// One noun, one module: a source has a header of its name, and its public names begin with it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { floors, folderOf, headersOf, objectOf, root, sourcesOf } from './tree.mjs';

// Public names that are not ours to choose.
const exceptions = new Map([
  ['accept4', 'libcommon/http/http_listener.c'], // stands before the C library's
  ['epoll_wait', 'libcommon/http/epoll_wait.c'], // stands before the C library's
  ['MHD_start_daemon', 'libcommon/http/http_daemon.c'], // stands before libmicrohttpd's
]);

const sourcesMax = 20;
const sources = floors.flatMap(sourcesOf);
const short = (file) => path.relative(root, file);
const stem = (file) => path.basename(file).replace(/\.[ch]$/, '');

// What the public names of a source begin with. Both services have a routes.c: there it is the
// service's name.
function prefixOf(source) {
  const service = path.basename(path.dirname(source));
  return stem(source) === 'routes' ? service.replace('-', '_') : stem(source);
}

// The public functions and objects of all sources, as their object files have them.
function publicNames() {
  const options = ['--defined-only', '--extern-only', '--format=posix', '--print-file-name'];
  const objects = new Map(sources.map((source) => [objectOf(source), source]));
  const lines = execFileSync('nm', [...options, ...objects.keys()], { encoding: 'utf8' });
  return lines.split('\n').filter(Boolean).map((line) => line.split(/:? /))
    .map(([object, name]) => ({ source: objects.get(object), name }));
}

test('each source has a header of its name beside it', () => {
  const without = sources.filter((source) => !existsSync(source.replace(/\.c$/, '.h')));
  assert.deepEqual(without.map(short), []);
});

test('each public name begins with the name of its file', () => {
  const names = publicNames();
  assert.ok(names.length > sources.length);
  const strangers = names
    .filter(({ source, name }) => !`${name}_`.startsWith(`${prefixOf(source)}_`))
    .filter(({ source, name }) => exceptions.get(name) !== short(source));
  assert.deepEqual(strangers.map(({ source, name }) => `${short(source)}: ${name}`), []);
});

test(`a folder holds at most ${sourcesMax} sources`, () => {
  const full = floors.filter((floor) => sourcesOf(floor).length > sourcesMax);
  assert.deepEqual(full.map((floor) => short(folderOf(floor))), []);
});

test('a file name stands once in the tree, but for main and routes', () => {
  const names = [...floors.flatMap(headersOf), ...sources.map((source) => path.basename(source))];
  const twice = names.filter((name, i) => stem(name) !== 'routes' && names.indexOf(name) !== i);
  assert.deepEqual(twice, []);
});
