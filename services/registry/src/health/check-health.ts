import { type ServiceHealth, VERSION } from '@carillon/contracts'
import { checkPart } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'

/** What a server allows on one stream unless it is configured otherwise. */
const MAX_HANDLERS = 1_000

type Parts = Pick<RegistryParts, 'id' | 'broker' | 'bucket' | 'keeper' | 'roster' | 'clock'>

/** The health of a registry. */
export class CheckHealth {
  readonly #parts: Parts
  readonly #since: number

  constructor(parts: Parts) {
    this.#parts = parts
    this.#since = parts.clock.monotonic()
  }

  async execute(): Promise<ServiceHealth> {
    const { id, broker, keeper, clock } = this.#parts
    const checks = await Promise.all([
      checkPart('broker', async () => `answers in ${await broker.connection.rtt()} ms`),
      Promise.resolve(keeper.check()),
      checkPart('presence', () => this.#presence()),
      checkPart('handlers', () => this.#handlers()),
    ])
    return { service: 'registry', id, version: VERSION, uptimeMs: clock.monotonic() - this.#since, checks }
  }

  async #presence(): Promise<string> {
    const { bucket, roster } = this.#parts
    await bucket.count()
    const { size, hung } = roster
    return `${size === 1 ? '1 live instance' : `${size} live instances`}${hung > 0 ? `, ${hung} hung` : ''}`
  }

  async #handlers(): Promise<string> {
    const { consumer_count: count } = (await this.#parts.broker.manager.streams.info('WORK')).state
    if (count >= MAX_HANDLERS) throw new Error(`${count} handlers, no room for another in stream WORK`)
    return `${count} of ${MAX_HANDLERS} handlers`
  }
}
