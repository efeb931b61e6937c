// oidc-provider with its own development pages, as its README starts it; argument: the port to listen on.
import { generateKeyPair, exportJWK } from 'jose';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const redirectUri = process.argv[3];
const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'bench', client_secret: 'bench-secret', redirect_uris: [redirectUri] }],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'bench' }] },
  cookies: { keys: ['bench-cookie-key'] },
});
provider.listen(port, '127.0.0.1');
