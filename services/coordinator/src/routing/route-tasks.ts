import { isEnded, TIMES } from '@carillon/contracts'
import { type Clock, type Logger, RecentMap } from '@carillon/runtime'
import type { LifeChange, RunHead, Store } from '@carillon/store'
import { LIFE_KINDS, readWhole } from '../lives.ts'
import type { OfferOutcome, OfferSender, Presence, Routes, Runs, Timers } from '../ports.ts'
import type { Decision } from '../runs/rules/decision.ts'
import { decideToMap } from '../runs/rules/life.ts'
import { limitOf } from '../runs/rules/limits.ts'
import { decideLoss } from '../runs/rules/loss.ts'
import { isTaskOfRun, isTaskRecord, type WholeWork, type Work } from '../runs/rules/work.ts'
import { type InstanceLoads, PROBE_AFTER_MS } from './instance-loads.ts'
import { Lane, laneKey, type Waiting } from './lane.ts'
import type { MatchInstances } from './match-instances.ts'
import type { PickMemories } from './pick-memories.ts'
import { type PickFacts, pick, remembersPicks } from './rules/pick.ts'
import { PickMemory } from './rules/pick-memory.ts'
import { decideToOffer, decideToWithdraw, isRouted, nextCheckOf } from './rules/routed.ts'

/** Tasks that are given an instance in one write. */
const TOGETHER = 200
/** Waiting tasks that are compared with the instances: those behind them wait until one of these has begun. */
const AHEAD = 1_000
/** Payloads that are read at once. */
const READ_BYTES = 2 * 1024 * 1024
/** An offer without an answer is repeated after this. */
const OFFER_AGAIN_MS = 2_000
/** Instances that tasks have left, until they are routed again. */
const LEFT_AT_MOST = 10_000

/** After these a task is no longer with its instance; after `due` it was not for a while. */
const ATTEMPT_ENDS: ReadonlySet<Decision['event']> = new Set(['retried', 'lost', 'released', 'returned', 'slept', 'due'])

interface Picked extends Waiting {
  readonly target: string
}

/**
 * Gives each queued task of a run with routing an instance, and offers it to that one. The choice is stored before the offer, so a repeated offer goes to the
 * same instance. What has no instance waits here, first in, first out, and is found again by its `wakeAt` if this coordinator dies.
 */
export class RouteTasks implements Routes {
  readonly #options: RouteOptions
  readonly #lanes = new Map<string, Lane>()
  /** By task: the instance on which its last attempt failed. */
  readonly #left = new RecentMap<string>({ max: LEFT_AT_MOST })
  /** By task: where it was offered to, and when, on the monotonic clock. */
  readonly #offered = new RecentMap<{ readonly target: string; readonly at: number }>({ max: LEFT_AT_MOST })
  #isProbing = false

  constructor(options: RouteOptions) {
    this.#options = options
  }

  /** A task was queued, or is found to wait. Returns at once; a failure is logged, and the task is found again by its `wakeAt`. */
  soon(work: Work): void {
    if (work.task.target !== null) return
    const lane = this.#laneOf(work)
    lane.add(this.#waitingOf(work))
    this.#routeSoon(lane)
  }

  #laneOf({ run: { namespace, job, handler, routing }, task: { program, refusedBy } }: Work): Lane {
    const place = { namespace, job, handler, routing: routing ?? {}, life: { program, refusedBy } }
    const key = laneKey(place)
    const lane = this.#lanes.get(key) ?? new Lane(place)
    this.#lanes.set(key, lane)
    return lane
  }

  #waitingOf(work: Work): Waiting {
    const { id, attempt } = work.task
    const endsAt = isTaskOfRun(work) ? Number.POSITIVE_INFINITY : (limitOf(work.run)?.at ?? Number.POSITIVE_INFINITY)
    return { id, attempt, endsAt, kind: isTaskOfRun(work) ? 'tasks' : 'runs', key: hashedOf(work), avoid: this.#left.get(id) }
  }

  /** A decision about a routed task was stored: its attempt has left its instance, or it has ended there. */
  written({ run, task }: Work, { event, set }: Decision): void {
    const offered = this.#offered.get(task.id)
    const instance = set.owner ?? task.owner ?? offered?.target ?? task.target
    if (instance === null || event === 'checked' || set.state === undefined) return
    const hasEnded = isEnded(set.state)
    if (!hasEnded && !ATTEMPT_ENDS.has(event)) return
    if (hasEnded) this.#left.delete(task.id)
    else this.#left.set(task.id, instance)
    // The end of its delay is not that of an attempt.
    if (event === 'due') return
    const { clock, loads } = this.#options
    this.#offered.delete(task.id)
    const tookMs = offered === undefined || event === 'released' || set.state === 'cancelled' ? undefined : clock.monotonic() - offered.at
    loads.ended(run.namespace, instance, { handler: run.handler, tookMs, failed: set.state !== 'succeeded' && event !== 'slept' })
    this.changed(run.namespace)
  }

