import { isEnded, type RunState } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { LifeChange, LifeStore, RunRecord, Store, TaskRecord } from '@carillon/store'
import { countsOf } from '../../modes/rules/fan-in.ts'
import { makesTasksByCall } from './judge.ts'

/** Where a write is cut off: before it, or after it but before its answer. */
export type Cut = 'before' | 'after' | undefined

/** How many take part in a simulation. */
export const COORDINATORS = 2

/** How the process that uses a store may end, and what is wrong with it. */
export interface StoreHooks {
  /** Turns of the event loop that a write takes. */
  delay(): number
  /** Asked at each write. */
  cut(): Cut
  isDead(): boolean
  die(): void
  /** A planted fault: what is written instead. */
  tamper?: ((change: LifeChange) => LifeChange) | undefined
  /** When the run was started or last retried, as its writes say. */
  readonly lastStart: { at: number }
  /** Called with every violated invariant. */
  violated(what: string): void
}

/**
 * Cuts off the write after `writesLeft` more of a process, if it is to die.
 * @param random.chance decides on which side of the write
 */
export function cutAfterWrites(process: { writesLeft: number | undefined }, random: { chance(share: number): boolean }): Cut {
  if (process.writesLeft === undefined || process.writesLeft-- > 0) return undefined
  return random.chance(0.5) ? 'before' : 'after'
}

/** A new one each time: a promise that all share would keep alive whatever waits for it. */
const never = () => new Promise<never>(() => undefined)

/** A store as one coordinator sees it: its process may die at any write. What is written is watched. */
export function watchedStore(store: Store, hooks: StoreHooks): Store {
  const write = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    // Other processes act between a read and the write that depends on it.
    for (let turns = hooks.delay(); turns > 0; turns--) await settle()
    if (hooks.isDead()) return never()
    const cut = hooks.cut()
    if (cut === 'before') hooks.die()
    if (hooks.isDead()) return never()
    const done = work()
    if (cut === 'after') hooks.die()
    return done.then((result) => (hooks.isDead() ? never() : result))
  }
  const watched = <Item extends RunRecord | TaskRecord>(
    lives: Pick<LifeStore<Item, unknown>, 'insert' | 'get' | 'update'>,
    check: (before: Item | undefined, change: LifeChange) => void,
    after: (changes: readonly LifeChange[]) => void,
  ) => {
    return {
      insert: (items: readonly Item[]) => write(() => lives.insert(items)),
      update: (changes: readonly LifeChange[]) =>
        write(async () => {
          const tampered = hooks.tamper ? changes.map(hooks.tamper) : changes
          // SQLite is synchronous: no other write can come between these two.
          const before = lives.get(tampered.map(({ id }) => id))
          const outcomes = await lives.update(tampered)
          const known = await before
          for (const [i, change] of tampered.entries()) {
            if (outcomes[i] !== 'applied') continue
            check(known[i], change)
            checkFence(known[i], changes[i] as LifeChange, hooks)
          }
          after(tampered)
          return outcomes
        }),
    }
  }
  const read = <Target extends object>(target: Target, more: object): Target =>
    new Proxy(target, {
      get(of, name) {
        if (name in more) return more[name as keyof typeof more]
        const member = of[name as keyof Target]
        return typeof member === 'function' ? (...rest: unknown[]) => (hooks.isDead() ? never() : member.apply(of, rest)) : member
      },
    })
  const noMore = () => undefined
  return {
    ...store,
    runs: read(
      store.runs,
      watched(store.runs, (run, change) => checkRun({ store, hooks }, run, change), noMore),
    ),
    tasks: read(
      store.tasks,
      watched(
        store.tasks,
        (task, change) => checkTask(hooks, task, change),
        (changes) => checkLimit({ store, hooks }, changes),
      ),
    ),
    signals: read(store.signals, {
      insert: (signals: Parameters<typeof store.signals.insert>[0]) => write(() => store.signals.insert(signals)),
      update: (changes: Parameters<typeof store.signals.update>[0]) => write(() => store.signals.update(changes)),
      remove: (ids: readonly string[]) => write(() => store.signals.remove(ids)),
    }),
    steps: read(store.steps, { insert: (steps: Parameters<typeof store.steps.insert>[0]) => write(() => store.steps.insert(steps)) }),
    describe: () => store.describe(),
  }
}

