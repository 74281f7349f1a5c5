import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ErrorCode, isEnded, type RunState } from '@carillon/contracts'
import type { RunRecord, Store } from '@carillon/store'

/** Faults that a scenario allows, with the reason. */
export interface Allowed {
  /** A body began again in an attempt of its own. */
  readonly runTwice?: string
  /** A body began again in the same attempt: always, or only if the process of the first one died so soon after that body began. */
  readonly inOneAttempt?: { readonly reason: string; readonly diedWithinMs?: number }
  /** A start was refused with this code. */
  readonly refused?: { readonly code: ErrorCode; readonly reason: string }
}

/** The audit of a load, from the store and from the records of the executors. */
export interface Books {
  readonly runs: number
  /** Starts that were answered, and are not in the store. */
  readonly lost: readonly string[]
  /** In the store, and still open when everything had been well for long. */
  readonly stuck: readonly string[]
  /** Terminal states that were written over another terminal state. */
  readonly doubleCompleted: readonly string[]
  /** Ended with the result of an attempt that was over. */
  readonly stale: readonly string[]
  /** Ended, and not as they should have: by how they did. */
  readonly wrong: ReadonlyMap<string, readonly string[]>
  /** By task: the bodies that began. */
  readonly begun: ReadonlyMap<string, readonly Body[]>
  /** Whose body began more than once in attempts of their own: the attempt before had lost its instance. */
  readonly runTwice: readonly string[]
  /** Whose body began more than once in one attempt. */
  readonly sameAttempt: readonly SameAttempt[]
  /** Slots of the schedule that have no record, or more than one. */
  readonly slots: readonly string[]
}

export interface SameAttempt {
  readonly id: string
  /** How long the process of each repeated body lived on; `Infinity` if it still does. */
  readonly diedAfterMs: number
}

/** The folder into which executors write what they begin, a file for each process. */
export interface Ledger {
  readonly folder: string
  /** When the processes of some of the files died, in ms since 1970. */
  readonly deaths: ReadonlyMap<string, number>
}

/** A body that began. */
export interface Body {
  readonly process: string
  readonly attempt: number
  readonly atMs: number
  /** When its process died. */
  readonly diedAtMs: number
}

export interface Question {
  readonly store: Store
  readonly ledger: Ledger
  readonly namespace: string
  /** Every run whose start was answered. */
  readonly accepted: readonly string[]
  /** Ends that overwrote others, as the store itself counted them. */
  readonly doubleCompleted: readonly string[]
  readonly schedule: { readonly job: string; readonly everyMs: number } | undefined
}

const PAGE = 500

export async function keepBooks(question: Question): Promise<Books> {
  const { accepted, store } = question
  const lost: string[] = []
  const stuck: string[] = []
  const stale: string[] = []
  const wrong = new Map<string, string[]>()
  for await (const [id, run] of runsOf(store, accepted)) {
    if (run === undefined) lost.push(id)
    else if (!isEnded(run.state)) stuck.push(`${id} (${run.state}, attempt ${run.attempt}, owner ${run.owner})`)
    else if (run.state !== 'succeeded') wrong.set(`${run.state}: ${run.reason}`, [...(wrong.get(`${run.state}: ${run.reason}`) ?? []), id])
    else if (isStale(run)) stale.push(id)
  }
  const begun = bodiesOf(question.ledger)
  return {
    ...{ runs: accepted.length, lost, stuck, stale, wrong, begun, doubleCompleted: question.doubleCompleted },
    runTwice: [...begun].filter(([, bodies]) => new Set(bodies.map(({ attempt }) => attempt)).size > 1).map(([id]) => id),
    sameAttempt: [...begun].flatMap(([id, bodies]) => sameAttempt(id, bodies)),
    slots: question.schedule ? await badSlots(question, question.schedule) : [],
  }
}

/** How many of these are open, or not there. */
export async function openOf(store: Store, ids: readonly string[]): Promise<string[]> {
  const open: string[] = []
  for await (const [id, run] of runsOf(store, ids)) if (run === undefined || !isEnded(run.state)) open.push(id)
  return open
}

