// Brings the figures of a whole run into docs/performance.md, between its two markers, and draws
// docs/performance.svg.
//
//   node tests/bench/report.mjs build/bench.json

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { draw } from './chart.mjs';
import { cells, HEAD, number } from './results.mjs';

const docs = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../docs');
const BEGIN = '<!-- figures: begin; tests/bench/report.mjs writes what follows -->';
const END = '<!-- figures: end -->';

const pretty = (text) => text.replace('<=', '≤').replace('>=', '≥').replace('MISSED', '**missed**');
const line = (row) => `| ${row.map(pretty).join(' | ')} |`;

function write({ at, seconds, machine, rounds, rows }) {
  const busy = machine.busy.map((part) => `${number(100 * part)} %`).join(' before and ');
  return `${BEGIN}

![The share of each limit that is used](performance.svg)

${at.slice(0, 10)}, ${machine.cores} cores (${machine.processor}), Linux ${machine.kernel}, ${rounds} rounds, in ${seconds} s;
the machine was busy with other things to ${busy} after.

${line(HEAD)}
${line(HEAD.map(() => '---'))}
${rows.map((row) => line(cells(row))).join('\n')}

${END}`;
}

function replaceBetween(text, figures) {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('docs/performance.md lacks its markers');
  return text.slice(0, begin) + figures + text.slice(end + END.length);
}

const ROUNDS_MIN = 5;

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
if (!report.whole || report.rounds < ROUNDS_MIN || report.failures.length > 0) {
  console.error(`report: ${process.argv[2]} is not of a whole run of ${ROUNDS_MIN} rounds in which nothing failed`);
  process.exit(1);
}
const page = path.join(docs, 'performance.md');
writeFileSync(page, replaceBetween(readFileSync(page, 'utf8'), write(report)));
writeFileSync(path.join(docs, 'performance.svg'), draw(report));
