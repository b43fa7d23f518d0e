// What the benchmark runs: Redis, both services, nginx with Nchan and the bare framework, each on a
// free port of 127.0.0.1, and the load programs. All that is started is stopped by its process id, and
// every wait ends with the part that waits, if not before.

import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, request, sleep, TEMPLATE_DIR, until } from '../integration/harness.mjs';

const BIN_DIR = path.resolve(process.env.BIN_DIR);
const BENCH_DIR = path.resolve(process.env.BENCH_DIR);
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const LOAD_TIMEOUT_MS = 90_000;
const NCHAN_MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

const folder = mkdtempSync(path.join(tmpdir(), 'tempmessenger-bench-'));
const started = [];
let limit = { part: 'nothing', end: 0 };

/** Everything that is started or run from now on belongs to `part`, which has so many seconds. */
export function limitTime(part, seconds) {
  limit = { part, end: Date.now() + seconds * 1000 };
}

/** How long to wait for something that may take `most` ms. */
function timeLeft(most) {
  const left = limit.end - Date.now();
  if (left <= 0) throw new Error(`${limit.part} took longer than it may`);
  return Math.min(left, most);
}

function killAll() {
  // nginx only stops its workers where it is asked to stop.
  for (const { name, child } of started) child.kill(name === 'nginx' ? 'SIGTERM' : 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
process.on('exit', killAll);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(1));

/** What part of the processors is in use, by whomever, for a moment in which we use none. */
export async function busyShare() {
  const times = () => readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1, 9).map(Number);
  const before = times();
  await sleep(2000);
  const spent = times().map((value, i) => value - before[i]);
  const idle = spent[3] + spent[4];
  return 1 - idle / spent.reduce((sum, value) => sum + value, 0);
}

/** Starts a program whose output goes to a file, and waits until `probe` is true. Its input is a pipe
 * that ends with this process. */
async function start(name, command, args, env, probe, log = path.join(folder, `${name}.log`)) {
  const timeout = timeLeft(START_TIMEOUT_MS);
  const output = openSync(log, 'a');
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env }, stdio: ['pipe', output, output],
  });
  closeSync(output);
  const program = { name, child, pid: child.pid, log };
  program.ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', resolve);
  });
  started.push(program);
  await until(`${name} answers`, async () => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw new Error(`${name} ended:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    }
    return probe().catch(() => false);
  }, timeout);
  return program;
}

async function stop(program) {
  const timer = setTimeout(() => program.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  program.child.kill('SIGTERM');
  await program.ended;
  clearTimeout(timer);
  started.splice(started.indexOf(program), 1);
}

/** Stops everything, the last started first. */
export async function stopAll() {
  while (started.length > 0) await stop(started.at(-1));
}

/** What the services had to say, which at LOG_LEVEL=warning should be nothing. */
export function complaints() {
  return started.filter(({ name }) => /service|gateway/.test(name))
    .map(({ name, log }) => [name, log === '/dev/null' ? '' : readFileSync(log, 'utf8').trim()])
    .filter(([, text]) => text !== '');
}

const answering = (port, target) => async () =>
  (await request(`http://127.0.0.1:${port}`, { path: target })).status < 500;

let count = 0;

function accepts(port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket.destroy()));
    socket.on('error', reject);
  });
}

async function startRedis() {
  count += 1;
  const port = await freePort();
  await start(`redis-${count}`, 'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
    {}, () => accepts(port));
  return `redis://127.0.0.1:${port}`;
}

/** Both services, with their own defaults but for what a benchmark needs and for what `env` says of
 * the message service; over a Redis on TCP where it says nothing of the store. */
export async function startServices(env = {}) {
  const store = env.STORE_URL ?? await startRedis();
  const servicePort = await freePort();
  const service = await start(`message-service-${servicePort}`, path.join(BIN_DIR, 'message-service'), [],
    { PORT: String(servicePort), LOG_LEVEL: 'warning', ...env, STORE_URL: store }, answering(servicePort, '/readyz'));
  return { service, servicePort, gateway: await startGateway(servicePort) };
}

const gatewayEnv = (port, env) =>
  ({ PORT: String(port), TEMPLATE_DIR, RATE_LIMIT: 'off', LOG_LEVEL: 'warning', LOG_FORMAT: 'json', ...env });

/** Another gateway on a message service. With a LOG_LEVEL of its own what it logs is written, but
 * nowhere to. */
export async function startGateway(servicePort, env = {}) {
  const port = await freePort();
  const program = await start(`web-gateway-${port}`, path.join(BIN_DIR, 'web-gateway'), [],
    gatewayEnv(port, { MESSAGE_SERVICE_URL: `http://127.0.0.1:${servicePort}`, ...env }),
    answering(port, '/readyz'), env.LOG_LEVEL ? '/dev/null' : undefined);
  return { name: 'gateway', port, pids: [program.pid] };
}

/** Stops all threads of a program, which is not at once. */
export async function freeze({ pid, child }) {
  child.kill('SIGSTOP');
  const state = (task) => /\) (.) /.exec(readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8'))[1];
  await until('the process stops', () => readdirSync(`/proc/${pid}/task`).every((task) => state(task) === 'T'),
    timeLeft(START_TIMEOUT_MS));
}

export function thaw({ child }) {
  child.kill('SIGCONT');
}

const POSTERS = 16;

