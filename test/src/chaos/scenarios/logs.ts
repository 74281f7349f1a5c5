import type { Store } from '@carillon/store'
import { eventually } from '@carillon/wire/testing'
import type { Scenario } from '../scenario.ts'
import type { World } from '../world.ts'

const FLOODS = { runs: 6, lines: 40_000, text: 'x'.repeat(500) }

export const logFlood: Scenario = {
  name: 'log-flood',
  about: 'every executor logs as fast as it can: no instance is taken for lost, and each line is kept or counted as dropped',
  guard: 'dropped-lines',
  allows: {},
  rounds: { short: 1, full: 5 },
  async hurt(world, rounds) {
    const faults: string[] = []
    for (let round = 0; round < rounds; round++) {
      const floods = await world.client.runMany(Array.from({ length: FLOODS.runs }, () => ({ handler: 'flood', payload: FLOODS })))
      await world.strike(() => undefined)
      for (const flood of floods) {
        if (!flood.ok) throw flood.error
        await flood.run.result({ timeoutMs: 120_000 })
      }
      for (const flood of floods) if (flood.ok && faults.length === 0) faults.push(...(await unaccounted(world, flood.run.id)))
    }
    return faults
  },
}

async function unaccounted({ store, namespace }: World, runId: string): Promise<string[]> {
  const missing = async () => FLOODS.lines - (await linesOf(store, { namespace, runId }))
  const isThere = async () => (await missing()) === 0
  const all = await eventually('every line is there', isThere, { everyMs: 500 }).catch(() => false)
  return all ? [] : [`lines-unaccounted-for=${await missing()}`]
}

/** Lines of a run that are kept, and those that are reported as dropped. */
async function linesOf(store: Store, run: { namespace: string; runId: string }): Promise<number> {
  let lines = 0
  let cursor: string | undefined
  do {
    const page = await store.logs.query({ ...run, order: 'oldest', cursor, limit: 1_000 })
    for (const { fields } of page.items) lines += fields === null ? 1 : (JSON.parse(fields).dropped ?? 1)
    cursor = page.cursor
  } while (cursor)
  return lines
}
