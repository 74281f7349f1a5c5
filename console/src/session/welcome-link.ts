/** The secret of a one-time link, `#/welcome?secret=…`: a fragment is never sent, so it is in no log of a proxy. */
export function welcomeSecret(hash: string): string | undefined {
  const [path, query = ''] = hash.replace(/^#/, '').split('?')
  if (path !== '/welcome') return undefined
  return new URLSearchParams(query).get('secret') ?? undefined
}
