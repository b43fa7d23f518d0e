// deploy/k8s: every object against Kubernetes' own schemas (npm's kubernetes-models, made from its
// OpenAPI document), and what the deployments promise. There is no cluster here: all is checked as text;
// kube_play.test.mjs runs the pods.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import YAML from 'yaml';
import { DEPLOY, PORTS, ROOT, run, SERVICES, Yard } from './engine.mjs';
import { readYaml, render } from './kustomize.mjs';
import { reaches } from './network_policy.mjs';

const require = createRequire(import.meta.url);
const KUSTOMIZATIONS = ['k8s', 'k8s/overlays/external-redis', 'k8s/overlays/development'];
const NODES_HEAR_S = 5;
const SPARE_S = 10;
// "For a start" in docs/sizing.md.
const REQUESTS = { 'message-service': { cpu: '250m', memory: '64Mi' }, 'web-gateway': { cpu: '500m', memory: '128Mi' } };
const HASH = /-[0-9a-z]{10}$/;

const yard = new Yard();
let deploy;

before(async () => {
  deploy = path.join(await yard.folder(), 'deploy');
  cpSync(DEPLOY, deploy, { recursive: true });
  await run(path.join(deploy, 'make-secrets'), []);
});
after(() => yard.close());

const objectsOf = (name) => render(path.join(deploy, name));
const title = ({ kind, metadata }) => `${kind} ${metadata.name}`;

const mebibytes = (text) => Number(/^(\d+)Mi$/.exec(text)[1]);

/** The schema's validator for a kind. */
function validatorOf({ apiVersion, kind }) {
  const module = require(`kubernetes-models/${apiVersion}`);
  assert.ok(module[kind], `${apiVersion} ${kind} is no kind of Kubernetes`);
  return (object) => new module[kind](object).validate();
}

/** `value` in a shape that remembers which members were looked at: those that no schema asks for are
 * misspelt or out of place, and the schemas themselves let them pass. */
function watched(value, seen, at = '') {
  if (value === null || typeof value !== 'object') return value;
  return new Proxy(value, {
    get(target, key) {
      const got = Reflect.get(target, key);
      if (typeof key !== 'string' || !Object.hasOwn(target, key)) return got;
      seen.add(`${at}/${key}`);
      return watched(got, seen, `${at}/${key}`);
    },
  });
}

function* pathsOf(value, at = '') {
  if (value === null || typeof value !== 'object') return;
  for (const [key, member] of Object.entries(value)) {
    yield `${at}/${key}`;
    yield* pathsOf(member, `${at}/${key}`);
  }
}

function unknownMembers(object) {
  const { apiVersion, kind } = object;
  const schema = require.resolve(`kubernetes-models/${apiVersion}`);
  const version = apiVersion.split('/').map((part) => part.split('.')[0]);
  const [group, number] = version.length === 2 ? version : ['core', version[0]];
  const name = `IoK8sApi${[group, number, kind].map((part) => part[0].toUpperCase() + part.slice(1)).join('')}`;
  const file = path.join(schema.slice(0, schema.indexOf('kubernetes-models') + 'kubernetes-models'.length), '_schemas', `${name}.js`);
  const seen = new Set();
  require(file).validate(watched(object, seen));
  return [...pathsOf(object)].filter((member) => !seen.has(member));
}

/** What the API server refuses though the schema takes it. */
function assertServerRules(object) {
  const { metadata, spec } = object;
  assert.match(metadata.name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, title(object));
  if (!spec?.template) return;
  const { template: { metadata: { labels }, spec: pod }, selector, volumeClaimTemplates = [] } = spec;
  for (const [key, value] of Object.entries(selector.matchLabels)) assert.equal(labels[key], value, `${title(object)}: ${key}`);
  const volumes = [...pod.volumes.map(({ name }) => name), ...volumeClaimTemplates.map((claim) => claim.metadata.name)];
  assert.equal(new Set(volumes).size, volumes.length, title(object));
  for (const { name, ports, volumeMounts, livenessProbe, startupProbe, resources: { requests, limits } } of pod.containers) {
    for (const port of ports) assert.match(port.name, /^[a-z][-a-z0-9]{0,14}$/, `${title(object)}: ${port.name}`);
    for (const mount of volumeMounts) assert.ok(volumes.includes(mount.name), `${title(object)}: ${mount.name}`);
    for (const probe of [livenessProbe, startupProbe]) assert.equal(probe.successThreshold ?? 1, 1, `${title(object)}: ${name}`);
    assert.ok(mebibytes(requests.memory) <= mebibytes(limits.memory), `${title(object)}: ${name}`);
  }
}

