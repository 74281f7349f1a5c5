/** Where a gateway is reached by a request. */
export interface ReachedAt {
  /** Configured; undefined: under the address that it listens on. */
  readonly origin: string | undefined
  /** The `Host` header. */
  readonly host: string | undefined
}

/** The origin of the gateway's own pages. The scheme comes from the setting: anyone can send a header that claims one. */
export const ownOrigin = ({ origin, host = '' }: ReachedAt): string => origin ?? `http://${host.toLowerCase()}`

const isEncrypted = ({ origin }: ReachedAt): boolean => origin?.startsWith('https:') ?? false

/**
 * Cookies do not know ports: without the port in its name, two meshes on one machine would overwrite each other's. By https the prefix keeps other
 * hosts of the domain from setting one.
 */
export function cookieName(at: ReachedAt, purpose: 'session' | 'oidc'): string {
  const suffix = purpose === 'session' ? '' : `-${purpose}`
  if (isEncrypted(at)) return `__Host-carillon${suffix}`
  return `carillon-${/:(\d{1,5})$/.exec(ownOrigin(at))?.[1] ?? '80'}${suffix}`
}

/** The value of a cookie; undefined: there is none, or more than one, of which none can be believed. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  return values.length === 1 ? values[0]?.slice(name.length + 1) : undefined
}

interface Cookie {
  readonly name: string
  readonly value: string
  /** 0 removes it. */
  readonly maxAgeS: number
}

/** Without `Secure` over http, where browsers would drop it. */
export const setCookie = (at: ReachedAt, { name, value, maxAgeS }: Cookie): string =>
  `${name}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax${isEncrypted(at) ? '; Secure' : ''}`
