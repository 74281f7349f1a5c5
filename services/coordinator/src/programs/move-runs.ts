import {
  CarillonError,
  handlerOfProgram,
  type JournalEntry,
  LIMITS,
  type MoveChoice,
  printable,
  type RunMoved,
  type RunState,
} from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { livesOf } from '../lives.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { Lives, Presence, WorkQueue } from '../ports.ts'
import type { RunRestarts } from '../runs/rules/restarts.ts'
import { onlyTask, runOf, type Work } from '../runs/rules/work.ts'
import { entriesOf } from '../steps/rules/journal.ts'
import { choicesOf } from './rules/choices.ts'
import { offersOf } from './rules/compatible.ts'
import { decideMove } from './rules/move.ts'

/** Steps that are read for their names come with their results. */
const NAMES_PAGE_BYTES = 2 * 1024 * 1024
/** Tasks that may be bound: those that have begun, and have no executor now. */
const MOVABLE: readonly RunState[] = ['queued', 'delayed', 'waiting']

/** Lets another program go on with a run in durable steps. */
export class MoveRuns {
  readonly #store: Store
  readonly #lives: Lives
  readonly #work: WorkQueue
  readonly #presence: Presence
  readonly #restarts: Pick<RunRestarts, 'head'>
  readonly #clock: Clock

  constructor(options: {
    store: Store
    lives: Lives
    work: WorkQueue
    presence: Presence
    restarts: Pick<RunRestarts, 'head'>
    clock: Clock
  }) {
    this.#store = options.store
    this.#lives = options.lives
    this.#work = options.work
    this.#presence = options.presence
    this.#restarts = options.restarts
    this.#clock = options.clock
  }

  /**
   * Of a fan-out run: those of its tasks that the program can go on with. The same program again: it is tried once more by instances that have given it back.
   * @throws CarillonError RUN_NOT_FOUND, INVALID_REQUEST of a program that no live instance has or that does not fit, CONCURRENT_CHANGE while it runs
   */
  async execute(namespace: string, { runId, to, dryRun }: { runId: string; to?: string | undefined; dryRun: boolean }): Promise<RunMoved> {
    if (to === undefined && !dryRun) throw wrong('to', to, 'Name the program that is to go on with it, or ask with dryRun.')
    const works = await this.#boundOf(namespace, runId, to)
    const [first] = works
    if (first === undefined)
      throw wrong('runId', runId, 'It is bound to no program: any instance that offers its handler may have it. Nothing needs to be moved.')
    const choices = await this.#choicesOf(first)
    if (dryRun || to === undefined) return { runId, program: first.task.program ?? '', moved: false, choices }
    let moved = 0
    for (const work of works) {
      const fits = work === first ? choices : await this.#choicesOf(work)
      if (works.length > 1 && fits.find(({ program }) => program === to)?.fits === 'no') continue
      checkFits(to, fits)
      await this.#move(work, to)
      moved++
    }
    return { runId, program: to, moved: moved > 0, choices }
  }

  async #boundOf(namespace: string, runId: string, to: string | undefined): Promise<Work[]> {
    const run = await this.#restarts.head(namespace, runId)
    const isMeant = ({ run: { handler }, task: { program } }: Work) =>
      program !== null && (to === undefined || handlerOfProgram(to) === handler)
    if (!isFanOut(run)) return [onlyTask(run)].filter(({ task }) => task.program !== null)
    const works: Work[] = []
    for (const state of MOVABLE) {
      let cursor: string | undefined
      do {
        const slice = await this.#store.tasks.list({ runId, state, limit: LIMITS.pageSize, cursor })
        works.push(...slice.items.map((task) => ({ run: runOf(run, task), task })).filter(isMeant))
        cursor = slice.cursor
      } while (cursor)
    }
    return works
  }

  async #choicesOf({ run, task }: Work): Promise<MoveChoice[]> {
    const offers = offersOf(this.#presence.holding(run.namespace, run.handler), run.handler)
    return choicesOf(offers, task.program ?? '', await this.#journalOf({ run, task }))
  }

  async #journalOf({ task }: Work): Promise<Pick<JournalEntry, 'index' | 'name'>[]> {
    const entries: Pick<JournalEntry, 'index' | 'name'>[] = []
    let cursor: string | undefined
    do {
      const slice = await this.#store.steps.list({ taskId: task.id, cursor, limit: LIMITS.pageSize, maxBytes: NAMES_PAGE_BYTES })
      for (const { index, name } of entriesOf(slice.items, task.resume)) entries.push({ index, name })
      cursor = slice.cursor
    } while (cursor)
    return entries
  }

  async #move(work: Work, to: string): Promise<void> {
    const { run, task } = work
    const decision = decideMove(task, { to, now: this.#clock.now() })
    if (decision === undefined) {
      const holder = task.owner ?? task.target ?? 'its executor'
      throw conflict(task.id, `instance ${holder} has it: move it while it waits or sleeps, or stop that instance first`)
    }
    const isQueued = task.state === 'queued'
    const [outcome] = isQueued
      ? await this.#lives.write([{ run, task, decision }])
      : await livesOf(this.#store, work).update([{ id: task.id, ...decision }])
    this.#lives.forget([task.id])
    if (CarillonError.is(outcome)) throw outcome
    if (outcome !== 'applied') throw conflict(task.id, 'it is being changed by others')
    if (isQueued && task.pinnedAt === null && run.routing === null) await this.#work.withdraw(work)
  }
}

/** @throws CarillonError INVALID_REQUEST */
function checkFits(to: string, choices: readonly MoveChoice[]): void {
  const chosen = choices.find(({ program }) => program === to)
  const fitting = choices.flatMap(({ program, fits }) => (fits === 'no' ? [] : [program]))
  const these =
    fitting.length > 0 ? `These could go on with it: ${fitting.join(', ')}.` : 'No program that is offered now can go on with it.'
  if (chosen === undefined) throw wrong('to', to, `No live instance has this program. ${these}`)
  if (chosen.fits === 'no') throw wrong('to', to, `Its steps are not those that are stored: ${chosen.why}. ${these}`)
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}

function conflict(taskId: string, why: string): CarillonError {
  return new CarillonError('CONCURRENT_CHANGE', `${printable(taskId)} cannot be moved: ${why}`, {
    field: 'runId',
    value: printable(taskId),
  })
}