describe('the schemas', () => {
  for (const name of [...KUSTOMIZATIONS, 'k8s/examples']) {
    test(`take every object of ${name}`, () => {
      const objects = name.endsWith('examples')
        ? readdirSync(path.join(deploy, name)).flatMap((file) => readYaml(path.join(deploy, name, file)))
        : objectsOf(name);
      assert.ok(objects.length > 0);
      for (const object of objects) {
        try {
          validatorOf(object)(structuredClone(object));
        } catch (error) {
          assert.fail(`${title(object)}: ${error.message}`);
        }
        assert.deepEqual(unknownMembers(object), [], title(object));
        assertServerRules(object);
      }
      const titles = objects.map(title);
      assert.equal(new Set(titles).size, titles.length, 'no object twice');
    });
  }

  test('would find a wrong type, a missing member and a misspelt one', () => {
    const deployment = () => objectsOf('k8s').find(({ kind }) => kind === 'Deployment');
    const broken = [deployment(), deployment()];
    broken[0].spec.replicas = 'two';
    delete broken[1].spec.selector;
    for (const object of broken) assert.throws(() => validatorOf(object)(object), title(object));
    const misspelt = deployment();
    misspelt.spec.template.spec.containers[0].livenessProb = {};
    assert.deepEqual(unknownMembers(misspelt), ['/spec/template/spec/containers/0/livenessProb']);
  });

  test('every kustomization in deploy is among those', () => {
    const found = readdirSync(path.join(deploy, 'k8s/overlays')).map((name) => `k8s/overlays/${name}`);
    assert.deepEqual([...KUSTOMIZATIONS].sort(), ['k8s', ...found].sort());
  });
});

describe('kubectl kustomize', () => {
  // Debian 12 has none that is new enough; where there is one it must agree with our rendering.
  const there = spawnSync('kubectl', ['version', '--client']).status === 0;
  for (const name of there ? KUSTOMIZATIONS : []) {
    test(`makes the same of ${name}`, async () => {
      const { stdout } = await run('kubectl', ['kustomize', path.join(deploy, name)]);
      const plain = (text) => text.replace(HASH, '');
      const generated = objectsOf(name).filter(({ kind }) => ['Secret', 'ConfigMap'].includes(kind)).map(({ metadata }) => metadata.name);
      const names = (key, value) => (typeof value === 'string' && generated.includes(plain(value)) ? plain(value) : value);
      const theirs = YAML.parseAllDocuments(stdout).map((document) => JSON.parse(JSON.stringify(document.toJS(), names)));
      // It breaks long base64 into lines.
      for (const { kind, data } of theirs) {
        if (kind === 'Secret') for (const key of Object.keys(data)) data[key] = data[key].replace(/\s/g, '');
      }
      const sorted = (objects) => [...objects].sort((a, b) => title(a).localeCompare(title(b)));
      assert.deepEqual(sorted(theirs), sorted(objectsOf(name)));
    });
  }
});

describe('the images', () => {
  test('are named in one place for every kustomization', () => {
    const folder = path.join(deploy, 'k8s/base');
    const [base] = readYaml(path.join(folder, 'kustomization.yaml'));
    for (const image of base.images) Object.assign(image, { newName: `registry.example/${image.name}`, newTag: '1.2.3' });
    const elsewhere = path.join(path.dirname(deploy), 'elsewhere');
    cpSync(deploy, elsewhere, { recursive: true });
    writeFileSync(path.join(elsewhere, 'k8s/base/kustomization.yaml'), YAML.stringify(base));
    for (const name of KUSTOMIZATIONS) {
      const images = render(path.join(elsewhere, name)).filter(({ kind }) => kind === 'Deployment')
        .map(({ spec }) => spec.template.spec.containers[0].image);
      assert.deepEqual(images, SERVICES.map((service) => `registry.example/tempmessenger/${service}:1.2.3`), name);
    }
  });
});

