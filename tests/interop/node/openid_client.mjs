// openid-client: the whole authorization code flow of one job, every check of the library on.
import * as client from 'openid-client';
import { walk } from './browser.mjs';
import { authentication, codeOf, refusal, run } from './job.mjs';

await run(async (job) => {
  const config = await client.discovery(
    new URL(job.issuer),
    job.client_id,
    {
      id_token_signed_response_alg: job.id_token_alg,
      ...(job.userinfo_alg && { userinfo_signed_response_alg: job.userinfo_alg }),
    },
    await authentication(client, job),
    { execute: [client.allowInsecureRequests] },
  );
  client.enableNonRepudiationChecks(config); // verifies signatures against the JWKS, TLS or not

  // Its handle answers the provider's nonces by itself.
  const bound = job.profile === 'fapi2' && {
    DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')),
  };
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const parameters = {
    redirect_uri: job.redirect_uri,
    scope: job.scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    login_hint: job.login_hint,
  };
  const address = bound
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, bound)
    : client.buildAuthorizationUrl(config, parameters);
  const callback = await walk(address, job.redirect_uri);
  const redeem = () =>
    client.authorizationCodeGrant(
      config,
      callback,
      {
        pkceCodeVerifier: job.wrong_verifier ? client.randomPKCECodeVerifier() : verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      },
      undefined,
      bound || undefined,
    );
  try {
    const tokens = await redeem();
    const claims = tokens.claims();
    const readUserInfo = () =>
      client.fetchUserInfo(config, tokens.access_token, claims.sub, bound || undefined);
    const seen = { claims, token_type: tokens.token_type, userinfo: await readUserInfo() };
    if (!job.replay) return seen;
    return { ...seen, replay: await refusal(client, redeem), after_replay: await refusal(client, readUserInfo) };
  } catch (error) {
    return { error: await codeOf(client, error) };
  }
});