async function* runsOf(store: Store, ids: readonly string[]): AsyncGenerator<readonly [string, RunRecord | undefined]> {
  for (let i = 0; i < ids.length; i += PAGE) {
    const page = ids.slice(i, i + PAGE)
    const runs = await store.runs.get(page)
    for (const [k, id] of page.entries()) yield [id, runs[k]]
  }
}

/** The handler answers with the attempt that it ran in. */
function isStale(run: RunRecord): boolean {
  const { attempt } = JSON.parse(run.result ?? 'null') ?? {}
  return attempt !== undefined && attempt !== run.attempt
}

/** The bodies of each task. */
function bodiesOf({ folder, deaths }: Ledger): Map<string, Body[]> {
  const begun = new Map<string, Body[]>()
  for (const name of readdirSync(folder))
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      const [taskId, attempt, at] = line.split(' ')
      if (!taskId || !at) continue
      const body = { process: name, attempt: Number(attempt), atMs: Number(at), diedAtMs: deaths.get(name) ?? Number.POSITIVE_INFINITY }
      begun.set(taskId, [...(begun.get(taskId) ?? []), body])
    }
  return begun
}

function sameAttempt(id: string, bodies: readonly Body[]): SameAttempt[] {
  const inOrder = [...bodies].sort((a, b) => a.atMs - b.atMs)
  const repeated = inOrder.filter(({ attempt }, i) => inOrder.slice(i + 1).some((later) => later.attempt === attempt))
  if (repeated.length === 0) return []
  return [{ id, diedAfterMs: Math.max(...repeated.map(({ atMs, diedAtMs }) => diedAtMs - atMs)) }]
}

/** A fixed rate has a record for each of its slots, from the first to the last; one for a whole stretch that was missed says so. */
async function badSlots({ store, namespace }: Question, { job, everyMs }: { job: string; everyMs: number }): Promise<string[]> {
  const records: { slot: number; state: RunState; missed: number }[] = []
  let cursor: string | undefined
  do {
    const page = await store.runs.list({ namespace, job, cursor, limit: PAGE })
    for (const { id, slot, state } of page.items)
      if (slot !== null) records.push({ slot, state, missed: state === 'skipped' ? await missedBy(store, id) : 1 })
    cursor = page.cursor
  } while (cursor)
  records.sort((a, b) => a.slot - b.slot || a.missed - b.missed)
  const bad: string[] = []
  for (const [i, { slot, missed }] of records.entries()) {
    const next = records[i + 1]?.slot
    if (next !== undefined && next !== slot + missed * everyMs)
      bad.push(`${new Date(slot).toISOString()} +${missed}, then ${new Date(next).toISOString()}`)
  }
  return bad
}

async function missedBy(store: Store, id: string): Promise<number> {
  const [run] = await store.runs.get([id])
  return Number(/^(?:at least )?(\d+) missed/.exec(run?.error?.message ?? '')?.[1] ?? 1)
}

/** The faults that the audit found, as text; empty when there are none. */
export function faultsOf(books: Books, allows: Allowed): string[] {
  const allowedMs = allows.inOneAttempt ? (allows.inOneAttempt.diedWithinMs ?? Number.POSITIVE_INFINITY) : Number.NEGATIVE_INFINITY
  const counts = {
    lost: books.lost.length,
    stuck: books.stuck.length,
    'double-completed': books.doubleCompleted.length,
    stale: books.stale.length,
    'bad-slots': books.slots.length,
    ...(allows.runTwice ? {} : { 'run-twice': books.runTwice.length }),
    'run-twice-in-one-attempt': books.sameAttempt.filter(({ diedAfterMs }) => diedAfterMs > allowedMs).length,
    ...Object.fromEntries([...books.wrong].map(([how, ids]) => [how, ids.length])),
  }
  return Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${what}=${count}`] : []))
}