function postOnce(agent, port, target, body) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ host: '127.0.0.1', port, method: 'POST', path: target, agent, timeout: START_TIMEOUT_MS,
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } }, (answer) => {
      answer.resume();
      answer.on('error', reject);
      answer.on('end', () => (answer.statusCode < 300 ? resolve(answer.headers.location)
        : reject(new Error(`a post to ${target} was answered ${answer.statusCode}`))));
    });
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`a post to ${target} was not answered`)));
    outgoing.end(body);
  });
}

/** Posts `text` so many times; returns where one of the messages is. */
export async function post(port, target, messages, text) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: POSTERS });
  const body = JSON.stringify({ message: text, ttl: 600 });
  let left = messages;
  let location;
  const postSome = async () => {
    while (left > 0) {
      left -= 1;
      timeLeft(LOAD_TIMEOUT_MS);
      location = await postOnce(agent, port, target, body);
    }
  };
  try {
    await Promise.all(Array.from({ length: POSTERS }, postSome));
  } finally {
    agent.destroy();
  }
  return location;
}

const nginxConfig = (port, home) => `
load_module ${NCHAN_MODULE};
worker_processes 2;
worker_rlimit_nofile 20000;
daemon off;
pid ${home}/pid;
error_log ${home}/errors.log crit;
events { worker_connections 12000; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
  nchan_shared_memory_size 128M;
  nchan_message_buffer_length 1000;
  nchan_message_timeout 10m;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location ~ ^/rooms/([a-z0-9-]+)/events$ {
      nchan_subscriber eventsource;
      nchan_subscriber_first_message newest;
      nchan_channel_id $1;
    }
    location ~ ^/rooms/([a-z0-9-]+)/messages$ {
      nchan_publisher;
      nchan_channel_id $1;
    }
  }
}
`;

/** nginx with Nchan: two workers, messages in its own memory. */
export async function startNchan() {
  const port = await freePort();
  const home = mkdtempSync(path.join(folder, 'nginx-'));
  const config = path.join(home, 'nginx.conf');
  writeFileSync(config, nginxConfig(port, home));
  const program = await start('nginx', 'nginx',
    ['-e', path.join(home, 'errors.log'), '-p', home, '-c', config], {}, answering(port, '/'));
  const workers = readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8');
  return { name: 'Nchan', port, pids: workers.trim().split(' ').map(Number) };
}

/** The framework alone, answering `body` from a pool of so many threads. */
export async function startBare(contentType, body, threads) {
  const port = await freePort();
  const file = path.join(folder, 'answer');
  writeFileSync(file, body);
  const program = await start(`bare-${threads}`, path.join(BENCH_DIR, 'bench_bare_ulfius'),
    [String(port), String(threads), contentType, file], {}, answering(port, '/'));
  return { name: 'bare Ulfius', port, pids: [program.pid] };
}

const execute = promisify(execFile);

/** Runs a load to its end; what it printed. */
async function run(command, args, env = process.env) {
  const timeout = timeLeft(LOAD_TIMEOUT_MS);
  try {
    return (await execute(command, args, { env, timeout })).stdout;
  } catch (error) {
    const why = error.killed ? `not done within ${timeout / 1000} s` : error.stderr || error.message;
    throw new Error(`${path.basename(command)} ${args.join(' ')}: ${why}`);
  }
}

const asFlags = (options) =>
  Object.entries(options).map(([key, value]) => (value === true ? `--${key}` : `--${key}=${value}`));

/** One of our load programs; its one line of JSON. */
export async function load(name, options) {
  return JSON.parse(await run(path.join(BENCH_DIR, name), asFlags(options)));
}

/** Readers that are there until everything is stopped; `check` throws where they no longer are. */
export async function holdReaders(server, options) {
  const log = path.join(folder, 'held.log');
  const program = await start('held readers', path.join(BENCH_DIR, 'bench_room_load'),
    asFlags({ connect: `127.0.0.1:${server.port}`, hold: true, ...options }), {},
    async () => readFileSync(log, 'utf8').includes('opening_us'), log);
  return {
    check() {
      if (program.child.exitCode !== null) throw new Error(`the readers have left: ${readFileSync(log, 'utf8')}`);
    },
  };
}

/** Starts one of the services, waits until it is ready and idle, and stops it. */
export async function measureStart(program, env) {
  const port = await freePort();
  const args = [String(port), path.join(BIN_DIR, program)];
  return JSON.parse(await run(path.join(BENCH_DIR, 'bench_start_time'), args,
    { PATH: process.env.PATH, ...gatewayEnv(port, env) }));
}

const TICKS_PER_SECOND = 100; // what the kernel counts in, everywhere that Debian runs

/** Processor time used so far, in seconds. */
function cpuSeconds(pids) {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }, 0);
}

/** Answers a second by wrk, and what one costs the server; an answer that is not 2xx or did not come
 * is an error. */
export async function wrk({ port, pids }, target, seconds) {
  const before = cpuSeconds(pids);
  const stdout = await run('wrk', ['-t2', '-c64', `-d${seconds}s`, `http://127.0.0.1:${port}${target}`]);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout);
  if (!rate || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk reports:\n${stdout}`);
  const answers = Number(/(\d+) requests in/.exec(stdout)[1]);
  return { rate: Number(rate[1]), cpu_us: (cpuSeconds(pids) - before) * 1e6 / answers };
}
