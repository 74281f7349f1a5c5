import { eventually } from '@carillon/wire/testing'
import { TICK, type World } from './world.ts'

/** Three times the silence after which a coordinator is dead. */
const WITHIN_MS = 15_000

/** Slots that are due from now on are fired, some of them, soon. @returns what is wrong, in words */
export async function firesSlotsOfNow({ store, namespace }: Pick<World, 'store' | 'namespace'>): Promise<readonly string[]> {
  const since = Date.now()
  const fired = async () => {
    const { items } = await store.runs.list({ namespace, job: TICK.job, limit: 100 })
    return items.filter(({ slot, state }) => slot !== null && slot >= since && slot <= Date.now() && state !== 'skipped').length
  }
  return eventually('slots of now are fired', async () => (await fired()) > 2, { withinMs: WITHIN_MS, everyMs: 100 }).then(
    () => [],
    () => [`no-slot-fired-within=${WITHIN_MS}ms`],
  )
}
