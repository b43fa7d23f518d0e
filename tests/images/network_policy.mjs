// Who reaches whom by NetworkPolicies, as Kubernetes defines them: a pod that no policy selects for a
// direction is open in it; one that is selected may do what any of those policies names, and nothing
// else; and a connection needs the leave of both ends.
//
// A peer is `{ namespace, labels, address }`; one without a namespace is no pod, and is not bound.

import assert from 'node:assert/strict';
import net from 'node:net';

const namespaceLabels = (namespace) => ({ 'kubernetes.io/metadata.name': namespace });

const OPERATORS = {
  In: (value, values) => values.includes(value),
  NotIn: (value, values) => !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};

function selects({ matchLabels = {}, matchExpressions = [], ...rest }, labels) {
  assert.deepEqual(rest, {}, 'unknown members of a selector');
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
    && matchExpressions.every(({ key, operator, values }) => OPERATORS[operator](labels[key], values));
}

function holds({ cidr, except = [] }, address) {
  const list = new net.BlockList();
  const [prefix, length] = cidr.split('/');
  list.addSubnet(prefix, Number(length), net.isIPv6(prefix) ? 'ipv6' : 'ipv4');
  return list.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4') && !except.some((block) => holds({ cidr: block }, address));
}

function isPeer({ podSelector, namespaceSelector, ipBlock, ...rest }, home, peer) {
  assert.deepEqual(rest, {}, 'unknown members of a peer');
  if (ipBlock) return holds(ipBlock, peer.address);
  if (peer.namespace === undefined) return false;
  const near = namespaceSelector ? selects(namespaceSelector, namespaceLabels(peer.namespace)) : peer.namespace === home;
  return near && (!podSelector || selects(podSelector, peer.labels));
}

const isPort = (given, protocol, port) => (given.protocol ?? 'TCP') === protocol
  && (given.port === undefined || (port >= given.port && port <= (given.endPort ?? given.port)));

/** Whether `pod` may, in this direction (Ingress with `from`, Egress with `to`). */
function may(policies, direction, pod, peer, protocol, port) {
  if (pod.namespace === undefined) return true;
  const [rules, peers] = direction === 'Ingress' ? ['ingress', 'from'] : ['egress', 'to'];
  const bound = policies.filter(({ metadata, spec }) => metadata.namespace === pod.namespace
    && selects(spec.podSelector, pod.labels) && spec.policyTypes.includes(direction));
  return bound.length === 0 || bound.some(({ metadata, spec }) => (spec[rules] ?? []).some((rule) => (
    (!rule[peers] || rule[peers].some((given) => isPeer(given, metadata.namespace, peer)))
    && (!rule.ports || rule.ports.some((given) => isPort(given, protocol, port))))));
}

export function reaches(policies, from, to, protocol, port) {
  return may(policies, 'Egress', from, to, protocol, port) && may(policies, 'Ingress', to, from, protocol, port);
}
