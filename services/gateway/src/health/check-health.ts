import { type ServiceHealth, VERSION } from '@carillon/contracts'
import { checkPart } from '@carillon/runtime'
import type { GatewayParts } from '../parts.ts'

type Parts = Pick<GatewayParts, 'id' | 'broker' | 'keeper' | 'store' | 'clock'>

/** The health of a gateway. */
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
    ])
    return { service: 'gateway', id, version: VERSION, uptimeMs: clock.monotonic() - this.#since, checks }
  }
}
