import type { RunMode } from '@carillon/contracts'
import type { Plan, RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { isFanOut } from '../../modes/rules/fan-out.ts'
import { CHECK_QUEUED_MS } from '../../runs/rules/life.ts'
import type { Program } from './instance.ts'
import type { Random } from './random.ts'

let runs = 0
const ROUTES = ['round-robin', 'first', 'consistent-hash', 'least-used'] as const

/** A run of any mode, queued, and what its tasks do. */
export function randomRun(
  random: Random,
  { seed, isSingle, handler, now }: { seed: number; isSingle: true | undefined; handler: string; now: number },
): { run: RunRecord; program: Program } {
  const shards = 1 + random.below(7)
  const maxParallel = random.chance(0.5) ? 1 + random.below(3) : undefined
  const tolerate = random.pick([0, 0, 1, '30%'] as const)
  const tries = 1 + random.below(2)
  const plan = { ...(maxParallel ? { maxParallel } : {}), ...(tolerate ? { tolerate } : {}) }
  const backoff = { type: 'fixed', delayMs: 1_000 } as const
  const any = random.pick(['shards', 'shards', 'broadcast', 'map', 'map-reduce', 'map-reduce', 'single'] as const) ?? 'shards'
  const mode = isSingle ? 'single' : any
  const parts: Partial<Record<RunMode, Plan>> = { shards: { shards }, 'map-reduce': { shards: 1 + random.below(3) } }
  const planned = { mode, plan: { ...parts[mode], ...plan } }
  const program: Program = {
    calls: 1 + random.below(2),
    items: 1 + random.below(4),
    isNested: random.chance(0.4),
    steps: random.below(5),
  }
  const losses = isFanOut(planned) ? 0 : random.below(3)
  const routing =
    !isSingle && seed % 4 === 3 && mode !== 'broadcast' ? { route: ROUTES[(seed >> 2) % ROUTES.length] as (typeof ROUTES)[number] } : null
  const wakeAt = isFanOut(planned) || routing ? now + CHECK_QUEUED_MS : null
  const queuedAt = routing && !isFanOut(planned) ? null : now
  return {
    run: aRun(++runs, { ...planned, handler, createdAt: now, queuedAt, routing, wakeAt, losses, tries, attempts: tries, backoff }),
    program,
  }
}
