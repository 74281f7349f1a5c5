import { SERVICE_CONSUMERS, type ServiceHealth, VERSION } from '@carillon/contracts'
import { checkPart } from '@carillon/runtime'
import type { LoggerParts } from '../parts.ts'

type Parts = Pick<LoggerParts, 'id' | 'broker' | 'keeper' | 'store' | 'clock'>

/** The health of a logger. */
export class CheckHealth {
  readonly #parts: Parts
  readonly #since: number

  constructor(parts: Parts) {
    this.#parts = parts
    this.#since = parts.clock.monotonic()
  }

  async execute(): Promise<ServiceHealth> {
    const { id, broker, keeper, store, clock } = this.#parts
    const checks = await Promise.all([
      checkPart('broker', async () => `answers in ${await broker.connection.rtt()} ms`),
      Promise.resolve(keeper.check()),
      checkPart('store', async () => {
        await store.check()
        return store.describe()
      }),
      checkPart('lines', async () => {
        const { num_pending: waiting, num_ack_pending: taken } = await broker.manager.consumers.info('LOGS', SERVICE_CONSUMERS.LOGS)
        return `${waiting} messages wait, ${taken} are being stored`
      }),
    ])
    return { service: 'logger', id, version: VERSION, uptimeMs: clock.monotonic() - this.#since, checks }
  }
}
