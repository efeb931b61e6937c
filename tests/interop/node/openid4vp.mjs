// A wallet on @openid4vc/openid4vp: reads a relying party's request, and shows its one copy.

import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { setGlobalConfig } from '@openid4vc/openid4vci';
import { Openid4vpClient } from '@openid4vc/openid4vp';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { base64url, CompactEncrypt, compactVerify, importJWK } from 'jose';
import { run } from './job.mjs';

setGlobalConfig({ allowInsecureUrls: true }); // loopback; the setting is one for both packages

const sha256 = (data) => createHash('sha256').update(data).digest();
const certificateOf = (x5c) => new X509Certificate(Buffer.from(x5c, 'base64'));

const callbacks = (job) => ({
  fetch,
  hash: async (data) => sha256(data),
  getX509CertificateMetadata: () => ({ sanDnsNames: [], sanUriNames: [] }),
  async verifyJwt(signer, { compact }) {
    const [leaf] = signer.x5c.map(certificateOf);
    if (!leaf.verify(certificateOf(job.root).publicKey)) return { verified: false };
    await compactVerify(compact, leaf.publicKey, { algorithms: ['ES256'] });
    return { verified: true, signerJwk: leaf.publicKey.export({ format: 'jwk' }) };
  },
  async encryptJwe({ publicJwk, alg, enc, apu, apv }, data) {
    const key = await importJWK(publicJwk, alg);
    const parties = { apu: apu && base64url.decode(apu), apv: apv && base64url.decode(apv) };
    const jwe = await new CompactEncrypt(Buffer.from(data))
      .setProtectedHeader({ alg, enc, kid: publicJwk.kid })
      .setKeyManagementParameters(parties)
      .encrypt(key);
    return { encryptionJwk: publicJwk, jwe };
  },
});

// DCQL: the first set of claims is the one that the verifier likes best.
function asked({ claims = [], claim_sets: sets }) {
  const chosen = sets ? claims.filter(({ id }) => sets[0].includes(id)) : claims;
  return Object.fromEntries(chosen.map(({ path }) => [path[0], true]));
}

async function present(job, query, binding) {
  const key = createPrivateKey({ key: job.holder_jwk, format: 'jwk' });
  const library = new SDJwtVcInstance({
    hasher: sha256,
    hashAlg: 'sha-256',
    kbSignAlg: 'ES256',
    kbSigner: (data) => sign('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  });
  const payload = { iat: Math.floor(Date.now() / 1000), ...binding, ...job.binding };
  return library.present(job.credential, asked(query), { kb: { payload } });
}

await run(async (job) => {
  const client = new Openid4vpClient({ callbacks: callbacks(job) });
  const { params } = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: job.link });
  // 0.4.6 posts the members of the metadata as they are and leaves the nonce out, so it goes among them.
  const nonce = job.wallet_nonce;
  const wallet = nonce
    ? { metadata: { vp_formats_supported: {}, wallet_nonce: nonce }, expectedNonce: nonce }
    : {};
  const resolved = await client.resolveOpenId4vpAuthorizationRequest({
    authorizationRequestPayload: nonce ? params : { ...params, request_uri_method: 'get' },
    wallet,
  });
  const { authorizationRequestPayload, client: verifier, dcql } = resolved;
  const [query] = dcql.query.credentials;
  const binding = { aud: verifier.effective, nonce: authorizationRequestPayload.nonce };
  const honest = await present(job, query, binding);
  const presentation = job.replaced ? honest.replace(...job.replaced) : honest;
  const response = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload,
    authorizationResponsePayload: { vp_token: { [query.id]: [presentation] } },
    jarm: {
      encryption: { nonce: 'the-wallets-part' },
      serverMetadata: {
        authorization_signing_alg_values_supported: [],
        authorization_encryption_alg_values_supported: ['ECDH-ES'],
        authorization_encryption_enc_values_supported: [job.encryption],
      },
    },
  });
  const { response: answer } = await client.submitOpenid4vpAuthorizationResponse({
    authorizationRequestPayload, ...response,
  });
  return { status: answer.status, body: await answer.json(), prefix: verifier.prefix };
});
