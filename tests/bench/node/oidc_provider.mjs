// oidc-provider with its own development pages, as its README starts it.
// Arguments: the port to listen on, then redirect URI, id and secret of its one client.
import { generateKeyPair, exportJWK } from 'jose';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const [redirectUri, clientId, clientSecret] = process.argv.slice(3);
const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'bench' }] },
  cookies: { keys: ['bench-cookie-key'] },
});
provider.listen(port, '127.0.0.1');
