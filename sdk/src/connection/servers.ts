import { CarillonError, printable } from '@carillon/contracts'

const DEFAULT_SERVER = 'nats://127.0.0.1:4222'
const ADDRESS = /^((nats|tls):\/\/)?[^\s/]+\/?$/
const HINT = `Use an address such as ${DEFAULT_SERVER}; the scheme is nats or tls, several are a list or separated by commas.`

/**
 * The addresses of the broker. Only those over TCP: this client speaks no WebSocket.
 * @param servers as a user wrote them: one, several separated by commas, a list, or undefined for the default
 * @throws CarillonError INVALID_REQUEST for what cannot be an address
 */
export function checkServers(servers: string | readonly string[] | undefined = DEFAULT_SERVER): string[] {
  const given: unknown[] = typeof servers === 'string' ? servers.split(',') : Array.isArray(servers) ? servers : [servers]
  if (given.length === 0) throw wrong([])
  return given.map((server) => {
    const address = typeof server === 'string' ? server.trim() : ''
    if (!ADDRESS.test(address) || !URL.canParse(address.includes('://') ? address : `nats://${address}`)) throw wrong(server)
    return address
  })
}

/** For texts: user and password are left out. */
export const withoutPassword = (address: string) => address.replace(/(^|\/\/)[^/@]*@/, '$1')

function wrong(server: unknown): CarillonError {
  const value = printable(typeof server === 'string' ? withoutPassword(server) : server)
  return new CarillonError('INVALID_REQUEST', `servers is wrong: ${value}`, { field: 'servers', value, hint: HINT })
}
