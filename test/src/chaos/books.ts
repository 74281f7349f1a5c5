import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isEnded, type RunState } from '@carillon/contracts'
import type { RunRecord, Store } from '@carillon/store'
import type { Allowed } from './scenario.ts'

/** What the store, and what executors wrote down themselves, say of a load. */
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
  /** Ended, and not as they should have. */
  readonly wrong: Readonly<Record<string, number>>
  /** Whose body began more than once in attempts of their own: the attempt before had lost its instance. */
  readonly runTwice: number
  /** Whose body began more than once in one attempt. */
  readonly sameAttempt: readonly string[]
  /** Slots of the schedule that have no record, or more than one. */
  readonly slots: readonly string[]
}

/** Where executors write what they begin. */
export interface Ledger {
  readonly folder: string
}

export interface Question {
  readonly store: Store
  readonly ledger: Ledger
  readonly namespace: string
  /** Every run whose start was answered. */
  readonly accepted: readonly string[]
  /** Ends that were written over others, as the store itself counted them. */
  readonly doubleCompleted: readonly string[]
  readonly schedule: { readonly job: string; readonly everyMs: number } | undefined
}

const PAGE = 500

export async function keepBooks(question: Question): Promise<Books> {
  const { accepted, store } = question
  const lost: string[] = []
  const stuck: string[] = []
  const stale: string[] = []
  const wrong: Record<string, number> = {}
  for await (const [id, run] of runsOf(store, accepted)) {
    if (run === undefined) lost.push(id)
    else if (!isEnded(run.state)) stuck.push(`${id} (${run.state}, attempt ${run.attempt}, owner ${run.owner})`)
    else if (run.state !== 'succeeded') wrong[`${run.state}: ${run.reason}`] = (wrong[`${run.state}: ${run.reason}`] ?? 0) + 1
    else if (isStale(run)) stale.push(id)
  }
  const begun = bodiesOf(question.ledger)
  return {
    ...{ runs: accepted.length, lost, stuck, stale, wrong, doubleCompleted: question.doubleCompleted },
    runTwice: [...begun.values()].filter((attempts) => new Set(attempts).size > 1).length,
    sameAttempt: [...begun].filter(([, attempts]) => new Set(attempts).size < attempts.length).map(([id]) => id),
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

/** By task: the attempts whose body began. */
function bodiesOf({ folder }: Ledger): Map<string, number[]> {
  const begun = new Map<string, number[]>()
  for (const name of readdirSync(folder))
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      const [taskId, attempt] = line.split(' ')
      if (taskId && attempt) begun.set(taskId, [...(begun.get(taskId) ?? []), Number(attempt)])
    }
  return begun
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

/** What is wrong with the books, in words; empty when nothing is. */
export function faultsOf(books: Books, allows: Allowed): string[] {
  const counts = {
    lost: books.lost.length,
    stuck: books.stuck.length,
    'double-completed': books.doubleCompleted.length,
    stale: books.stale.length,
    'bad-slots': books.slots.length,
    ...(allows.runTwice ? {} : { 'run-twice': books.runTwice }),
    ...(allows.inOneAttempt ? {} : { 'run-twice-in-one-attempt': books.sameAttempt.length }),
    ...books.wrong,
  }
  return Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${what}=${count}`] : []))
}
