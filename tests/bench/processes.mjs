// What the benchmark runs: Redis, both services, nginx with Nchan and the bare framework, each on a
// free port of 127.0.0.1, and the load programs. All that is started is stopped by its process id.

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, request, sleep, TEMPLATE_DIR, until } from '../integration/harness.mjs';

const BIN_DIR = path.resolve(process.env.BIN_DIR);
const BENCH_DIR = path.resolve(process.env.BENCH_DIR);
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 10_000;
const LOAD_TIMEOUT_MS = 150_000;
const NCHAN_MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** What the services take where nothing is set; named, so that the bare framework gets the same. */
export const HTTP_THREADS = Math.min(Math.max(8, 4 * cpus().length), 64);

const folder = mkdtempSync(path.join(tmpdir(), 'tempmessenger-bench-'));
const started = [];

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

/** Starts a program whose output goes to a file, and waits until `probe` is true. */
async function start(name, command, args, env, probe, log = path.join(folder, `${name}.log`)) {
  const output = openSync(log, 'a');
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', output, output],
  });
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
  }, START_TIMEOUT_MS);
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

/** Redis over TCP and both services, with their own defaults but for what a benchmark needs. */
export async function startServices() {
  count += 1;
  const redisPort = await freePort();
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  const servicePort = await freePort();
  await start(`redis-${count}`, 'redis-server',
    ['--port', String(redisPort), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
    {}, async () => true);
  const service = await start(`message-service-${count}`, path.join(BIN_DIR, 'message-service'), [],
    { PORT: String(servicePort), STORE_URL: redisUrl, LOG_LEVEL: 'warning', HTTP_THREADS: String(HTTP_THREADS) },
    answering(servicePort, '/readyz'));
  const gateway = await startGateway(servicePort, 'warning');
  return { service, servicePort, gateway };
}

/** Another gateway on a message service. `logLevel` info goes nowhere but is written. */
export async function startGateway(servicePort, logLevel) {
  const port = await freePort();
  const program = await start(`web-gateway-${port}`, path.join(BIN_DIR, 'web-gateway'), [], {
    PORT: String(port),
    MESSAGE_SERVICE_URL: `http://127.0.0.1:${servicePort}`,
    TEMPLATE_DIR,
    RATE_LIMIT: 'off',
    LOG_LEVEL: logLevel,
    LOG_FORMAT: 'json',
    HTTP_THREADS: String(HTTP_THREADS),
  }, answering(port, '/readyz'), logLevel === 'warning' ? undefined : '/dev/null');
  return { name: 'gateway', port, pids: [program.pid] };
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

/** The framework alone, answering `body`. */
export async function startBare(contentType, body) {
  const port = await freePort();
  const file = path.join(folder, 'answer');
  writeFileSync(file, body);
  const program = await start('bare', path.join(BENCH_DIR, 'bench_bare_ulfius'),
    [String(port), String(HTTP_THREADS), contentType, file], {}, answering(port, '/'));
  return { name: 'bare Ulfius', port, pids: [program.pid] };
}

const run = promisify(execFile);

/** One of our load programs; its one line of JSON. */
export async function load(name, options) {
  const args = Object.entries(options).map(([key, value]) => (value === true ? `--${key}` : `--${key}=${value}`));
  const { stdout } = await run(path.join(BENCH_DIR, name), args, { timeout: LOAD_TIMEOUT_MS });
  return JSON.parse(stdout);
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
export async function wrk({ port, pids }, target, { seconds, connections = 64 }) {
  const before = cpuSeconds(pids);
  const { stdout } = await run('wrk',
    ['-t2', `-c${connections}`, `-d${seconds}s`, `http://127.0.0.1:${port}${target}`], { timeout: LOAD_TIMEOUT_MS });
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout);
  if (!rate || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk reports:\n${stdout}`);
  const answers = Number(/(\d+) requests in/.exec(stdout)[1]);
  return { rate: Number(rate[1]), cpu_us: (cpuSeconds(pids) - before) * 1e6 / answers };
}
