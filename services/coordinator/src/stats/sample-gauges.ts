import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import type { ChangeValue, GaugeValue, RollupRecord, Store } from '@carillon/store'
import type { Presence } from '../ports.ts'
import type { OpenWork } from './open-work.ts'
import type { ReadQueues } from './read-queues.ts'
import { EVERYTHING, placeOf, recordOf } from './rules/group-ends.ts'
import { KEPT_MS } from './rules/intervals.ts'
import { appeared, type KnownVersions, markedVersions } from './rules/marks.ts'
import { gaugesOf } from './rules/queues.ts'
import { addValues, changeKey, emptyTally } from './rules/rollup.ts'

const EVERY_MS = 60_000
/** The first is made soon: a mesh that was just started has a chart. */
const FIRST_MS = 5_000
const LEVELS = ['minute', 'quarter', 'hour', 'day'] as const
/** Ends are counted in the same documents: another writer was first. */
const TRIES = 5
const SHARE_OF_SAMPLING = 0

/** Measures once a minute what is no sum, such as how many tasks run, into the documents that count what has ended. */
export class SampleGauges extends LoopService {
  readonly #open: OpenWork
  readonly #queues: ReadQueues
  readonly #presence: Presence
  readonly #store: Pick<Store, 'stats'>
  readonly #shares: () => readonly number[]
  readonly #clock: Clock
  readonly #log: Logger
  /** By namespace. */
  readonly #versions = new Map<string, KnownVersions>()

  constructor(options: {
    openWork: OpenWork
    readQueues: ReadQueues
    presence: Presence
    store: Pick<Store, 'stats'>
    shares: () => readonly number[]
    clock: Clock
    log: Logger
  }) {
    super()
    this.#open = options.openWork
    this.#queues = options.readQueues
    this.#presence = options.presence
    this.#store = options.store
    this.#shares = options.shares
    this.#clock = options.clock
    this.#log = options.log
  }

  protected async run(signal: AbortSignal): Promise<void> {
    for (let waitMs = FIRST_MS; await pause(this.#clock, waitMs, signal); waitMs = EVERY_MS) {
      await this.sample().catch((error: unknown) =>
        this.#log.warn({ evt: 'stats.unsampled', err: error }, 'how much waits and runs could not be measured; trying again'),
      )
    }
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'stats.sampling-died', err: error }, 'the measuring of what waits and runs died')
  }

  async sample(): Promise<void> {
    if (!this.#shares().includes(SHARE_OF_SAMPLING)) {
      this.#versions.clear()
      return
    }
    const open = await this.#open.read()
    const namespaces = new Set([...this.#presence.namespaces(), ...open.lives.map(({ namespace }) => namespace)])
    for (const namespace of namespaces) {
      const measured = { ...gaugesOf(this.#queues.queues(namespace, open)), instances: this.#presence.count(namespace) }
      const at = this.#clock.now()
      const gauges = Object.fromEntries(Object.entries(measured).map(([name, value]) => [name, { at, last: value, max: value }]))
      await this.#write(namespace, { gauges }, at)
      await this.#markVersions(namespace)
    }
  }

  /** A version of a service that was not there a minute ago, such as a deployment or its rollback, is marked when it came. */
  async #markVersions(namespace: string): Promise<void> {
    const { changes, known } = appeared(
      this.#versions.get(namespace) ?? (await this.#markedVersions(namespace)),
      this.#presence.versions(namespace),
    )
    for (const change of changes) await this.#write(namespace, { changes: { [changeKey(change)]: change } }, change.at)
    this.#versions.set(namespace, known)
  }

  async #markedVersions(namespace: string): Promise<KnownVersions> {
    const now = this.#clock.now()
    const days = { namespace, scope: EVERYTHING, level: 'day', from: now - KEPT_MS.day, before: now } as const
    const records = await this.#store.stats.series(days)
    return markedVersions(records.flatMap(({ values }) => Object.values(values.changes ?? {})))
  }

  async #write(namespace: string, measured: Measured, at: number): Promise<void> {
    let places = LEVELS.map((level) => placeOf(level, { namespace, scope: EVERYTHING, at }))
    for (let tries = 0; places.length > 0; tries++) {
      if (tries === TRIES) throw new Error('another coordinator writes the same documents')
      const stored = await this.#store.stats.get(places.map(({ id }) => id))
      const changes = places.map((place, i) => ({
        rollup: measuredIn(stored[i], { place, measured }),
        expect: stored[i]?.revision ?? null,
      }))
      const outcomes = await this.#store.stats.put(changes)
      places = places.filter((_, i) => outcomes[i] !== 'applied')
    }
  }
}

interface Measured {
  readonly gauges?: Readonly<Record<string, GaugeValue>>
  readonly changes?: Readonly<Record<string, ChangeValue>>
}

/** Its fence stays: no end is counted by this. */
function measuredIn(
  stored: RollupRecord | undefined,
  { place, measured }: { place: ReturnType<typeof placeOf>; measured: Measured },
): RollupRecord {
  const tally = emptyTally()
  if (stored) addValues(tally, stored.values)
  addValues(tally, { ...emptyTally(), ...measured })
  const { stream = 0, upTo = 0, revision = 0 } = stored ?? {}
  return recordOf(place, tally, { stream, upTo, revision: revision + 1 })
}
