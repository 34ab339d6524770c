import type { Config } from '../../../config/config';

/** A store that cannot be worked on, and what to set: a sentence for whoever wrote the settings. */
export class StoreUnfit extends Error {}

/** Its keys are of a version that this node does not know: nothing will mend that but another node. */
export class StoreNewer extends StoreUnfit {
  constructor(
    readonly layout: number,
    message: string,
  ) {
    super(message);
  }
}

/** A connect that failed. */
export class NobodyThere extends Error {
  constructor(
    readonly host: string,
    override readonly cause: Error,
  ) {
    super(`${host}: ${messageOf(cause)}`);
  }
}

interface Sentence {
  /** By code or text, as Node, OpenSSL and the server say it. */
  readonly matches: RegExp;
  readonly says: (config: Config, host: string, cause: string) => string;
}

const sentences: readonly Sentence[] = [
  {
    matches: /WRONGPASS/,
    says: config =>
      `the store does not know ${userOf(config)} by this password: see ORCHD_STORE_USER and ORCHD_STORE_PASSWORD_FILE`,
  },
  {
    matches: /without any password configured/,
    says: () => 'the store wants no password: unset ORCHD_STORE_PASSWORD_FILE, or set one there',
  },
  { matches: /NOAUTH/, says: () => 'the store asks for a password: set ORCHD_STORE_PASSWORD_FILE' },
  {
    matches: /NOPERM.*\bkeys?\b/,
    says: config =>
      `${userOf(config)} of the store may not use the keys of deployment ${config.storeDeployment}: give it ~{${config.storeDeployment}}*, see docs/operations.md`,
  },
  {
    matches: /NOPERM.*channel/,
    says: config =>
      `${userOf(config)} of the store may not use the channels of deployment ${config.storeDeployment}: give it &{${config.storeDeployment}}:*, see docs/operations.md`,
  },
  {
    matches: /NOPERM/,
    says: (config, _, cause) =>
      `${userOf(config)} of the store may not do what nodes do there (${cause}): its commands are in docs/operations.md`,
  },
  { matches: /DB index is out of range/, says: () => 'the store has no database of the number in ORCHD_STORE' },
  {
    matches: /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|self-signed|unable to (verify|get)/,
    says: (_, host) =>
      `the certificate of the store at ${host} is signed by nobody we know: set ORCHD_STORE_CA_FILE to what signs it`,
  },
  {
    matches: /ALTNAME|altnames/,
    says: (_, host, cause) => `the certificate of the store at ${host} is for another name: ${cause}`,
  },
  {
    matches: /CERT_HAS_EXPIRED|certificate has expired/,
    says: (_, host) => `the certificate of the store at ${host} has expired`,
  },
  {
    matches: /certificate required|bad certificate|unknown ca/i,
    says: () =>
      'the store asks for a certificate that it knows: set ORCHD_STORE_CERT_FILE and ORCHD_STORE_KEY_FILE to one of its own',
  },
  {
    matches: /wrong version number|packet length too long/i,
    says: (_, host) => `the store at ${host} does not speak TLS: name it as redis:// or redis+sentinel://`,
  },
  {
    matches: /PEM|no start line|key values mismatch|asn1|DECODER/i,
    says: (_, __, cause) =>
      `a certificate or key for the store cannot be used (${cause}): see ORCHD_STORE_CA_FILE, ORCHD_STORE_CERT_FILE and ORCHD_STORE_KEY_FILE`,
  },
  {
    matches: /timeout/i,
    says: (config, host, cause) =>
      `nobody answers at ${host} (${cause}): see ORCHD_STORE${isTls(config) ? '; is it a server that speaks TLS?' : ''}`,
  },
  {
    matches: /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/i,
    says: (_, host, cause) => `nobody answers at ${host} (${cause}): see ORCHD_STORE`,
  },
  {
    matches: /ECONNRESET|closed unexpectedly|client is closed|disconnect/i,
    says: (config, host) =>
      isTls(config)
        ? `the store at ${host} hung up: it may want a certificate of ours (ORCHD_STORE_CERT_FILE), or not speak TLS`
        : `the store at ${host} hung up: where it speaks TLS, name it as rediss:// or rediss+sentinel://`,
  },
];

/** What a start fails with, for whoever wrote the settings. */
export function explained(thrown: Error, config: Config): Error {
  if (thrown instanceof StoreUnfit) return thrown;
  const [host, cause] = thrown instanceof NobodyThere ? [thrown.host, thrown.cause] : ['ORCHD_STORE', thrown];
  const text = messageOf(cause);
  const sentence = sentences.find(({ matches }) => matches.test(text));
  return sentence ? new StoreUnfit(sentence.says(config, host, text)) : thrown;
}

function userOf({ storeUser = 'default' }: Config): string {
  return `user ${storeUser}`;
}

function isTls({ store }: Config): boolean {
  return store.kind === 'server' && store.tls;
}

/** With the code, where that says more; a failed connect to several addresses is a bundle of failures. */
function messageOf(thrown: Error & { readonly code?: string; readonly errors?: readonly Error[] }): string {
  const { message, code, errors } = thrown;
  const text = message === '' && errors?.[0] ? errors[0].message : message;
  return code === undefined || text.includes(code) ? text : `${text} ${code}`;
}
