import { SERVICE_CONSUMERS, type ServiceHealth } from '@carillon/contracts'
import type { LoggerParts } from '../parts.ts'

type Check = ServiceHealth['checks'][number]

export async function checkHealth(parts: LoggerParts): Promise<ServiceHealth> {
  const { broker, store, clock } = parts
  const checks = await Promise.all([
    check('broker', async () => `answers in ${await broker.connection.rtt()} ms`),
    Promise.resolve(parts.keeper.check()),
    check('store', async () => {
      await store.check()
      return store.describe()
    }),
    check('lines', async () => {
      const { num_pending: waiting, num_ack_pending: taken } = await broker.manager.consumers.info('LOGS', SERVICE_CONSUMERS.LOGS)
      return `${waiting} messages wait, ${taken} are being stored`
    }),
  ])
  return { service: 'logger', id: parts.id, version: '0.1.0', uptimeMs: clock.monotonic() - parts.startedAt, checks }
}

async function check(name: string, look: () => Promise<string>): Promise<Check> {
  return look().then(
    (message) => ({ name, ok: true, message }),
    (error: unknown) => ({ name, ok: false, message: (error as Error).message }),
  )
}
