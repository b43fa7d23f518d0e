// The tree of code and its floors, which CMake listed in floors.txt when it configured the build.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const parts = ['libcommon', 'message-service', 'web-gateway'];

const build = path.dirname(process.env.BIN_DIR);
const on = new Map(readFileSync(path.join(build, 'floors.txt'), 'utf8').trim().split('\n')
  .map((line) => line.split(':'))
  .map(([floor, below]) => [floor, below.split(' ').filter(Boolean)]));
const commands = new Map(JSON.parse(readFileSync(path.join(build, 'compile_commands.json'), 'utf8'))
  .map(({ file, command }) => [file, command]));

export const floors = [...on.keys()];

// The floors that one names, and those below them.
export function standsOn(floor) {
  return new Set(on.get(floor).flatMap((below) => [below, ...standsOn(below)]));
}

export function folderOf(floor) {
  const part = parts.find((each) => floor.startsWith(`${each}-`));
  const folder = floor.slice(part.length + 1);
  return path.join(root, part, folder === 'parts' ? '.' : folder);
}

function filesOf(floor, extension) {
  return readdirSync(folderOf(floor)).filter((name) => name.endsWith(extension)).sort();
}

// By name alone, as they are included.
export function headersOf(floor) {
  return filesOf(floor, '.h');
}

// As whole paths. main.c is of no floor.
export function sourcesOf(floor) {
  const names = filesOf(floor, '.c').filter((name) => name !== 'main.c');
  return names.map((name) => path.join(folderOf(floor), name));
}

// How the build compiles a source, and into which object.
export function commandOf(source) {
  return commands.get(source);
}

export function objectOf(source) {
  return path.join(build, commandOf(source).match(/ -o (\S+)/)[1]);
}
