// The pods of deploy/k8s, run by `podman kube play` as far as podman 4.3 knows what they ask for.

import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { clientOf, freePort, until } from '../integration/harness.mjs';
import {
  Container, DEPLOY, imageOf, newName, pinBridges, podman, prepare, REDIS_IMAGE, run, SERVICES, SETUP_TIMEOUT_MS, Yard,
} from './engine.mjs';
import { render } from './kustomize.mjs';

/** A Deployment as podman 4.3 can play it: a Secret's data would be mounted undecoded, liveness is asked
 * of a curl in the image, and a port without one of the host's is published under its own number. */
function playable(workload, published) {
  const { metadata, spec: { template } } = workload;
  for (const volume of template.spec.volumes) {
    if (!volume.secret) continue;
    volume.configMap = { name: volume.secret.secretName };
    delete volume.secret;
  }
  for (const container of template.spec.containers) {
    container.image = SERVICES.includes(metadata.name) ? imageOf(metadata.name) : REDIS_IMAGE;
    Object.assign(container.ports[0], { hostPort: published, hostIP: '127.0.0.1' });
    for (const member of ['livenessProbe', 'startupProbe']) delete container[member];
  }
  return [{ ...workload, metadata: { name: newName(metadata.name) } }];
}

/** A StatefulSet, which podman does not know, as a Pod and its claims. */
function podOfSet(set, published) {
  const [{ metadata, spec: { template, volumeClaimTemplates } }] = playable(set, published);
  const claims = volumeClaimTemplates.map((claim) => {
    const claimName = newName(claim.metadata.name);
    template.spec.volumes.push({ name: claim.metadata.name, persistentVolumeClaim: { claimName } });
    return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: claimName }, spec: claim.spec };
  });
  return [...claims, { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, labels: template.metadata.labels }, spec: template.spec }];
}

describe('podman kube play', () => {
  const plays = new Yard();
  before(() => prepare({ redis: true }), { timeout: SETUP_TIMEOUT_MS });
  after(() => plays.close());

  async function play(network, name, objects) {
    const published = await freePort();
    const workload = structuredClone(objects.find(({ kind, metadata }) => ['Deployment', 'StatefulSet'].includes(kind) && metadata.name === name));
    const played = workload.kind === 'Deployment' ? playable(workload, published) : podOfSet(workload, published);
    const given = objects.filter(({ kind }) => ['ConfigMap', 'Secret'].includes(kind)).map((object) => {
      const { metadata, kind, data } = structuredClone(object);
      const decoded = kind === 'ConfigMap' ? data
        : Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
      return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: metadata.name }, data: decoded };
    });
    const file = path.join(await plays.folder(), 'play.yaml');
    writeFileSync(file, [...given, ...played].map((object) => JSON.stringify(object)).join('\n---\n'));
    plays.onClose(async () => {
      await podman(['kube', 'down', file], { anyStatus: true });
      const claims = played.filter(({ kind }) => kind === 'PersistentVolumeClaim');
      await podman(['volume', 'rm', '--force', ...[...claims, ...given].map(({ metadata }) => metadata.name)], { anyStatus: true });
    });
    const { stdout } = await podman(['kube', 'play', '--network', `${network}:alias=${name}`, file]);
    const [, container] = /^Container:\n([0-9a-f]{64})$/m.exec(stdout);
    await pinBridges(container);
    return new Container(container, published);
  }

  test('runs the Deployments and Redis, the gateway first, and they find each other', async () => {
    const deploy = path.join(await plays.folder(), 'deploy');
    cpSync(DEPLOY, deploy, { recursive: true });
    await run(path.join(deploy, 'make-secrets'), []);
    const objects = render(path.join(deploy, 'k8s'));
    const network = await plays.network();
    const gateway = await play(network, 'web-gateway', objects);
    const service = await play(network, 'message-service', objects);
    const redis = await play(network, 'redis', objects);
    await gateway.ready();
    const api = clientOf({ url: gateway.url, name: 'web-gateway' });
    await until('a message is sent', async () => (await api.post('/messages', { message: 'a' })).status === 204);
    assert.deepEqual((await api.list('lobby')).map(({ message }) => message), ['a']);
    for (const [box, user] of [[gateway, '65532:65532'], [service, '65532:65532'], [redis, '999:999']]) {
      const { HostConfig: host, EffectiveCaps: caps, Config: config } = await box.inspect();
      assert.equal(config.User, user);
      assert.equal(host.ReadonlyRootfs, true);
      assert.deepEqual(caps ?? [], []);
    }
    for (const box of [gateway, service]) assert.equal((await box.stop()).code, 0);
  });
});
