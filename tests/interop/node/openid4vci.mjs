// A wallet on @openid4vc/openid4vci: takes an offer, gets a batch of copies, and says that they came.

import { AuthorizationFlow, Openid4vciClient, setGlobalConfig } from '@openid4vc/openid4vci';
import { run } from './job.mjs';

const CLIENT = 'netid-wallet';
const { subtle } = crypto;

setGlobalConfig({ allowInsecureUrls: true }); // loopback

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

async function newKey() {
  const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await subtle.exportKey('jwk', pair.publicKey);
  return { pair, publicJwk: { kty, crv, x, y } };
}

function callbacks(keys) {
  return {
    fetch,
    clientAuthentication: () => {},
    generateRandom: (size) => crypto.getRandomValues(new Uint8Array(size)),
    hash: async (data, algorithm) =>
      new Uint8Array(await subtle.digest(algorithm.replace(/^sha-?/i, 'SHA-'), data)),
    signJwt: async (signer, { header, payload }) => {
      const { pair } = keys.find(({ publicJwk }) => publicJwk.x === signer.publicJwk.x);
      const input = [header, payload].map((part) => base64url(JSON.stringify(part))).join('.');
      const signature = await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, Buffer.from(input));
      return { jwt: `${input}.${base64url(signature)}`, signerJwk: signer.publicJwk };
    },
  };
}

const signerOf = ({ publicJwk }) => ({ method: 'jwk', publicJwk, alg: 'ES256' });

async function tokens(client, job, shared, device) {
  const dpop = { signer: signerOf(device) };
  if (job.offer) {
    return client.retrievePreAuthorizedCodeAccessTokenFromOffer({ ...shared, txCode: job.tx_code, dpop });
  }
  const begun = await client.initiateAuthorization({
    ...shared,
    clientId: CLIENT,
    redirectUri: job.redirect_uri,
    scope: job.configuration,
    pkceCodeVerifier: job.verifier,
    additionalRequestPayload: { login_hint: job.persona },
    dpop,
  });
  if (begun.authorizationFlow !== AuthorizationFlow.Oauth2Redirect) throw new Error(begun.authorizationFlow);
  const answer = await fetch(begun.authorizationRequestUrl, { redirect: 'manual' });
  const { code } = client.parseAndVerifyAuthorizationResponseRedirectUrl({
    url: answer.headers.get('location'),
    authorizationServerMetadata: shared.issuerMetadata.authorizationServers[0],
  });
  return client.retrieveAuthorizationCodeAccessTokenFromOffer({
    ...shared,
    authorizationCode: code,
    pkceCodeVerifier: begun.pkce.codeVerifier,
    redirectUri: job.redirect_uri,
    additionalRequestPayload: { client_id: CLIENT },
    dpop,
  });
}

await run(async (job) => {
  const device = await newKey();
  const copies = await Promise.all(Array.from({ length: job.copies }, newKey));
  const client = new Openid4vciClient({ callbacks: callbacks([device, ...copies]) });
  const credentialOffer = job.offer
    ? await client.resolveCredentialOffer(job.offer)
    : { credential_issuer: job.issuer, credential_configuration_ids: [job.configuration], grants: { authorization_code: {} } };
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer);
  const { accessTokenResponse, dpop } = await tokens(client, job, { credentialOffer, issuerMetadata }, device);
  const { c_nonce } = await client.requestNonce({ issuerMetadata });
  const credentialConfigurationId = job.configuration;
  const jwt = [];
  for (const key of copies) {
    const made = await client.createCredentialRequestJwtProof({
      issuerMetadata, credentialConfigurationId, signer: signerOf(key), nonce: c_nonce,
    });
    jwt.push(made.jwt);
  }
  const accessToken = accessTokenResponse.access_token;
  const received = await client.retrieveCredentials({
    issuerMetadata, credentialConfigurationId, accessToken, proofs: { jwt }, dpop,
  });
  const { credentials, notification_id } = received.credentialResponse;
  await client.sendNotification({
    issuerMetadata, accessToken, notification: { notificationId: notification_id, event: 'credential_accepted' },
    dpop: { ...dpop, ...received.dpop },
  });
  return { token: accessTokenResponse, credentials, keys: copies.map(({ publicJwk }) => publicJwk) };
});
