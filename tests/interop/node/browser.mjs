// A browser without pages: follows redirects, keeps cookies, and stops at the relying party's redirect URI.

const LONGEST_WALK = 12;

export async function walk(start, redirectUri) {
  const cookies = new Map();
  let url = new URL(start);
  for (let step = 0; step < LONGEST_WALK; step += 1) {
    if (url.href.startsWith(redirectUri)) return url;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: cookie ? { cookie } : {} });
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = response.headers.get('location');
    if (location === null) {
      throw new Error(`${response.status} without a redirect at ${url}: ${(await response.text()).slice(0, 500)}`);
    }
    url = new URL(location, url);
  }
  throw new Error(`no end after ${LONGEST_WALK} redirects`);
}
