export const DEFAULT_SERVER = 'nats://127.0.0.1:4222'

/** An address taken apart. */
export interface Address {
  /** Without credentials. */
  readonly server: string
  readonly isEncrypted: boolean
  readonly user?: string
  readonly password?: string
  readonly token?: string
}

// User and password reach up to the last @: an unencoded one in a password does no harm.
const ADDRESS = /^(?:(nats|tls):\/\/)?(?:(?![a-z][a-z0-9+.-]*:\/\/)(.*)@)?([^\s/@?#]+?)\/?$/s

/** Only addresses over TCP: this client speaks no WebSocket. Answers undefined for what cannot be an address. */
export function parseAddress(text: string): Address | undefined {
  const [, scheme, credentials, host] = ADDRESS.exec(text.trim()) ?? []
  if (host === undefined || !URL.canParse(`nats://${host}`)) return undefined
  const server = scheme === undefined ? host : `${scheme}://${host}`
  return { server, isEncrypted: scheme === 'tls', ...credentialsOf(credentials) }
}

function credentialsOf(text: string | undefined): Pick<Address, 'user' | 'password' | 'token'> {
  if (text === undefined || text === '') return {}
  const colon = text.indexOf(':')
  if (colon < 0) return { token: decoded(text) }
  return { user: decoded(text.slice(0, colon)), password: decoded(text.slice(colon + 1)) }
}

/** A password that was not percent-encoded may look as if it were, and wrongly so. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** One or several addresses for a text: a token or a password is `***`, a user stays. */
export function maskAddresses(text: string): string {
  const isList = text.split(',').every((part) => parseAddress(part) !== undefined)
  return isList ? text.split(',').map(maskOne).join(',') : maskOne(text)
}

function maskOne(text: string): string {
  return text.replace(/^(\s*(?:[a-z+.-]+:\/\/)?)(.*)@/is, (_, scheme: string, credentials: string) => {
    const colon = credentials.indexOf(':')
    return colon < 0 ? `${scheme}***@` : `${scheme}${credentials.slice(0, colon)}:***@`
  })
}
