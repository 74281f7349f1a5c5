import type { ServiceHealth } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'

/** What a server allows on one stream unless it is told otherwise. */
const MAX_HANDLERS = 1_000

type Check = ServiceHealth['checks'][number]

export async function checkHealth(parts: RegistryParts): Promise<ServiceHealth> {
  const checks = await Promise.all([
    check('broker', async () => `answers in ${await parts.broker.connection.rtt()} ms`),
    Promise.resolve(parts.keeper.check()),
    check('presence', async () => {
      await parts.bucket.count()
      const { size, hung } = parts.roster
      return `${size === 1 ? '1 live instance' : `${size} live instances`}${hung > 0 ? `, ${hung} hung` : ''}`
    }),
    check('handlers', async () => {
      const { consumer_count: count } = (await parts.broker.manager.streams.info('WORK')).state
      if (count >= MAX_HANDLERS) throw new Error(`${count} handlers, no room for another in stream WORK`)
      return `${count} of ${MAX_HANDLERS} handlers`
    }),
  ])
  return { service: 'registry', id: parts.id, version: '0.1.0', uptimeMs: parts.clock.monotonic() - parts.startedAt, checks }
}

async function check(name: string, look: () => Promise<string>): Promise<Check> {
  return look().then(
    (message) => ({ name, ok: true, message }),
    (error: unknown) => ({ name, ok: false, message: (error as Error).message }),
  )
}
