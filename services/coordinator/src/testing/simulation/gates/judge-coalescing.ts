import type { JobInput } from '@carillon/contracts'
import type { GateSeal, RunRecord } from '@carillon/store'
import { isCoalescing } from '../../../gates/rules/coalescing.ts'
import { arrivalOf } from '../../../gates/rules/decide-coalescing.ts'

/** A trigger as its caller knows it. */
export interface Trigger {
  /** In steps. */
  readonly sent: number
  readonly acknowledged: number
  /** By the clock: what was decided later has seen it. */
  readonly acknowledgedAt: number
  readonly payload: { readonly n: number }
  readonly isDelayed: boolean
}

export interface Sealed {
  readonly gate: string
  readonly seal: GateSeal
}

/** All that there is. */
export interface Judged {
  readonly rules: Partial<JobInput>
  readonly runs: ReadonlyMap<string, RunRecord>
  readonly triggers: ReadonlyMap<string, Trigger>
  /** Runs that were retried by hand: the rule does not hold for them any more. */
  readonly retried: ReadonlySet<string>
  readonly sealed: readonly Sealed[]
}

/** What contradicts the rule of the job, as far as it is known. */
export function judgeCoalescing(judged: Judged, { isOver = false } = {}): string[] {
  const merged = mergedOf(judged)
  const violations = [...judgeStarts(judged), ...judgeMerged(judged, { isOver })]
  for (const [runId, members] of merged) {
    const of = { runId, members, isOver }
    violations.push(...(judged.rules.batch ? judgeBatch(judged, of) : judgeLeader(judged, of)))
  }
  return [...violations, ...judgePeriods(judged), ...judgeComplete(judged)]
}

interface Group {
  readonly runId: string
  readonly members: readonly RunRecord[]
  readonly isOver: boolean
}

function mergedOf({ runs }: Judged): ReadonlyMap<string, RunRecord[]> {
  const merged = new Map<string, RunRecord[]>()
  for (const run of runs.values()) {
    const into = run.terms?.mergedInto
    if (run.state === 'skipped' && into !== undefined) merged.set(into, [...(merged.get(into) ?? []), run])
  }
  return merged
}

const isStarted = ({ gate }: RunRecord) => !isCoalescing(gate)

/** It is no trigger: its payload is a list. */
const isBatch = ({ payload }: RunRecord, rules: Partial<JobInput>) => rules.batch !== undefined && payload.startsWith('[')

/** What starts was sealed before; of a batch no trigger starts by itself. */
function judgeStarts({ runs, retried, sealed, rules }: Judged): string[] {
  const leaders = new Set(sealed.map(({ seal }) => seal.runId))
  const own = [...runs.values()].filter((run) => run.trigger === 'call' && !isBatch(run, rules) && !retried.has(run.id) && isStarted(run))
  const wrong = own.filter(({ id }) => rules.batch !== undefined || !leaders.has(id))
  return wrong.map(({ id }) => `run ${id} started by itself`)
}

/** A run that ended without a start has another one that stands for it. */
function judgeMerged({ runs, rules }: Judged, { isOver }: { isOver: boolean }): string[] {
  const violations: string[] = []
  for (const run of runs.values()) {
    const into = run.terms?.mergedInto
    if (run.state !== 'skipped') continue
    if (into === undefined || into === run.id) violations.push(`run ${run.id} is skipped, and no other run stands for it`)
    const other = runs.get(into ?? '')
    // The run of a batch is inserted when its members have ended.
    if (!other && (isOver || !rules.batch)) violations.push(`run ${run.id} was merged into run ${into}, which there is not`)
    if (other && (!isStarted(other) || other.gateKey !== run.gateKey))
      if (!rules.batch) violations.push(`run ${run.id} was merged into run ${into}, which has not started: it is ${other.state}`)
  }
  return violations
}

function judgeBatch({ runs, rules, retried, sealed }: Judged, { runId, members }: Group): string[] {
  const batch = runs.get(runId)
  if (!batch) return []
  const seal = sealed.find((one) => one.seal.runId === runId)?.seal
  // What was retried by hand since is no member any more.
  const all = (seal?.members ?? []).flatMap((id) => runs.get(id) ?? [])
  const isMember = new Set(members.map(({ id }) => id))
  const expected = all.filter(({ id }) => isMember.has(id) && !retried.has(id)).map(({ payload }) => payload)
  const others = new Set(all.filter(({ id }) => retried.has(id)).map(({ payload }) => payload))
  const entries = (JSON.parse(batch.payload) as unknown[]).map((entry) => JSON.stringify(entry)).filter((entry) => !others.has(entry))
  const isRight = expected.length === entries.length && expected.every((payload, i) => payload === entries[i])
  const violations = isRight ? [] : [`batch ${runId} has ${entries}, and its members have ${expected}`]
  const { count, periodMs } = rules.batch as { count: number; periodMs: number }
  const size = seal?.members?.length ?? 0
  if (size > count) violations.push(`batch ${runId} has ${size} members, ${count} may be`)
  const first = Math.min(...all.map(arrivalOf))
  // A retry arrives anew.
  if (seal && others.size === 0 && size < count && seal.at < first + periodMs)
    violations.push(`batch ${runId} of ${size} was made before its period was over`)
  return violations
}

