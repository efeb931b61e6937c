// What a test asks for comes in on stdin, what the client saw goes out on stdout, both as JSON.
// `library` is openid-client or oauth4webapi: the names used here are the same in both.

export async function run(perform) {
  let input = '';
  for await (const chunk of process.stdin) input += chunk;
  process.stdout.write(JSON.stringify(await perform(JSON.parse(input))));
}

export async function authentication(library, job) {
  switch (job.authentication) {
    case 'client_secret_basic':
      return library.ClientSecretBasic(job.secret);
    case 'client_secret_post':
      return library.ClientSecretPost(job.secret);
    case 'private_key_jwt':
      return library.PrivateKeyJwt(await importPrivateKey(job.private_jwk));
  }
  throw new Error(`no such authentication: ${job.authentication}`);
}

function importPrivateKey(jwk) {
  return crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}

// The error code of an attempt that the provider has to refuse; null where it did not.
export async function refusal(library, attempt) {
  try {
    await attempt();
  } catch (error) {
    return codeOf(library, error);
  }
  return null;
}

// What the provider refuses has a code; anything else is thrown on and fails the test.
export async function codeOf(library, error) {
  if (error instanceof library.AuthorizationResponseError) return error.error;
  if (error instanceof library.ResponseBodyError) return error.error;
  if (error instanceof library.WWWAuthenticateChallengeError) {
    return error.cause[0].parameters.error ?? (await error.response.json()).error;
  }
  throw error;
}
