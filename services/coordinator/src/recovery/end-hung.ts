import { type Beat, type Hung, subjects } from '@carillon/contracts'
import type { Broker, Clock, Logger } from '@carillon/runtime'
import { type Store, shareOf } from '@carillon/store'
import { LRUCache } from 'lru-cache'
import { LIFE_KINDS, readPage } from '../lives.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { HungWatch, JobAverages, Lives, Presence, Reports, Runs } from '../ports.ts'
import type { Change } from '../runs/rules/change.ts'
import { decideHung } from '../runs/rules/life.ts'
import { decideLoss } from '../runs/rules/loss.ts'
import { isTaskOfRun, type Work } from '../runs/rules/work.ts'
import { mayBeIdleMs } from './rules/hung.ts'

const PAGE = 500
/** An instance that may do nothing for hours is judged again after this: the averages of its jobs change. */
const AGAIN_AFTER_MS = 60_000
/** Idle instances that are remembered until they are judged again; one that is forgotten is judged with its next beat. */
const REMEMBERED = 10_000

/** An idle process. */
interface Idle {
  readonly namespace: string
  readonly instance: string
  readonly session: string
  readonly idleMs: number
}

/**
 * Ends the tasks of instances that live and do nothing. Nothing is read but of an instance whose beats say that nothing has come of its tasks for minutes. The coordinator
 * that owns its share judges it: first the registry takes it out of routing, so that what is tried again goes elsewhere; with the beat after that its tasks end.
 */
export class EndHung implements HungWatch {
  readonly #options: EndHungOptions
  /** By instance: when it is judged again, on the monotonic clock. */
  readonly #judged = new LRUCache<string, number>({ max: REMEMBERED })
  readonly #underWay = new Set<string>()

  constructor(options: EndHungOptions) {
    this.#options = options
  }

  beat(namespace: string, instance: string, { idleMs, session }: Beat): void {
    const { hungAfterMs, clock, log, shares } = this.#options
    const key = `${namespace}.${instance}`
    if (idleMs === undefined || idleMs < hungAfterMs || session === undefined) {
      if (this.#judged.size > 0) this.#judged.delete(key)
      return
    }
    if (this.#underWay.has(key) || clock.monotonic() < (this.#judged.get(key) ?? 0) || !shares().includes(shareOf(key))) return
    this.#underWay.add(key)
    this.execute({ namespace, instance, session, idleMs })
      .then((againMs) => this.#judged.set(key, clock.monotonic() + againMs))
      .catch((error: unknown) =>
        log.warn({ evt: 'hung.failed', instance, err: error }, 'an instance that does nothing could not be judged; trying again'),
      )
      .finally(() => this.#underWay.delete(key))
  }

  /** Answers after how many ms it is judged again, at the earliest with its next beat. */
  async execute(idle: Idle): Promise<number> {
    const { presence, broker, reports, stopping, hungAfterMs } = this.#options
    const { namespace, instance, session, idleMs } = idle
    const limitMs = mayBeIdleMs(await this.#held(await this.#worksOf(idle)), hungAfterMs)
    if (limitMs === undefined || idleMs < limitMs) return Math.min(AGAIN_AFTER_MS, (limitMs ?? Number.POSITIVE_INFINITY) - idleMs)
    if (presence.hungIdleMs(namespace, instance) === undefined) {
      broker.connection.publish(subjects.hung(namespace, instance), JSON.stringify({ session, idleMs: limitMs } satisfies Hung))
      return 0
    }
    // Its last reports may still be in the stream; a task that has ended must not run again.
    if (await reports.reportsApplied(stopping)) await this.#end(await this.#worksOf(idle), idleMs)
    return 0
  }

  async #end(works: readonly Work[], idleMs: number): Promise<void> {
    if (works.length === 0) return
    const { clock, lives, runs, log } = this.#options
    const now = clock.now()
    const changes = works.map((work): Change => {
      const { task, run } = work
      const isCancelling = task.state === 'cancelling'
      return { ...work, decision: isCancelling ? decideLoss(task, { now }) : decideHung(task, { policy: run, idleMs, now }) }
    })
    const outcomes = await lives.write(changes)
    const ended = works.filter((_, i) => outcomes[i] === 'applied')
    log.warn(
      { evt: 'hung.ended', instance: works[0]?.task.owner, tasks: ended.length },
      'the tasks of an instance that does nothing have ended',
    )
    // A handler that heeds its signal frees its slot, and the instance recovers.
    for (const { run, task } of ended) runs.control(run.namespace, task.owner as string, { type: 'cancel', taskId: task.id })
  }

  /** The open tasks that this process is known to run. */
  async #worksOf({ namespace, instance, session }: Idle): Promise<Work[]> {
    const works: Work[] = []
    for (const kind of LIFE_KINDS) {
      let cursor: string | undefined
      do {
        const page = await readPage(this.#options.store, kind, (lives) =>
          lives.ownedBy({ namespace, owner: instance, cursor, limit: PAGE }),
        )
        for (const work of page.items) if (work?.task.ownerSession === session && isTask(work)) works.push(work)
        cursor = page.cursor
      } while (cursor)
    }
    return works
  }

  /** What is known of the duration of each; one read for each job. */
  async #held(works: readonly Work[]) {
    const averages = new Map<string, Promise<number | undefined>>()
    const averageOf = ({ namespace, job }: Work['run']) => {
      if (job === null) return undefined
      const key = `${namespace}.${job}`
      const known = averages.get(key) ?? this.#options.averages({ namespace, name: job })
      averages.set(key, known)
      return known
    }
    return Promise.all(works.map(async ({ run }) => ({ averageMs: await averageOf(run), timeoutMs: run.timeoutMs })))
  }
}

interface EndHungOptions {
  readonly store: Store
  readonly lives: Lives
  readonly runs: Pick<Runs, 'control'>
  readonly reports: Reports
  readonly presence: Presence
  readonly averages: JobAverages
  readonly broker: Broker
  readonly clock: Clock
  readonly log: Logger
  readonly shares: () => readonly number[]
  /** The least time that an instance may do nothing. */
  readonly hungAfterMs: number
  readonly stopping: AbortSignal
}

/** A fan-out run is no task. */
const isTask = (work: Work) => isTaskOfRun(work) || !isFanOut(work.run)