/** Checks that an applied write was decided about this attempt, owner and state. */
function checkFence(life: RunRecord | TaskRecord | undefined, { expect }: LifeChange, hooks: StoreHooks): void {
  if (!life) return
  if (expect.attempt !== undefined && expect.attempt !== life.attempt)
    hooks.violated(`${life.id} was at attempt ${life.attempt}, not ${expect.attempt}`)
  if (expect.owner && !expect.owner.includes(life.owner))
    hooks.violated(`${life.id} was owned by ${life.owner}, not ${expect.owner.join(' or ')}`)
  if (!expect.state.includes(life.state)) hooks.violated(`${life.id} was ${life.state}, not ${expect.state.join(' or ')}`)
}

function checkTask(hooks: StoreHooks, task: TaskRecord | undefined, { set }: LifeChange): void {
  if (!task) return
  // That the run goes on after a wait that has ended is checked once more later.
  const isCheck = set.state === undefined && set.wakeAt === null
  if (isEnded(task.state) && set.state !== 'waiting' && !isCheck)
    hooks.violated(`task ${task.id} had ended (${task.state}) and became ${set.state}`)
  if (set.attempt !== undefined && set.attempt < task.attempt) hooks.violated(`attempt of ${task.id} fell to ${set.attempt}`)
  if (isEnded(task.state) && set.state === 'waiting' && (task.endedAt ?? 0) > hooks.lastStart.at)
    hooks.violated(`task ${task.id} has ended since the run was retried, and was opened once more`)
  const ends = set.state !== undefined && isEnded(set.state)
  if (ends && set.owner && task.owner !== null && task.owner !== set.owner) hooks.violated(`${set.owner} ended ${task.id} of ${task.owner}`)
}

/** Reads from the store itself, synchronously: no other write comes in between. */
function checkRun({ store, hooks }: { store: Store; hooks: StoreHooks }, run: RunRecord | undefined, { set }: LifeChange): void {
  if (!run || set.state === undefined) return
  if (isEnded(run.state) && set.state !== 'queued') hooks.violated(`run had ended (${run.state}) and became ${set.state}`)
  if (set.state === 'queued') hooks.lastStart.at = set.queuedAt ?? 0
  if (!isEnded(set.state) || run.state === 'queued' || run.state === 'delayed') return
  void store.tasks.tally({ runId: run.id }).then((tally) => {
    // Tasks of a call to map that comes while its run is cancelled are made and never published: they may end after it.
    const isLate = (state: RunState) => set.state === 'cancelled' && (state === 'queued' || state === 'waiting')
    for (const { state, count } of tally)
      if (!isEnded(state) && !isLate(state)) hooks.violated(`the run became ${set.state} while ${count} tasks were ${state}`)
  })
}

function checkLimit({ store, hooks }: { store: Store; hooks: StoreHooks }, changes: readonly LifeChange[]): void {
  const runId = changes[0]?.id.split('-')[0] ?? ''
  const runs = store.runs.get([runId])
  const counts = store.tasks.tally({ runId }).then(countsOf)
  void Promise.all([runs, counts]).then(([[run], { queued = 0, delayed = 0, running = 0, cancelling = 0 }]) => {
    const limit = run?.plan?.maxParallel
    const active = queued + delayed + running + cancelling
    // While tasks of a map are made, the coordinators see different ones to be freed first: each may free one for the same room.
    const extra = run && makesTasksByCall(run) ? COORDINATORS - 1 : 0
    if (limit !== undefined && active > limit + extra) hooks.violated(`${active} tasks were under way, ${limit} are allowed`)
  })
}

/** A store of which some methods of one port do something else. All others run on the port itself, which has private fields. */
export function withPort<Name extends 'runs' | 'tasks' | 'steps'>(store: Store, name: Name, changed: Partial<Store[Name]>): Store {
  return instead(store, { [name]: instead(store[name], changed) } as Partial<Store>)
}

function instead<Target extends object>(target: Target, changed: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(changed, key)) return changed[key as keyof Target]
      const value = target[key as keyof Target]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
