// @sd-jwt/sd-jwt-vc and @sd-jwt/jwt-status-list: one step of one job, named by `job.act`.
import { createHash, randomBytes } from 'node:crypto';
import { getListFromStatusListJWT, StatusList } from '@sd-jwt/jwt-status-list';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { run } from './job.mjs';

const KEY = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };

const signer = (jwk) => async (data) => {
  const key = await crypto.subtle.importKey('jwk', jwk, KEY, false, ['sign']);
  return Buffer.from(await crypto.subtle.sign(SIGNATURE, key, Buffer.from(data))).toString('base64url');
};

const accepts = async ({ use, alg, kid, ...jwk }, data, signature) => {
  const key = await crypto.subtle.importKey('jwk', jwk, KEY, false, ['verify']);
  return crypto.subtle.verify(SIGNATURE, key, Buffer.from(signature, 'base64url'), Buffer.from(data));
};

const library = (job) =>
  new SDJwtVcInstance({
    hasher: (data) => createHash('sha256').update(data).digest(),
    hashAlg: 'sha-256',
    saltGenerator: () => randomBytes(16).toString('base64url'),
    signAlg: 'ES256',
    kbSignAlg: 'ES256',
    signer: job.issuer_jwk && signer(job.issuer_jwk),
    kbSigner: job.holder_jwk && signer(job.holder_jwk),
    verifier: (data, signature) => accepts(job.issuer_jwk, data, signature),
    kbVerifier: (data, signature, payload) => accepts(payload.cnf.jwk, data, signature),
  });

const acts = {
  issue: (job) => library(job).issue(job.claims, job.frame),
  present: (job) => library(job).present(job.credential, job.frame, { kb: { payload: job.key_binding } }),
  async verify(job) {
    const { payload, kb } = await library(job).verify(job.presentation, { keyBindingNonce: job.nonce });
    return { payload, key_binding: kb.payload };
  },
  read_status_list(job) {
    const list = getListFromStatusListJWT(job.token);
    return job.indexes.map((index) => list.getStatus(index));
  },
  pack_status_list: (job) => new StatusList(job.statuses, job.bits).compressStatusList(),
};

await run(async (job) => {
  try {
    return { done: await acts[job.act](job) };
  } catch (error) {
    return { error: String(error.message) };
  }
});
