// The part of kustomize that deploy/k8s uses: resources, components, namespace, images, generators of
// ConfigMaps and Secrets from files, files of settings and literals, and JSON patches. Anything else in a kustomization is refused,
// so that what the tests see is what kubectl makes (kubernetes.test.mjs compares the two where kubectl
// is there). Generated names get no hash.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import YAML from 'yaml';

const KNOWN = ['apiVersion', 'kind', 'namespace', 'resources', 'components', 'images', 'configMapGenerator', 'secretGenerator', 'patches'];
const CLUSTER_KINDS = ['Namespace'];

export const readYaml = (file) => YAML.parseAllDocuments(readFileSync(file, 'utf8'), { strict: true })
  .map((document) => {
    assert.deepEqual(document.errors, [], file);
    return document.toJS();
  });

function load(folder, resource) {
  const full = path.join(folder, resource);
  return statSync(full).isDirectory() ? render(full) : readYaml(full);
}

/** The lines `NAME=value` of a file of settings. */
const readEnv = (file) => readFileSync(file, 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));

function generate(folder, kind, { name, files = [], envs = [], literals = [], ...rest }) {
  assert.deepEqual(rest, {}, `${folder}: unknown members of a generator`);
  const data = {};
  for (const file of files) data[path.basename(file)] = readFileSync(path.join(folder, file), 'utf8');
  for (const literal of [...literals, ...envs.flatMap((file) => readEnv(path.join(folder, file)))]) {
    const at = literal.indexOf('=');
    data[literal.slice(0, at)] = literal.slice(at + 1);
  }
  if (kind === 'ConfigMap') return { apiVersion: 'v1', kind, metadata: { name }, data };
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { apiVersion: 'v1', kind, metadata: { name }, type: 'Opaque', data: Object.fromEntries(encoded) };
}

/** RFC 6902, `add`, `replace` and `remove` at a path that exists. */
function applyPatch(object, operations, where) {
  for (const { op, path: pointer, value } of operations) {
    const steps = pointer.slice(1).split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop();
    const parent = steps.reduce((at, step) => at?.[step], object);
    assert.ok(parent !== undefined, `${where}: nothing at ${pointer}`);
    assert.ok(op === 'add' || (['replace', 'remove'].includes(op) && parent[last] !== undefined), `${where}: ${op} ${pointer}`);
    if (op === 'remove') delete parent[last];
    else if (op === 'add' && Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, value);
    else parent[last] = value;
  }
}

function applyPatches(folder, patches, objects) {
  for (const { path: file, target, ...rest } of patches) {
    assert.deepEqual(rest, {}, `${folder}: unknown members of a patch`);
    const matches = objects.filter(({ kind, metadata }) => kind === target.kind
      && (target.name === undefined || new RegExp(`^(?:${target.name})$`).test(metadata.name)));
    assert.ok(matches.length > 0, `${folder}: ${file} is for nothing`);
    for (const match of matches) applyPatch(match, readYaml(path.join(folder, file))[0], file);
  }
}

function setImages(images, objects) {
  const set = (container) => {
    const [name] = container.image.split(':');
    const image = images.find((candidate) => candidate.name === name);
    if (image) container.image = `${image.newName ?? name}:${image.newTag}`;
  };
  for (const { spec } of objects) (spec?.template?.spec?.containers ?? []).forEach(set);
}

/** All objects of a kustomization, as `kubectl kustomize` gives them. A component works on those that it
 * is given besides its own. */
export function render(folder, given = []) {
  const [kustomization] = readYaml(path.join(folder, 'kustomization.yaml'));
  for (const member of Object.keys(kustomization)) assert.ok(KNOWN.includes(member), `${folder}: ${member} is not known here`);
  assert.equal(kustomization.kind, given.length > 0 ? 'Component' : 'Kustomization', folder);
  let objects = [...given, ...(kustomization.resources ?? []).flatMap((resource) => load(folder, resource))];
  for (const component of kustomization.components ?? []) objects = render(path.join(folder, component), objects);
  for (const generator of kustomization.configMapGenerator ?? []) objects.push(generate(folder, 'ConfigMap', generator));
  for (const generator of kustomization.secretGenerator ?? []) objects.push(generate(folder, 'Secret', generator));
  applyPatches(folder, kustomization.patches ?? [], objects);
  setImages(kustomization.images ?? [], objects);
  if (kustomization.namespace !== undefined) {
    for (const object of objects) {
      if (CLUSTER_KINDS.includes(object.kind)) continue;
      object.metadata.namespace = kustomization.namespace;
    }
  }
  return objects;
}