  /** Its `wakeAt` has come while it is queued: its instance is gone, has not answered, or none was found. */
  check(work: Work): Decision {
    const { run, task } = work
    const now = this.#options.clock.now()
    const { target } = task
    const { presence } = this.#options
    if (target !== null && presence.isLost(run.namespace, target, task.ownerSession)) return decideLoss(task, { now })
    const expect = { state: ['queued'] as const, attempt: task.attempt, target }
    if (target === null) {
      this.soon(work)
      return { event: 'checked', expect, set: { state: 'queued', wakeAt: nextCheckOf(now, this.#laneOf(work).size) } }
    }
    this.#offerAgain(task.id, target)
    return { event: 'checked', expect, set: { state: 'queued', wakeAt: now + TIMES.ackWaitMs } }
  }

  /** Instances of a namespace have come, changed or reported. */
  changed(namespace: string): void {
    for (const lane of this.#lanes.values()) if (lane.place.namespace === namespace && lane.size > 0) this.#routeSoon(lane)
  }

  #routeSoon(lane: Lane): void {
    lane.isDue = true
    if (lane.isRouting) return
    lane.isRouting = true
    setImmediate(() =>
      this.#routeAll(lane).catch((error: unknown) => {
        this.#options.log.error(
          { evt: 'routing.failed', handler: lane.place.handler, err: error },
          'tasks could not be routed; it is tried again',
        )
        this.#probeLater()
      }),
    )
  }