/** The run that starts is the last or the first of those for which it stands, and starts when it may. */
function judgeLeader({ runs, rules, triggers, retried, sealed }: Judged, { runId, members }: Group): string[] {
  const leader = runs.get(runId)
  const last = sealed.findLast(({ seal }) => seal.runId === runId)
  if (!leader || !last) return []
  const violations: string[] = []
  const { debounce, throttle } = rules
  const isLast = (debounce?.payload ?? throttle?.payload) === 'last'
  const times = (run: RunRecord) => {
    const trigger = triggers.get(run.id)
    return trigger && !trigger.isDelayed && !retried.has(run.id) ? trigger : undefined
  }
  const own = times(leader)
  for (const member of members) {
    const other = times(member)
    if (own && other && isLast && own.acknowledged < other.sent) violations.push(`run ${runId} stands for ${member.id}, which came later`)
    if (own && other && !isLast && other.acknowledged < own.sent)
      violations.push(`run ${runId} stands for ${member.id}, which came before it`)
    if (throttle && !isLast && arrivalOf(member) >= last.seal.at + throttle.periodMs)
      violations.push(`run ${runId} stands for ${member.id}, which came after the period`)
  }
  // One that waited, too, and was cancelled and retried since, has another number.
  const isUnknown = [...retried].some((id) => runs.get(id)?.gateKey === leader.gateKey)
  if (!debounce || isUnknown) return violations
  // Some of those that waited may have been cancelled since.
  const isLeft = (run: RunRecord) => !isStarted(run) && run.gateOrder !== null && run.terms?.mergedInto === undefined
  const left = [...runs.values()].filter((run) => run.gateKey === leader.gateKey && isLeft(run))
  const byOrder = [leader, ...members, ...left].toSorted((one, other) => (one.gateOrder ?? 0) - (other.gateOrder ?? 0))
  const [oldest] = byOrder
  const newest = [leader, ...members].find(({ gateOrder }) => gateOrder === last.seal.through)
  if (!oldest || !newest) return violations
  const mayStartAt = Math.min(arrivalOf(newest) + debounce.periodMs, arrivalOf(oldest) + (debounce.maxWaitMs ?? 0))
  if (last.seal.at < mayStartAt) violations.push(`run ${runId} was started ${mayStartAt - last.seal.at} ms too early`)
  return violations
}

/** Throttled runs of a gate are a period apart. One that was cancelled before it started begins none. */
function judgePeriods({ rules, runs, retried, sealed }: Judged): string[] {
  const { throttle } = rules
  if (!throttle) return []
  const violations: string[] = []
  const before = new Map<string, Sealed>()
  for (const one of sealed) {
    const leader = runs.get(one.seal.runId)
    if (!leader || !isStarted(leader) || retried.has(leader.id)) continue
    const earlier = before.get(one.gate)
    if (earlier && one.seal.at < earlier.seal.at + throttle.periodMs && earlier.seal.runId !== one.seal.runId)
      violations.push(`runs ${earlier.seal.runId} and ${one.seal.runId} started within a period`)
    before.set(one.gate, one)
  }
  return violations
}

/** A trigger that was known when a run was started for those that waited is one of those. */
function judgeComplete({ rules, runs, triggers, retried, sealed }: Judged): string[] {
  if (rules.batch) return []
  const places = new Map(sealed.map(({ seal }, i) => [seal.runId, i]))
  const violations: string[] = []
  for (const [id, { acknowledgedAt, isDelayed }] of triggers) {
    const run = runs.get(id)
    const into = run?.terms?.mergedInto ?? id
    const place = places.get(into)
    if (!run || isDelayed || retried.has(id) || place === undefined) continue
    const leftOut = sealed.slice(0, place).find((one) => {
      const leader = runs.get(one.seal.runId)
      const hasStarted = leader && isStarted(leader) && !retried.has(leader.id)
      return hasStarted && leader.gateKey === run.gateKey && acknowledgedAt < one.seal.at
    })
    if (leftOut) violations.push(`run ${id} waited when run ${leftOut.seal.runId} was started, and was left out`)
  }
  return violations
}
