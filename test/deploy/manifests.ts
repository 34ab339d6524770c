import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { parseAllDocuments } from 'yaml';

/** The kinds that the base may hold, each with the model that checks it. */
const models = { ConfigMap, NetworkPolicy, PodDisruptionBudget, Service, ServiceAccount, StatefulSet };
type Kind = keyof typeof models;
export type Manifest = InstanceType<(typeof models)[Kind]>;

const root = resolve(__dirname, '../..');

export function hasKubectl(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Every object that `kubectl apply -k` would send, checked against its schema. Throws, naming the object, where one is not valid. */
export function render(folder: 'base' | 'replicated'): Manifest[] {
  const text = execFileSync('kubectl', ['kustomize', `deploy/kubernetes/${folder}`], { cwd: root, encoding: 'utf8' });
  return parseAllDocuments(text).map(document =>
    validated(document.toJS() as { kind: string; metadata: { name: string } }),
  );
}

/** The one object of that kind and, where there are several, that name. */
export function theOne<K extends Kind>(
  manifests: readonly Manifest[],
  kind: K,
  name?: string,
): InstanceType<(typeof models)[K]> {
  const found = manifests.filter(one => one.kind === kind && (name === undefined || one.metadata?.name === name));
  if (found.length !== 1) throw new Error(`${found.length} objects are a ${kind} ${name ?? ''}`);
  return found[0] as InstanceType<(typeof models)[K]>;
}

function validated(object: { kind: string; metadata: { name: string } }): Manifest {
  if (!(object.kind in models)) throw new Error(`there is a ${object.kind}, which nothing here checks`);
  const manifest = new models[object.kind as Kind](object);
  try {
    manifest.validate();
  } catch (cause) {
    throw new Error(`${object.kind} ${object.metadata.name} is not valid`, { cause });
  }
  return manifest;
}