  async #routeAll(lane: Lane): Promise<void> {
    try {
      while (lane.isDue && !this.#options.stopping.aborted) {
        lane.isDue = false
        await this.#route(lane)
      }
    } finally {
      lane.isRouting = false
      if (lane.size === 0) this.#lanes.delete(laneKey(lane.place))
    }
  }

  async #route(lane: Lane): Promise<void> {
    const memory = remembersPicks(lane.place.routing) ? await this.#options.memories.of(lane.place) : new PickMemory()
    for (;;) {
      const picked = await this.#unplanned(lane, this.#pickNext(lane, memory))
      if (picked.length === 0) return
      await this.#give(lane, picked)
    }
  }

  /** The next tasks that have an instance now; what has none stays. */
  #pickNext(lane: Lane, memory: PickFacts['memory']): Picked[] {
    const { matching, loads, random } = this.#options
    const { namespace, routing } = lane.place
    const picked: Picked[] = []
    let candidates = matching.candidates(lane.place, lane.place.life)
    const hasRoom: PickFacts['hasRoom'] = (candidate) => loads.hasRoom(namespace, candidate)
    for (const task of lane.first(AHEAD)) {
      if (picked.length === TOGETHER || !candidates.some(hasRoom)) break
      const chosen = pick({ candidates, hasRoom, routing, memory, random, key: task.key, avoid: task.avoid })
      if (chosen === undefined) continue
      picked.push({ ...task, target: chosen.instance })
      memory.add(chosen.instance)
      loads.offered(namespace, chosen.instance)
      const load = loads.loadOf(namespace, { ...chosen.load, instance: chosen.instance, handler: lane.place.handler })
      candidates = candidates.map((candidate) => (candidate === chosen ? { ...chosen, load } : candidate))
      if (routing.where !== undefined) candidates = candidates.filter((candidate) => matching.isMatch(lane.place, candidate))
    }
    for (const { id } of picked) lane.remove(id)
    if (lane.size > 0 && candidates.length > 0) this.#probeLater()
    return picked
  }

  /** Runs that were requested before it was known that their handler maps are planned instead. */
  async #unplanned(lane: Lane, picked: Picked[]): Promise<Picked[]> {
    const { presence, loads, store, runs, clock } = this.#options
    const { namespace, handler } = lane.place
    const kind = presence.kindOf(namespace, handler)
    const unplanned = kind === undefined ? [] : picked.filter((task) => task.kind === 'runs')
    if (kind === undefined || unplanned.length === 0) return picked
    for (const { target } of unplanned) loads.withdrawn(namespace, target)
    const heads = await store.runs.heads(unplanned.map(({ id }) => id))
    const open = heads.filter((run): run is RunHead => run?.state === 'queued')
    await runs.write(open.map((run) => ({ run: { ...run, mode: kind }, decision: decideToMap(run, { kind, now: clock.now() }) })))
    return picked.filter((task) => task.kind === 'tasks')
  }

  /** Stores the choice, then offers. */
  async #give(lane: Lane, picked: readonly Picked[]): Promise<void> {
    const { loads, clock, timers, presence } = this.#options
    const { namespace } = lane.place
    const wakeAt = clock.now() + TIMES.ackWaitMs
    const taken: Picked[] = []
    const to = ({ target }: Picked) => ({ target, session: presence.sessionOf(namespace, target) })
    try {
      for (const kind of LIFE_KINDS) {
        const some = picked.filter((task) => task.kind === kind)
        const outcomes = await this.#update(
          some.map((task) => ({ ...task, namespace, ...decideToOffer(task, to(task), Math.min(wakeAt, task.endsAt)) })),
          kind,
        )
        for (const [i, task] of some.entries()) {
          if (outcomes[i] === 'applied') taken.push(task)
          else loads.withdrawn(namespace, task.target)
        }
      }
    } catch (error) {
      const isTaken = new Set(taken)
      for (const task of picked) if (!isTaken.has(task)) loads.withdrawn(namespace, task.target)
      throw error
    }
    for (const { id, kind, endsAt } of taken) timers.arm(kind, { id, wakeAt: Math.min(wakeAt, endsAt) })
    await this.#offerAll(lane, taken)
  }

  async #update(changes: readonly (LifeChange & { namespace: string })[], kind: 'runs' | 'tasks'): Promise<readonly unknown[]> {
    if (changes.length === 0) return []
    return this.#options.store[kind].update(
      changes.map(({ id, namespace, expect, set }) => ({ id, expect: { namespace, ...expect }, set })),
    )
  }

  async #offerAll(lane: Lane, taken: readonly Picked[]): Promise<void> {
    for (let rest = taken; rest.length > 0; ) {
      const works = await readWhole(
        this.#options.store,
        rest.map(({ id }) => id),
        READ_BYTES,
      )
      for (const [i, work] of works.entries()) this.#offer(lane, rest[i] as Picked, work)
      rest = rest.slice(works.length)
    }
  }

  #offer(lane: Lane, task: Picked, work: WholeWork | undefined): void {
    const { sender, loads, clock, log } = this.#options
    const { namespace } = lane.place
    const { target } = task
    // It was cancelled meanwhile.
    if (work?.task.state !== 'queued' || work.task.target !== target) {
      loads.withdrawn(namespace, target)
      return
    }
    this.#offered.set(task.id, { target, at: clock.monotonic() })
    sender
      .send(work.run, work.task, target)
      .then((answer) => this.#answered({ task, work, answer }))
      .catch((error: unknown) =>
        log.error({ evt: 'offer.failed', taskId: task.id, err: error }, 'a task could not be offered; it is tried again'),
      )
  }

  async #answered({ task, work, answer }: { task: Picked; work: WholeWork; answer: OfferOutcome }): Promise<void> {
    const { loads, clock, timers } = this.#options
    const { namespace } = work.run
    if (typeof answer === 'object' && answer.accepted) {
      loads.accepted(namespace, task.target)
      return this.changed(namespace)
    }
    loads.refused(namespace, task.target)
    // Without an answer it may have begun: the same instance is asked again.
    if (answer === undefined) return this.#againSoon(task, work)
    const wakeAt = Math.min(nextCheckOf(clock.now(), 0), task.endsAt)
    const [outcome] = await this.#update([{ id: task.id, namespace, ...decideToWithdraw(task, task.target, wakeAt) }], task.kind)
    if (outcome !== 'applied') return
    const lane = this.#laneOf(work)
    lane.giveBack(task)
    timers.arm(task.kind, { id: task.id, wakeAt })
    this.#routeSoon(lane)
  }

  async #againSoon(task: Picked, { run }: WholeWork): Promise<void> {
    const wakeAt = this.#options.clock.now() + OFFER_AGAIN_MS
    const expect = { state: ['queued'], attempt: task.attempt, owner: [null], target: task.target } as const
    const [outcome] = await this.#update([{ id: task.id, namespace: run.namespace, expect, set: { wakeAt } }], task.kind)
    if (outcome === 'applied') this.#options.timers.arm(task.kind, { id: task.id, wakeAt })
  }

  #offerAgain(taskId: string, target: string): void {
    const { store, sender, log } = this.#options
    const again = async () => {
      const [work] = await readWhole(store, [taskId], READ_BYTES)
      if (work?.task.state !== 'queued' || work.task.target !== target || !isRouted(work)) return
      const answer = await sender.send(work.run, work.task, target)
      // An instance that is not connected now may have received it before.
      if (typeof answer === 'object' && !answer.accepted) await this.#answered({ task: { ...this.#waitingOf(work), target }, work, answer })
    }
    again().catch((error: unknown) =>
      log.warn({ evt: 'offer.failed', taskId, err: error }, 'a task could not be offered again; it is tried again'),
    )
  }

  /** Instances without room are tried again, in case nothing says that they have some. */
  #probeLater(): void {
    if (this.#isProbing) return
    this.#isProbing = true
    this.#options.clock.after(PROBE_AFTER_MS, () => {
      this.#isProbing = false
      if (!this.#options.stopping.aborted) for (const lane of this.#lanes.values()) if (lane.size > 0) this.#routeSoon(lane)
    })
  }
}

interface RouteOptions {
  readonly store: Store
  readonly presence: Presence
  readonly matching: MatchInstances
  readonly loads: InstanceLoads
  readonly memories: PickMemories
  readonly sender: OfferSender
  readonly runs: Runs
  readonly timers: Timers
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  readonly stopping: AbortSignal
}

/** What a consistent hash maps: the key of the run, by default its job; of a task of many also which one it is, so that each has its instance. */
function hashedOf({ run, task }: Work): string {
  const key = run.routing?.key ?? JSON.stringify(run.job ?? run.handler)
  return isTaskRecord(task) ? `${key}\n${task.name ?? ''}\n${task.index}` : key
}
