const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/**
 * The names that the `Host` header may have; undefined: any. A gateway on a loopback address is meant for this machine alone, but a page of any
 * site can reach it once the site's name resolves to 127.0.0.1 (DNS rebinding): then the header has the name of the site.
 */
export function allowedHosts(address: string, origin: string | undefined): ReadonlySet<string> | undefined {
  if (!isLoopback(address)) return undefined
  return new Set([...LOOPBACK_NAMES, ...(origin === undefined ? [] : [new URL(origin).hostname])])
}

/** Whether only this machine can reach the address. */
function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(\.\d+){3}$/.test(address)
}

/** The name in a `Host` header, without the port. */
export function hostName(header: string | undefined): string {
  return (header ?? '').replace(/:\d+$/, '').toLowerCase()
}
