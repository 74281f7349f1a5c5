/**
 * A provider of identities in a process of its own: oidc-provider, with the pages that it has for development, where any name and password sign in.
 * Prints its issuer. Who is in which groups is its argument, as JSON; changes are messages of its parent, without which it ends.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
// @ts-expect-error It has no types of its own.
import Provider from 'oidc-provider'

interface Account {
  readonly accountId: string
  claims(): object
}

const [given = '{}'] = process.argv.slice(2)
const groups = new Map<string, readonly string[]>(Object.entries(JSON.parse(given)))
process
  .on('message', ({ name, groups: of }: { name: string; groups: readonly string[] }) => {
    groups.set(name, of)
    process.send?.('done')
  })
  .on('disconnect', () => process.exit())

const server = createServer((request, response) => provider.callback()(request, response))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const provider = new Provider(issuer, {
  clients: [
    {
      ...{ client_id: 'carillon', client_secret: 'a secret of the client', grant_types: ['authorization_code'], response_types: ['code'] },
      // On a loopback address a native client may come back to any port.
      ...{ application_type: 'native', redirect_uris: ['http://127.0.0.1/api/v1/session/oidc/callback'] },
      ...{ token_endpoint_auth_method: 'client_secret_basic' },
    },
  ],
  scopes: ['openid', 'profile', 'groups'],
  claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
  cookies: { keys: ['a key of the test'] },
  pkce: { required: () => true },
  findAccount: (_context: unknown, id: string): Account => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, groups: groups.get(id) ?? [] }),
  }),
})
process.stdout.write(`${JSON.stringify({ issuer })}\n`)
