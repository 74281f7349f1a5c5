import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ProviderSettings } from '../access/oidc/provider-settings.ts'

/** A real provider of identities in a process of its own. */
export interface TestProvider {
  /** Of a gateway that uses it: `admins` are admins of everything, `ops` operators of `default`. */
  readonly settings: ProviderSettings
  /** In which groups someone is from now on. */
  putInto(name: string, groups: readonly string[]): Promise<void>
  stop(): Promise<void>
}

export const PROVIDER_SETTINGS: Omit<ProviderSettings, 'issuer'> = {
  ...{ clientId: 'carillon', clientSecret: 'a secret of the client', name: 'Test Provider', scopes: 'openid profile groups' },
  ...{ claim: 'groups', defaultRole: undefined, sessionMs: 12 * 3_600_000 },
  roles: [
    { value: 'admins', namespace: '*', role: 'admin', payloads: true },
    { value: 'ops', namespace: 'default', role: 'operator', payloads: false },
  ],
}

export async function startTestProvider(): Promise<TestProvider> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./provider-main.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  })
  const lines = createInterface({ input: child.stdout! })
  const nextLine = async () => ((await once(lines, 'line')) as [string])[0]
  // It warns that it uses keys for development.
  let first = await nextLine()
  while (!first.startsWith('{"issuer"')) first = await nextLine()
  const { issuer } = JSON.parse(first) as { issuer: string }
  return {
    settings: { ...PROVIDER_SETTINGS, issuer },
    putInto: async (name, groups) => {
      const done = once(child, 'message')
      child.send({ name, groups })
      await done
    },
    stop: async () => {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}