describe('the deployments', () => {
  const objects = () => objectsOf('k8s');
  const find = (kind, name) => {
    const object = objects().find((candidate) => candidate.kind === kind && candidate.metadata.name === name);
    assert.ok(object, `${kind} ${name}`);
    return object;
  };
  const podOf = (name) => find(name === 'redis' ? 'StatefulSet' : 'Deployment', name).spec.template;

  /** SHUTDOWN_TIMEOUT of a service in seconds: as it is set here, or the default in docs/settings.md. */
  function shutdownTimeout(name) {
    const [, fallback] = /^\| `SHUTDOWN_TIMEOUT` \| `(\w+)` \|/m.exec(readFileSync(path.join(ROOT, 'docs/settings.md'), 'utf8'));
    const [, seconds] = /^(\d+)s$/.exec(find('ConfigMap', `${name}-settings`).data.SHUTDOWN_TIMEOUT ?? fallback);
    return Number(seconds);
  }

  for (const name of SERVICES) {
    test(`${name}: spread, guarded and found`, () => {
      const { spec } = find('Deployment', name);
      assert.equal(spec.strategy.rollingUpdate.maxUnavailable, 0);
      const budget = find('PodDisruptionBudget', name).spec;
      assert.deepEqual(budget, {
        maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: spec.selector.matchLabels },
      });
      const [spread] = spec.template.spec.topologySpreadConstraints;
      assert.deepEqual([spread.topologyKey, spread.whenUnsatisfiable, spread.matchLabelKeys, spread.labelSelector.matchLabels],
        ['kubernetes.io/hostname', 'ScheduleAnyway', ['pod-template-hash'], spec.selector.matchLabels]);
      const [port] = find('Service', name).spec.ports;
      assert.deepEqual([port.port, port.targetPort], [PORTS[name], 'http']);
      assert.deepEqual(find('Service', name).spec.selector, spec.selector.matchLabels);
    });

    test(`${name}: its probes, its end and its numbers for Prometheus`, () => {
      const { metadata, spec } = podOf(name);
      const [container] = spec.containers;
      assert.equal(container.livenessProbe.httpGet.path, '/livez');
      assert.equal(container.readinessProbe.httpGet.path, '/readyz');
      // The nodes take some seconds to hear of it; then come the requests under way, and some to spare.
      const sleep = container.lifecycle.preStop.sleep.seconds;
      assert.ok(sleep >= NODES_HEAR_S && sleep + shutdownTimeout(name) + SPARE_S <= spec.terminationGracePeriodSeconds);
      assert.equal(container.ports[0].containerPort, PORTS[name]);
      assert.deepEqual(metadata.annotations, {
        'prometheus.io/scrape': 'true', 'prometheus.io/path': '/metrics', 'prometheus.io/port': String(PORTS[name]),
      });
      assert.deepEqual(container.resources.requests, REQUESTS[name]);
      assert.ok(mebibytes(container.resources.limits.memory) >= 2 * mebibytes(container.resources.requests.memory));
    });
  }

  test('Redis may use twice its maxmemory, and asks for all of it', () => {
    const { requests, limits } = podOf('redis').spec.containers[0].resources;
    const [, maxmemory] = /^maxmemory (\d+)mb$/m.exec(find('ConfigMap', 'redis-files').data['redis.conf']);
    assert.equal(mebibytes(limits.memory), 2 * Number(maxmemory));
    assert.equal(requests.memory, limits.memory);
  });

  test('two of each, or as many as the autoscaler wants, whose number no later apply resets', () => {
    const numbers = (name) => objectsOf(name).filter(({ kind }) => kind === 'Deployment').map(({ spec }) => spec.replicas);
    const scalers = (name) => objectsOf(name).filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .map(({ spec: { scaleTargetRef: { kind, name: target }, minReplicas } }) => [kind, target, minReplicas]);
    assert.deepEqual([numbers('k8s/base'), scalers('k8s/base')], [[2, 2], []]);
    for (const name of ['k8s', 'k8s/overlays/external-redis']) {
      assert.deepEqual(numbers(name), [undefined, undefined], name);
      assert.deepEqual(scalers(name), SERVICES.map((service) => ['Deployment', service, 2]), name);
    }
    assert.deepEqual([numbers('k8s/overlays/development'), scalers('k8s/overlays/development')], [[1, 1], []]);
  });

  for (const name of KUSTOMIZATIONS) {
    test(`the namespace of ${name} enforces restricted pods, and all are`, () => {
      const namespaces = objectsOf(name).filter(({ kind }) => kind === 'Namespace');
      assert.deepEqual(namespaces.map(({ metadata }) => metadata.labels['pod-security.kubernetes.io/enforce']), ['restricted']);
      for (const { metadata, spec: { template } } of objectsOf(name).filter(({ spec }) => spec?.template)) {
        const { spec } = template;
        assert.equal(spec.securityContext.runAsNonRoot, true, metadata.name);
        assert.ok(spec.securityContext.runAsUser > 0, metadata.name);
        assert.equal(spec.securityContext.seccompProfile.type, 'RuntimeDefault', metadata.name);
        assert.equal(spec.automountServiceAccountToken, false, metadata.name);
        assert.deepEqual(Object.keys(spec).filter((member) => /^host|^(init|ephemeral)Containers$/.test(member)), [], metadata.name);
        for (const { securityContext, ports } of spec.containers) {
          assert.deepEqual(securityContext, {
            allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] },
          }, metadata.name);
          assert.ok(ports.every(({ hostPort }) => hostPort === undefined), metadata.name);
        }
        assert.ok(spec.volumes.every((volume) => volume.configMap || volume.secret), metadata.name);
      }
    });
  }

  test('all that a pod names is there', () => {
    const there = new Set(objects().map(title));
    for (const name of [...SERVICES, 'redis']) {
      const { spec } = podOf(name);
      for (const volume of spec.volumes) {
        const wanted = volume.secret ? `Secret ${volume.secret.secretName}` : `ConfigMap ${volume.configMap.name}`;
        assert.ok(there.has(wanted), wanted);
        // The kubelet starts a pod when what it mounts is there.
        assert.ok(!volume.secret?.optional, wanted);
      }
      for (const { envFrom = [] } of spec.containers) {
        for (const { configMapRef } of envFrom) assert.ok(there.has(`ConfigMap ${configMapRef.name}`), configMapRef.name);
      }
      const ports = spec.containers.flatMap((container) => container.ports.map((port) => port.name));
      const probes = spec.containers.flatMap((box) => [box.startupProbe, box.livenessProbe, box.readinessProbe]);
      for (const { httpGet } of probes) if (httpGet) assert.ok(ports.includes(httpGet.port), `${name}: ${httpGet.port}`);
      for (const port of find('Service', name).spec.ports) assert.ok(ports.includes(port.targetPort), `${name}: ${port.targetPort}`);
    }
  });

  test('neighbours are at names of one address that stays, which the cluster itself answers', () => {
    for (const name of [...SERVICES, 'redis']) {
      const { spec } = find('Service', name);
      assert.equal(spec.clusterIP, undefined, name);
      assert.deepEqual(spec.selector, { 'app.kubernetes.io/name': name });
    }
    const options = (name) => podOf(name).spec.containers[0].env.find((row) => row.name === 'RES_OPTIONS').value.split(' ');
    // A name without a dot begins with the search domains, one with a dot with itself.
    for (const name of SERVICES) assert.ok(options(name).includes('ndots:1'), name);
    const { serviceName } = find('StatefulSet', 'redis').spec;
    assert.equal(find('Service', serviceName).spec.clusterIP, 'None');
  });

  test('every ConfigMap and Secret is a generated one, so that a change replaces the pods', () => {
    const generated = ['k8s/base', 'redis', 'secrets'].flatMap((folder) => {
      const [{ configMapGenerator = [], secretGenerator = [] }] = readYaml(path.join(deploy, folder, 'kustomization.yaml'));
      return [...configMapGenerator, ...secretGenerator].map(({ name }) => name);
    });
    const found = objects().filter(({ kind }) => ['ConfigMap', 'Secret'].includes(kind)).map(({ metadata }) => metadata.name);
    assert.deepEqual(found.sort(), generated.sort());
  });

  test('the ingress holds no event back, whatever controller reads it', () => {
    const ingresses = objects().filter(({ kind }) => kind === 'Ingress');
    // A second one for the same host is refused by some controllers, a path that is a pattern by others.
    assert.deepEqual(ingresses.map(({ metadata }) => metadata.name), ['web-gateway']);
    const [{ metadata: { annotations }, spec }] = ingresses;
    assert.deepEqual(annotations, {
      'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
      'nginx.ingress.kubernetes.io/proxy-read-timeout': '60',
      'nginx.org/proxy-buffering': 'False',
      'nginx.org/proxy-read-timeout': '60s',
    });
    assert.ok(spec.ingressClassName);
    assert.deepEqual(spec.rules.flatMap(({ http }) => http.paths.map(({ path: prefix, pathType }) => [pathType, prefix])), [['Prefix', '/']]);
    const { service } = spec.rules[0].http.paths[0].backend;
    assert.ok(find('Service', service.name).spec.ports.some(({ name }) => name === service.port.name));
    assert.deepEqual(spec.tls[0].hosts, spec.rules.map(({ host }) => host));
  });
});

