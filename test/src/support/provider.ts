import { fileURLToPath } from 'node:url'
import type { GatewayOptions } from '@carillon/gateway'
import type { Cleanup } from './cleanup.ts'
import { launch } from './processes.ts'

/** The program with which the gateway's own tests sign in; it is no part of the package. */
const PROGRAM = fileURLToPath(new URL('testing/provider-main.js', import.meta.resolve('@carillon/gateway')))

/**
 * Starts a real provider of identities, whose group `ops` makes operators of everything.
 * @param groups of people, by name
 */
export async function startProvider(
  cleanup: Cleanup,
  groups: Readonly<Record<string, readonly string[]>>,
): Promise<NonNullable<GatewayOptions['access']['provider']>> {
  const { shows } = launch(cleanup, [process.execPath, PROGRAM, JSON.stringify(groups)], { ipc: true })
  const [, issuer = ''] = await shows(/"issuer":"([^"]+)"/)
  return {
    ...{ issuer, clientId: 'carillon', clientSecret: 'a secret of the client', name: 'Test Provider', scopes: 'openid profile groups' },
    ...{ claim: 'groups', defaultRole: undefined, sessionMs: 3_600_000 },
    roles: [{ value: 'ops', namespace: '*', role: 'operator', payloads: false }],
  }
}
