import assert from 'node:assert/strict'
import { eventually, settle } from '@carillon/wire/testing'
import type { Service } from '../lifecycle.ts'

export interface Exercise {
  /** Whether something of the service still runs: a timer, a subscription, work under way. */
  readonly isActive: () => boolean | Promise<boolean>
}

const DEADLINE_MS = 5_000

/**
 * The start/stop contract of every service: both are idempotent, `stop` is legal before `start` and waits for the end, and any number of
 * them in any order, also at once, leaves the state that the last one requested. Throws where the service breaks it.
 */
export async function exerciseService(service: Service, { isActive }: Exercise): Promise<void> {
  const stopped = async (when: string) => {
    await within(service.stop(), `stop ${when}`)
    await settle()
    assert.equal(await isActive(), false, `is active ${when}`)
  }
  const started = async (when: string) => {
    await within(service.start(), `start ${when}`)
    await eventually(`is active after start ${when}`, isActive)
  }
  await stopped('before start')
  for (let i = 0; i < 3; i++) {
    await started(`the ${i + 1}. time`)
    await started('once more')
    await stopped('after start')
    await stopped('once more')
  }
  await within(Promise.all([service.start(), service.start(), service.stop()]), 'start twice and stop at once')
  await stopped('after both at once')
  await within(Promise.all([service.start(), service.stop(), service.start()]), 'start, stop, start at once')
  await started('after start, stop, start at once')
  const random = seeded(7)
  for (let round = 0; round < 20; round++) {
    const steps = Array.from({ length: 1 + (random() % 6) }, () => (random() % 2 ? service.start() : service.stop()))
    if (random() % 2) await settle()
    await within(Promise.all(steps), `round ${round}`)
  }
  await stopped('after all rounds')
}

async function within(step: Promise<unknown>, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${DEADLINE_MS} ms: ${what}`)), DEADLINE_MS)
  })
  await Promise.race([step, late]).finally(() => clearTimeout(timer))
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state >> 4
  }
}
