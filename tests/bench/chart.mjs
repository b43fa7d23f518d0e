// Draws what of a limit was used: one bar for each target, all on one scale, on which 1 is the limit
// and shorter is better. Where at least so much is demanded, the bar is the demand's share of what was
// reached. What is yes or no (nothing missing, never early) has no bar.

import { demanded, figure, times } from './results.mjs';

const WIDTH = 980;
const MARGIN = 24;
const TOP = 70;
const ROW = 46;
const SCALE = 1.25; // so much of a limit fits; a longer bar is cut
const TRACK = WIDTH - 2 * MARGIN;

const at = (share) => Math.round(Math.min(share, SCALE) / SCALE * TRACK * 10) / 10;
const LIMIT = MARGIN + at(1);
const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const pretty = (text) => escape(text.replace('<=', '≤').replace('>=', '≥'));

function used({ target, ...row }) {
  const value = row[target.of];
  return target.least === undefined ? value / target.most : target.least / value;
}

const hasScale = ({ target, unit }) =>
  target && unit !== 'messages' && (target.least ?? target.most) > 0;

function bar(row, index) {
  const y = TOP + index * ROW;
  const share = Math.max(0, used(row));
  const value = row.target.of === 'ratio' ? times(row.ratio) : figure(row.ours, row.unit);
  return `<text x="${MARGIN}" y="${y}">${escape(row.what)}</text>
<text class="value" x="${WIDTH - MARGIN}" y="${y}">${pretty(value)}<tspan class="limit">  ${pretty(demanded(row))}</tspan></text>
<rect class="track" x="${MARGIN}" y="${y + 8}" width="${TRACK}" height="12" rx="3"/>
<rect class="${row.met ? 'met' : 'missed'}" x="${MARGIN}" y="${y + 8}" width="${Math.max(at(share), 1)}" height="12" rx="3"/>
<line x1="${LIMIT}" y1="${y + 4}" x2="${LIMIT}" y2="${y + 24}"/>`;
}

/** The picture, as SVG, of what bench.mjs has written. */
export function draw({ rows }) {
  const judged = rows.filter(hasScale);
  const height = TOP + judged.length * ROW + 4;
  const said = judged.map((row) => `${row.what}: ${used(row).toFixed(2)}`).join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img"
 aria-label="The share of each limit that is used. ${escape(said)}.">
<style>
  :root { --ground: #fff; --ink: #1f2328; --faint: #59636e; --track: #eaeef2; --met: #0a6b4f; --missed: #b3261e }
  @media (prefers-color-scheme: dark) {
    :root { --ground: #0d1117; --ink: #e6edf3; --faint: #9aa7b8; --track: #21262d; --met: #4cc39b; --missed: #ff7b72 }
  }
  text { font: 15px system-ui, sans-serif; fill: var(--ink) }
  .title { font-size: 17px; font-weight: 600 }
  .value { text-anchor: end; font-weight: 600 }
  .limit { fill: var(--faint); font-weight: 400 }
  .track { fill: var(--track) }
  .met { fill: var(--met) }
  .missed { fill: var(--missed) }
  line { stroke: var(--ink); stroke-width: 2 }
</style>
<rect width="${WIDTH}" height="${height}" rx="16" style="fill: var(--ground)"/>
<text class="title" x="${MARGIN}" y="32">The share of each limit that is used: the mark is the limit, shorter is better</text>
${judged.map(bar).join('\n')}
</svg>
`;
}