describe('the example that hides the numbers', () => {
  test('refuses all for that one path of the ingress\' host, and nothing else', () => {
    const [{ metadata, spec }] = readYaml(path.join(deploy, 'k8s/examples/hide-metrics.yaml'));
    const ingress = objectsOf('k8s').find(({ kind }) => kind === 'Ingress');
    assert.deepEqual(metadata.annotations, { 'nginx.ingress.kubernetes.io/denylist-source-range': '0.0.0.0/0,::/0' });
    assert.equal(metadata.namespace, ingress.metadata.namespace);
    const [{ host, http: { paths } }] = spec.rules;
    assert.deepEqual(paths.map(({ path: target, pathType }) => [pathType, target]), [['Exact', '/metrics']]);
    const [rule] = ingress.spec.rules;
    assert.deepEqual(paths[0].backend, rule.http.paths[0].backend);
    assert.deepEqual([spec.ingressClassName, host, spec.tls], [ingress.spec.ingressClassName, rule.host, ingress.spec.tls]);
  });
});

describe('the network policies', () => {
  const ours = (name) => ({ namespace: 'tempmessenger', labels: { 'app.kubernetes.io/name': name }, address: '10.1.0.1' });
  const PEERS = {
    'web-gateway': ours('web-gateway'),
    'message-service': ours('message-service'),
    redis: ours('redis'),
    stranger: ours('stranger'),
    namesake: { ...ours('web-gateway'), namespace: 'default' },
    ingress: { namespace: 'ingress-nginx', labels: {}, address: '10.1.0.2' },
    prometheus: { namespace: 'monitoring', labels: {}, address: '10.1.0.3' },
    dns: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, address: '10.1.0.4' },
    'openshift dns': { namespace: 'openshift-dns', labels: {}, address: '10.1.0.5' },
    'the node': { address: '169.254.20.10' },
    outside: { address: '203.0.113.9' },
  };
  const PORTS_ASKED = [['TCP', 8000], ['TCP', 8001], ['TCP', 6379], ['TCP', 53], ['UDP', 53], ['TCP', 5353], ['UDP', 5353], ['TCP', 443],
    ['TCP', 9999]];
  const OPEN = ['the node', 'outside', 'namesake', 'ingress', 'prometheus', 'dns', 'openshift dns'];

  /** All that one of ours may do, or may be done to it, a line each. */
  function allowed(objects) {
    const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
    const lines = [];
    for (const [from, source] of Object.entries(PEERS)) {
      for (const [to, target] of Object.entries(PEERS)) {
        if (from === to || (OPEN.includes(from) && OPEN.includes(to))) continue;
        for (const [protocol, port] of PORTS_ASKED) {
          if (reaches(policies, source, target, protocol, port)) lines.push(`${from} → ${to} ${protocol} ${port}`);
        }
      }
    }
    return lines.sort();
  }

  const NAMES = SERVICES.flatMap((name) => ['dns', 'openshift dns', 'the node'].flatMap((to) => ['TCP', 'UDP'].flatMap((protocol) => [53, 5353].map((port) => `${name} → ${to} ${protocol} ${port}`))));
  const TO_THE_GATEWAY = OPEN.map((name) => `${name} → web-gateway TCP 8000`);
  const COMMON = [...NAMES, ...TO_THE_GATEWAY, 'web-gateway → message-service TCP 8001'];
  const TO_REDIS = 'message-service → redis TCP 6379';

  for (const name of ['k8s', 'k8s/overlays/development']) {
    test(`${name}: only the gateway reaches the message service, only that reaches Redis, both ask for names`, () => {
      assert.deepEqual(allowed(objectsOf(name)), [...COMMON, TO_REDIS].sort());
    });
  }

  test('with a Redis elsewhere the message service reaches port 6379 outside, and nothing else does', () => {
    assert.deepEqual(allowed(objectsOf('k8s/overlays/external-redis')),
      [...COMMON, ...OPEN.map((name) => `message-service → ${name} TCP 6379`)].sort());
  });

  test('the example lets Prometheus read the message service', () => {
    const objects = [...objectsOf('k8s'), ...readYaml(path.join(deploy, 'k8s/examples/allow-prometheus.yaml'))];
    assert.deepEqual(allowed(objects), [...COMMON, TO_REDIS, 'prometheus → message-service TCP 8001'].sort());
  });
});
