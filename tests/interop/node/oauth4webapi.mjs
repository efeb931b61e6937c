// oauth4webapi: the whole authorization code flow of one job, step by step.
import * as oauth from 'oauth4webapi';
import { walk } from './browser.mjs';
import { authentication, codeOf, refusal, run } from './job.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };

await run(async (job) => {
  const issuer = new URL(job.issuer);
  const found = await oauth.discoveryRequest(issuer, { algorithm: job.discovery, ...insecure });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const client = {
    client_id: job.client_id,
    id_token_signed_response_alg: job.id_token_alg,
    ...(job.userinfo_alg && { userinfo_signed_response_alg: job.userinfo_alg }),
  };
  const proof = await authentication(oauth, job);

  const fapi2 = job.profile === 'fapi2';
  const options = fapi2
    ? { DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')), ...insecure }
    : insecure;
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const parameters = {
    client_id: job.client_id,
    redirect_uri: job.redirect_uri,
    response_type: 'code',
    scope: job.scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    login_hint: job.login_hint,
  };
  const push = async () => {
    const response = await oauth.pushedAuthorizationRequest(server, client, proof, parameters, options);
    return oauth.processPushedAuthorizationResponse(server, client, response);
  };
  const pushed = fapi2 && (await withNonce(push)).request_uri;
  const sent = pushed ? { client_id: job.client_id, request_uri: pushed } : parameters;
  const address = new URL(server.authorization_endpoint);
  for (const [name, value] of Object.entries(sent)) address.searchParams.set(name, value);
  const callback = await walk(address, job.redirect_uri);

  const redeem = async () => {
    const answer = oauth.validateAuthResponse(server, client, callback, state);
    const shown = job.wrong_verifier ? oauth.generateRandomCodeVerifier() : verifier;
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      proof,
      answer,
      job.redirect_uri,
      shown,
      options,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(server, response, insecure);
    return tokens;
  };
  try {
    const tokens = await redeem();
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    const readUserInfo = async () => {
      const response = await oauth.userInfoRequest(server, client, tokens.access_token, options);
      const signed = oauth.getContentType(response) === 'application/jwt';
      const userinfo = await oauth.processUserInfoResponse(server, client, claims.sub, response);
      if (signed) await oauth.validateApplicationLevelSignature(server, response, insecure);
      return userinfo;
    };
    const seen = { claims, token_type: tokens.token_type, userinfo: await readUserInfo() };
    if (!job.replay) return seen;
    return { ...seen, replay: await refusal(oauth, redeem), after_replay: await refusal(oauth, readUserInfo) };
  } catch (error) {
    return { error: await codeOf(oauth, error) };
  }
});

// The first proof has no nonce yet; the refusal brought it, and the library keeps it.
async function withNonce(attempt) {
  try {
    return await attempt();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return attempt();
  }
}
