import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config';
import { hasKubectl, render, theOne, type Manifest } from './manifests';

// Where kubectl is missing this is skipped, but never in CI: there it fails.
describe.runIf(hasKubectl() || process.env.CI)('deploy/kubernetes/replicated', () => {
  let manifests: Manifest[];
  beforeAll(() => {
    manifests = render('replicated');
  });

  const podOf = (name: string) => theOne(manifests, 'StatefulSet', name).spec?.template.spec;
  const settings = () => theOne(manifests, 'ConfigMap').data ?? {};

  it('runs three nodes, spread over machines, of which one may be away at a time', () => {
    expect(theOne(manifests, 'StatefulSet', 'orchestratord').spec).toMatchObject({
      replicas: 3,
      podManagementPolicy: 'Parallel',
    });
    const [spread] = podOf('orchestratord')?.topologySpreadConstraints ?? [];
    expect(spread?.labelSelector?.matchLabels).toEqual({ 'app.kubernetes.io/name': 'orchestratord' });
    expect(theOne(manifests, 'PodDisruptionBudget').spec).toMatchObject({ maxUnavailable: 1 });
  });

  it('has settings that the service takes, of a store that is there, with its password as a file', () => {
    const { config, warnings } = loadConfig({ ...settings(), ORCHD_ADDR: '127.0.0.1:0' });
    expect(warnings).toEqual([]);
    const { store, storePasswordFile, storeDurability } = config;
    const service = theOne(manifests, 'Service', 'orchestratord-store');
    expect(store).toMatchObject({ kind: 'server', hosts: [{ host: service.metadata?.name, port: 6379 }] });
    expect([storePasswordFile, storeDurability]).toEqual(['/etc/orchestratord/store-password', 'disk']);
    const secret = podOf('orchestratord-store')?.volumes?.find(({ name }) => name === 'secrets')?.secret;
    expect(secret?.items).toEqual([{ key: 'store-password', path: 'store-password' }]);
  });

  it('runs the store so that a node starts on it, and lets nobody but nodes in', () => {
    const command = podOf('orchestratord-store')?.containers[0]?.command?.join(' ') ?? '';
    for (const setting of ['--appendonly yes', '--appendfsync always', '--maxmemory-policy noeviction'])
      expect(command).toContain(setting);
    const [rule] = theOne(manifests, 'NetworkPolicy', 'orchestratord-store').spec?.ingress ?? [];
    expect(rule?.from).toEqual([{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'orchestratord' } } }]);
  });

  it('leaves a third of the memory of the store to tasks, whatever else is kept', () => {
    const { config } = loadConfig({ ...settings(), ORCHD_ADDR: '127.0.0.1:0' });
    const command = podOf('orchestratord-store')?.containers[0]?.command?.join(' ') ?? '';
    const maxmemory = Number(/--maxmemory (\d+)mb/.exec(command)?.[1]) * 1024 * 1024;
    const { filesMaxBytes, artifactsMaxBytes, responsesMaxBytes, conversationsMaxBytes } = config;
    const kept = filesMaxBytes + artifactsMaxBytes + responsesMaxBytes + conversationsMaxBytes;
    expect(kept).toBeLessThanOrEqual((2 / 3) * maxmemory);
  });

  it('meets the restricted pod security standard', () => {
    const pod = podOf('orchestratord-store');
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(pod?.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});
