import type { ProgramView, StatsQueues } from '@carillon/contracts'
import type { JobRecord, RunHead } from '@carillon/store'
import { type Fact, said } from './facts.ts'
import { phrase } from './phrases.ts'

interface Now {
  readonly namespace: string
  readonly now: number
}

/** The longest time after its start that a run counts as one that starts late. */
export const STARTED_LATELY_MS = 60_000

const timeText = (at: number) => new Date(at).toISOString()

/** Runs of slots that have not begun, or have just begun, so long after them. */
export function lateFacts(runs: readonly RunHead[], { namespace, now, graceMs }: Now & { graceMs: number }): Fact[] {
  return runs.flatMap((run) => {
    const { slot, job, handler, id } = run
    if (run.namespace !== namespace || slot === null || job === null || isBackfill(run)) return []
    const beganAt = run.firstStartedAt ?? run.startedAt
    const isStarted = beganAt !== null
    // One that waits for another attempt, or was retried by hand, has begun before.
    if (run.attempt > 1 || (isStarted && beganAt < now - STARTED_LATELY_MS)) return []
    const lateMs = (isStarted ? beganAt : now) - slot
    if (lateMs < graceMs) return []
    const example = { at: timeText(slot), ...said(phrase(isStarted ? 'started-late' : 'waits-late', { ms: lateMs })), runId: id }
    return [{ scene: 'late', namespace, cause: { kind: 'job', name: job }, id, at: slot, example, job, handler } as const]
  })
}

/** A past slot that was fired on purpose is not late. Its gate says so. */
const isBackfill = ({ gate }: Pick<RunHead, 'gate'>) => gate !== null && /^gb\d+x/.test(gate)

/** Jobs whose next slot is over, and that no coordinator has fired. */
export function overdueFacts(jobs: readonly JobRecord[], { namespace }: Now): Fact[] {
  return jobs.flatMap(({ namespace: of, name, handler, state, wakeAt }) => {
    if (of !== namespace || state !== 'active' || wakeAt === null) return []
    const example = { at: timeText(wakeAt), ...said(phrase('not-fired', { slot: timeText(wakeAt) })) }
    return [
      {
        scene: 'missing',
        namespace,
        cause: { kind: 'job', name },
        id: `${name}.${wakeAt}`,
        at: wakeAt,
        example,
        job: name,
        handler,
      } as const,
    ]
  })
}

/** Slots that were missed, and skipped because their jobs want it so. */
export function skippedFacts(runs: readonly RunHead[], { namespace }: Now): Fact[] {
  return runs.flatMap(({ id, job, handler, slot, reason, createdAt }) => {
    if (reason !== 'misfire' || job === null) return []
    const at = slot ?? createdAt
    const example = { at: timeText(at), ...said(phrase('skipped', { slot: timeText(at) })), runId: id }
    return [{ scene: 'missing', namespace, cause: { kind: 'job', name: job }, id, at, example, job, handler } as const]
  })
}

/** Handlers with tasks that no instance takes. */
export function noInstanceFacts({ handlers }: StatsQueues, { namespace, now }: Now): Fact[] {
  return handlers.flatMap(({ handler, waiting, instances, reasons, oldestMs = 0, oldestRunId }) => {
    const isWithout = waiting > 0 && (instances === 0 || (reasons['no-instance'] ?? 0) > 0)
    if (!isWithout) return []
    const at = now - oldestMs
    const example = {
      at: timeText(at),
      ...said(phrase('no-instance', { waiting, instances })),
      ...(oldestRunId ? { runId: oldestRunId } : {}),
    }
    return [{ scene: 'no-instance', namespace, cause: { kind: 'handler', name: handler }, id: handler, at, example, handler } as const]
  })
}

export function oldQueueFacts({ handlers }: StatsQueues, { namespace, now, graceMs }: Now & { graceMs: number }): Fact[] {
  return handlers.flatMap(({ handler, waiting, oldestMs = 0, oldestRunId }) => {
    if (waiting === 0 || oldestMs < graceMs) return []
    const at = now - oldestMs
    const what = said(phrase('queue-too-old', { waiting, ms: oldestMs }))
    const example = { at: timeText(at), ...what, ...(oldestRunId ? { runId: oldestRunId } : {}) }
    return [{ scene: 'queue-too-old', namespace, cause: { kind: 'handler', name: handler }, id: handler, at, example, handler } as const]
  })
}

export function fullGateFacts({ gates }: StatsQueues, { namespace, now }: Now): Fact[] {
  return gates.flatMap(({ job, handler, key, waiting, oldestMs, isFull }) => {
    const name = job ?? handler
    if (!isFull || waiting === 0 || name === undefined) return []
    const at = now - oldestMs
    const what = said(phrase('gate-full', { waiting, ms: oldestMs, ...(key === undefined ? {} : { key }) }))
    const cause = { kind: job === undefined ? 'handler' : 'job', name } as const
    return [
      {
        scene: 'gate-full',
        namespace,
        cause,
        id: `${name}.${key ?? ''}`,
        at,
        example: { at: timeText(at), ...what },
        job,
        handler,
      } as const,
    ]
  })
}

/** Runs in durable steps that no live program goes on with. */
export function noProgramFacts(programs: readonly ProgramView[], { namespace, now }: Now): Fact[] {
  return programs.flatMap(({ program, handler, instances, accepting, open, since }) => {
    if (open === 0 || instances.length > 0 || accepting.length > 0) return []
    const at = since === undefined ? now : Date.parse(since)
    const example = { at: timeText(at), ...said(phrase('no-program', { open, program })) }
    return [{ scene: 'no-program', namespace, cause: { kind: 'handler', name: handler }, id: program, at, example, handler } as const]
  })
}

/** Nodes of a workflow that wait for an approval. */
export function approvalFacts(run: RunHead, nodes: readonly { readonly node: string; readonly since: number }[]): Fact[] {
  const { namespace, id: runId, job, handler } = run
  const cause = job === null ? ({ kind: 'handler', name: handler } as const) : ({ kind: 'job', name: job } as const)
  return nodes.map(({ node, since }) => {
    const example = { at: timeText(since), ...said(phrase('approval-waits')), runId, node }
    return {
      scene: 'approval-waits',
      namespace,
      cause,
      id: `${runId}.${node}.${since}`,
      at: since,
      example,
      job: job ?? undefined,
      handler,
    }
  })
}

/** What another rule says already: of a handler without instances its queue grows old, and its jobs start late. @param without handlers that a rule of no-instance is about */
export const uninhibited = (facts: readonly Fact[], without: ReadonlySet<string>): Fact[] =>
  facts.filter(({ scene, handler }) => !(INHIBITED.includes(scene) && handler !== undefined && without.has(handler)))

const INHIBITED: readonly string[] = ['late', 'queue-too-old']
