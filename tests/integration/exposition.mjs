// A reader of Prometheus' text format, version 0.0.4, that forgives nothing: each line must be one
// that we are to write, each family documented once, before its samples, and in one piece.

import assert from 'node:assert/strict';

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) ([^\\\\]|\\\\[\\\\n])+$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.+)\\})? (\\+Inf|-Inf|NaN|-?\\d+(?:\\.\\d+)?)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;
const PARTS = ['_bucket', '_sum', '_count'];

const number = (text) => ({ '+Inf': Infinity, '-Inf': -Infinity, NaN })[text] ?? Number(text);
const unescape = (text) => text.replace(/\\(.)/g, (_, mark) => (mark === 'n' ? '\n' : mark));
const keyOf = (labels) => JSON.stringify(Object.entries(labels).sort());

function readLabels(text, line) {
  const labels = {};
  for (let rest = text ?? ''; rest !== '';) {
    const match = LABEL.exec(rest);
    assert.ok(match, `labels: ${line}`);
    const [whole, name, value, end] = match;
    assert.ok(!Object.hasOwn(labels, name), `a label twice: ${line}`);
    labels[name] = unescape(value);
    rest = rest.slice(whole.length);
    assert.equal(rest === '', end === '', `a comma too many: ${line}`);
  }
  return labels;
}

/** The family of which a sample of this name may stand under `family`. */
const isOf = (family, name) => (family.type === 'histogram'
  ? PARTS.some((part) => name === family.name + part) : name === family.name);

function readSample(family, line) {
  const match = SAMPLE.exec(line);
  assert.ok(match, `no sample: ${line}`);
  const [, name, labels, value] = match;
  assert.ok(family?.type && isOf(family, name), `not in its family: ${line}`);
  const sample = { name, labels: readLabels(labels, line), value: number(value) };
  assert.equal('le' in sample.labels, name !== family.name && name.endsWith('_bucket'), `le: ${line}`);
  const key = name + keyOf(sample.labels);
  assert.ok(!family.keys.has(key), `twice: ${line}`);
  family.keys.add(key);
  family.samples.push(sample);
}

function checkHistogram(family) {
  const series = new Map();
  for (const { name, labels: { le, ...labels }, value } of family.samples) {
    const key = keyOf(labels);
    if (!series.has(key)) series.set(key, { buckets: [] });
    const one = series.get(key);
    if (le === undefined) one[name.slice(family.name.length)] = value;
    else one.buckets.push({ le: number(le), value });
  }
  for (const [key, { buckets, _sum: sum, _count: count }] of series) {
    const what = `${family.name} ${key}`;
    assert.ok(sum !== undefined && count !== undefined, `no sum or count: ${what}`);
    for (let i = 1; i < buckets.length; i += 1) {
      assert.ok(buckets[i].le > buckets[i - 1].le, `bounds out of order: ${what}`);
      assert.ok(buckets[i].value >= buckets[i - 1].value, `not cumulative: ${what}`);
    }
    assert.equal(buckets.at(-1)?.le, Infinity, `no bucket for the rest: ${what}`);
    assert.equal(buckets.at(-1).value, count, `buckets and count differ: ${what}`);
    if (count === 0) assert.equal(sum, 0, what);
  }
}

function check(family) {
  const { name, type, samples } = family;
  assert.ok(type, `no TYPE: ${name}`);
  assert.equal(name.endsWith('_total'), type === 'counter', `the name of a ${type}: ${name}`);
  assert.match(name, /^(tempmessenger|process)_/);
  if (type === 'histogram') checkHistogram(family);
  if (type !== 'gauge') for (const { value } of samples) assert.ok(value >= 0, `below zero: ${name}`);
}

/** What the text says: families by name, each with `type`, `help` and `samples`. */
export function parseMetrics(text) {
  const families = new Map();
  let family;
  assert.ok(text.endsWith('\n'), 'the last line ends');
  for (const line of text.slice(0, -1).split('\n')) {
    const help = HELP.exec(line);
    const type = TYPE.exec(line);
    if (help) {
      assert.ok(!families.has(help[1]), `a family twice: ${line}`);
      family = { name: help[1], help: line.slice(`# HELP ${help[1]} `.length), samples: [], keys: new Set() };
      families.set(family.name, family);
    } else if (type) {
      assert.ok(family?.name === type[1] && !family.type, `TYPE is not behind its HELP: ${line}`);
      [, , family.type] = type;
    } else {
      readSample(family, line);
    }
  }
  families.forEach(check);
  return new Metrics(families);
}

/** One answer of /metrics, to be asked. */
export class Metrics {
  constructor(families) {
    this.families = families;
  }

  /** All samples called `name` that have these labels, and perhaps others. */
  select(name, labels = {}) {
    const family = this.families.get(name) ?? this.families.get(name.replace(/_(bucket|sum|count)$/, ''));
    assert.ok(family, `there is no ${name}`);
    return family.samples.filter((sample) => sample.name === name
      && Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  }

  /** The sum of those; 0 where there is none. */
  value(name, labels) {
    return this.select(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  get sampleCount() {
    return [...this.families.values()].reduce((sum, { samples }) => sum + samples.length, 0);
  }
}
