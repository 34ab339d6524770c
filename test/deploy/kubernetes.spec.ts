import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/config';
import { hasKubectl, render, theOne, type Manifest } from './manifests';

// Where kubectl is missing this is skipped, but never in CI: there it fails.
describe.runIf(hasKubectl() || process.env.CI)('deploy/kubernetes/base', () => {
  let manifests: Manifest[];
  beforeAll(() => {
    manifests = render('base');
  });

  const podSpec = () => theOne(manifests, 'StatefulSet').spec?.template.spec;
  const container = () => {
    const containers = podSpec()?.containers ?? [];
    expect(containers).toHaveLength(1);
    const [only] = containers;
    if (!only) throw new Error('the pod has no container');
    return only;
  };
  const environment = () => ({
    ...theOne(manifests, 'ConfigMap').data,
    ...Object.fromEntries((container().env ?? []).map(({ name, value }) => [name, value])),
  });
  /** As the service reads it; the secrets' files exist in the pod only. */
  const config = (): Config => {
    const loaded = loadConfig({ ...environment(), AUTH_TOKEN_FILE: undefined });
    expect(loaded.warnings).toEqual([]);
    return loaded.config;
  };

  it('renders objects that are valid, each under a label of the service', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(
      [
        'ConfigMap',
        'NetworkPolicy',
        'PodDisruptionBudget',
        'Service',
        'Service',
        'ServiceAccount',
        'StatefulSet',
      ].sort(),
    );
    for (const { metadata } of manifests) {
      expect(metadata?.name).toMatch(/^orchestratord/);
      expect(metadata?.labels).toMatchObject({ 'app.kubernetes.io/name': 'orchestratord' });
    }
  });

  it('selects the pod by its labels everywhere', () => {
    const { selector, template, serviceName } = theOne(manifests, 'StatefulSet').spec ?? {};
    const labels = template?.metadata?.labels;
    expect(labels).toEqual({ 'app.kubernetes.io/name': 'orchestratord' });
    expect(selector?.matchLabels).toEqual(labels);
    expect(theOne(manifests, 'Service', 'orchestratord').spec?.selector).toEqual(labels);
    const headless = theOne(manifests, 'Service', serviceName);
    expect(headless.spec).toMatchObject({ clusterIP: 'None', selector: labels });
    expect(theOne(manifests, 'PodDisruptionBudget').spec?.selector?.matchLabels).toEqual(labels);
    expect(theOne(manifests, 'NetworkPolicy').spec?.podSelector?.matchLabels).toEqual(labels);
  });

  it('refers to what is there: settings, account, port, mounts', () => {
    expect(container().envFrom).toEqual([{ configMapRef: { name: theOne(manifests, 'ConfigMap').metadata?.name } }]);
    expect(podSpec()?.serviceAccountName).toBe(theOne(manifests, 'ServiceAccount').metadata?.name);
    expect(container().ports).toEqual([{ name: 'http', containerPort: config().addr.port }]);
    for (const service of manifests.filter(({ kind }) => kind === 'Service')) {
      expect(service).toMatchObject({ spec: { ports: [{ targetPort: 'http' }] } });
    }
    const claims =
      theOne(manifests, 'StatefulSet').spec?.volumeClaimTemplates?.map(({ metadata }) => metadata?.name) ?? [];
    const volumes = podSpec()?.volumes?.map(({ name }) => name) ?? [];
    const mounts = container().volumeMounts?.map(({ name }) => name) ?? [];
    expect(claims).toEqual(['data']);
    expect(mounts.sort()).toEqual([...claims, ...volumes].sort());
  });

  it('runs one replica, with its data on a claim and every other path that is written to in memory or on the node', () => {
    expect(theOne(manifests, 'StatefulSet').spec?.replicas).toBe(1);
    const mountOf = (path: string) =>
      container().volumeMounts?.find(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))?.name;
    const { dataDir, modelsDir, runtimeDir } = config();
    expect([dataDir, modelsDir, runtimeDir, '/tmp'].map(mountOf)).toEqual(['data', 'data', 'runtime', 'tmp']);
    const written = podSpec()?.volumes?.filter(({ emptyDir }) => emptyDir);
    expect(written?.map(({ name }) => name).sort()).toEqual(['runtime', 'tmp']);
    for (const { emptyDir } of written ?? []) expect(emptyDir?.sizeLimit).toBeDefined();
  });

  it('meets the restricted pod security standard', () => {
    expect(podSpec()).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(podSpec()?.securityContext?.runAsUser).toBeGreaterThan(0);
    expect(container().securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const forbidden of ['hostNetwork', 'hostPID', 'hostIPC']) expect(podSpec()).not.toHaveProperty(forbidden);
    expect(podSpec()?.volumes?.some(({ hostPath }) => hostPath)).toBe(false);
    expect(theOne(manifests, 'ServiceAccount').automountServiceAccountToken).toBe(false);
  });

  it('asks for resources and bounds its memory', () => {
    const { requests, limits } = container().resources ?? {};
    expect(requests).toMatchObject({ cpu: expect.anything(), memory: expect.anything() });
    expect(limits).toMatchObject({ memory: expect.anything() });
  });

  it('is probed where the service answers probes', () => {
    const probes = { startupProbe: '/healthz', livenessProbe: '/healthz', readinessProbe: '/readyz' };
    for (const [probe, path] of Object.entries(probes)) {
      expect(container()[probe as keyof typeof probes]?.httpGet).toEqual({ path, port: 'http' });
    }
  });

  it('is given longer to stop than preStop and the running streams take', () => {
    const preStop = container().lifecycle?.preStop?.exec?.command?.join(' ') ?? '';
    const preStopMs = Number(/setTimeout\(.*, (\d+)\)/.exec(preStop)?.[1]);
    expect(preStopMs).toBeGreaterThan(0);
    const graceMs = (podSpec()?.terminationGracePeriodSeconds ?? 0) * 1000;
    expect(graceMs).toBeGreaterThan(preStopMs + config().shutdownGraceMs + 10_000);
  });

  it('waits for engines instead of answering in their place', () => {
    expect(config().fallback).toBe('wait');
  });

  it('takes its secrets from a Secret, as files, and holds none itself', () => {
    const { apiKeysFile } = config();
    const tokenFile = environment().AUTH_TOKEN_FILE;
    const mount = container().volumeMounts?.find(({ name }) => name === 'secrets');
    expect(mount?.readOnly).toBe(true);
    expect([apiKeysFile, tokenFile]).toEqual(['api-keys', 'auth-token'].map(file => `${mount?.mountPath}/${file}`));
    const secret = podSpec()?.volumes?.find(({ name }) => name === 'secrets')?.secret;
    // 0440: the pod's group may read it, nobody else.
    expect(secret).toEqual({ secretName: 'orchestratord', defaultMode: 0o440 });
    expect(Object.keys(environment())).not.toContain('ORCHD_API_KEYS');
    expect(manifests.some(({ kind }) => (kind as string) === 'Secret')).toBe(false);
  });

  it('may be evicted, so that a node can be drained', () => {
    expect(theOne(manifests, 'PodDisruptionBudget').spec).toMatchObject({ maxUnavailable: 1 });
  });
});
