import { CarillonError, STREAMS, type StreamName } from '@carillon/contracts'
import { type Clock, pause } from '@carillon/wire/internal'
import { LoopService } from '../lifecycle.ts'
import type { Logger } from '../logger.ts'
import { WakeablePause } from '../wakeable-pause.ts'
import { BROKER_ANSWERS_WITHIN_MS, type Broker, isUnanswered } from './connection.ts'
import { type DesiredStream, ensureStream, type ObservedStream, shrinkStreams } from './streams.ts'

/** The part of its capacity that a stream may have. */
export type StreamCapacity = Pick<DesiredStream, 'part' | 'change'>

/** A stream that a service maintains. */
export interface Kept {
  /** Its name at the broker. */
  readonly stream: string
  /** Reconciles it and its consumers; undefined: it is missing, and another service creates it. @throws CarillonError STORAGE_TOO_SMALL */
  ensure(room: StreamCapacity): Promise<ObservedStream | undefined>
}

/** What a stream has lost: all of it, or what was stored last. */
export type StreamLoss = 'missing' | 'made-anew' | 'went-back'

export interface StreamKeeperOptions {
  readonly broker: Broker
  readonly kept: readonly Kept[]
  readonly clock: Clock
  readonly log: Logger
}

/** Some requests a stream: negligible for a broker, and shorter than a person needs to notice. */
const ROUND_MS = 3_000
const RETRY_AFTER_MS = 500
/** How long a start tries: a person waits, and sees the warning. */
const FIT_WITHIN_MS = 10_000
/**
 * nats-server announces that a stream is deleted before it moves its folder away: one of the same name that is created meanwhile loses its files. It needs
 * some milliseconds for that; of a busy machine more.
 */
const DELETED_WITHIN_MS = 1_000
/** With less, streams would refuse work within seconds. */
const SMALLEST_PART = 1 / 64
/** How often larger streams are tried at a broker that had little room. */
const GROW_EVERY_MS = 15_000
const MIB = 1024 * 1024
/** Of all streams and the registry's bucket, in MiB. */
const FULL_ROOM = Object.values(STREAMS).reduce((sum, { maxBytes }) => sum + maxBytes / MIB, 64)
/** How long health reports a loss after it. */
const REMEMBER_MS = 60_000

export const LOSSES: Readonly<Record<StreamLoss, string>> = {
  missing: 'is missing',
  'made-anew': 'was recreated',
  'went-back': 'went back to an earlier state',
}

/** A stream of the protocol with the consumer that services share on it. */
export const keptStream = (broker: Broker, name: StreamName, desired: Pick<DesiredStream, 'replicas' | 'storeId'>): Kept => ({
  stream: name,
  ensure: (room) => ensureStream(broker.manager, name, { ...desired, ...room }),
})

/**
 * Reconciles what the broker should have with what it has: every 3 s, after a reconnect, and when an advisory reports that a stream or a consumer was
 * created or changed, or, a second later, deleted. Detects by its creation time and its newest sequence that a stream lost messages, and notifies
 * the listeners that can refill it.
 */
export class StreamKeeper extends LoopService {
  readonly #options: StreamKeeperOptions
  readonly #seen = new Map<string, ObservedStream>()
  readonly #missing = new Set<string>()
  readonly #losses = new Map<string, { text: string; at: number }>()
  readonly #lossListeners: ((stream: string, loss: StreamLoss) => void)[] = []
  readonly #problems = new Map<string, string>()
  #roundEnds: (() => void)[] = []
  readonly #pause: WakeablePause
  #part = 1
  #nextGrowth = 0
  /** On the monotonic clock: what was deleted is gone by then. */
  #deletedAt = Number.NEGATIVE_INFINITY

  constructor(options: StreamKeeperOptions) {
    super()
    this.#options = options
    this.#pause = new WakeablePause(options.clock)
  }

  /** Called when a stream lost messages, after it was reconciled. */
  onLoss(listener: (stream: string, loss: StreamLoss) => void): void {
    this.#lossListeners.push(listener)
  }

  /** Resolves after a round that begins from now on and that the broker could answer, or when the keeper stops. */
  whenKept(): Promise<void> {
    return new Promise((resolve) => {
      this.#roundEnds.push(resolve)
      this.#pause.end()
    })
  }

  /** For health: what is wrong now, and recent losses. */
  check(): { name: string; ok: boolean; message: string } {
    const { clock, kept } = this.#options
    const problems = [...this.#problems.values()]
    if (this.#part < 1)
      problems.push(`streams have room for ${Math.round(FULL_ROOM * this.#part)} instead of ${FULL_ROOM} MiB, as much as the broker has`)
    if (problems.length > 0) return { name: 'streams', ok: false, message: problems.join('; ') }
    const recent = [...this.#losses.values()].filter(({ at }) => clock.monotonic() - at < REMEMBER_MS)
    const texts = recent.map(({ text, at }) => `${text} ${Math.round((clock.monotonic() - at) / 1_000)} s ago`)
    return { name: 'streams', ok: true, message: [`${kept.length} are as they should be`, ...texts].join('; ') }
  }

  /**
   * Services that start together make room for each other's streams: what does not fit at first may fit when the others have shrunk theirs.
   * A broker that is busy or has just started answers late.
   */
  protected override async prepare(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const began = clock.monotonic()
    let failures = await this.#round()
    while (clock.monotonic() - began < triesForMs(failures) && (await pause(clock, RETRY_AFTER_MS, signal))) failures = await this.#round()
    if (failures.length > 0) throw failures[0]
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const advisories = this.#hear()
    for (let delayMs = ROUND_MS; (await this.#pause.wait(delayMs, signal)) && (await this.#untilDeleted(signal)); ) {
      const waiting = this.#roundEnds.splice(0)
      const failures = await this.#round()
      // The broker would refuse again what it has refused: a start goes on with the rest.
      const isUndecided = failures.some((failure) => !CarillonError.is(failure) || failure.code === 'NATS_UNAVAILABLE')
      delayMs = isUndecided ? RETRY_AFTER_MS : ROUND_MS
      if (isUndecided) this.#roundEnds.unshift(...waiting)
      else for (const resolve of waiting) resolve()
    }
    for (const advisory of advisories) advisory.unsubscribe()
    for (const resolve of this.#roundEnds.splice(0)) resolve()
  }

  /** False: the signal has aborted. */
  #untilDeleted(signal: AbortSignal): Promise<boolean> {
    return pause(this.#options.clock, Math.max(0, this.#deletedAt - this.#options.clock.monotonic()), signal)
  }

  protected onFailure(error: unknown): void {
    this.#options.log.fatal({ evt: 'streams.died', err: error }, 'the loop that keeps the streams died')
  }

  /** Advisories of the server about these streams and their consumers. */
  #hear() {
    const { broker, kept, clock } = this.#options
    const subjects = kept.flatMap(({ stream }) => [
      `$JS.EVENT.ADVISORY.STREAM.*.${stream}`,
      `$JS.EVENT.ADVISORY.CONSUMER.DELETED.${stream}.*`,
    ])
    const callback = (_: Error | null, { subject }: { subject: string }) => {
      if (subject.includes('.DELETED.')) this.#deletedAt = clock.monotonic() + DELETED_WITHIN_MS
      this.#pause.end()
    }
    return subjects.map((subject) => broker.connection.subscribe(subject, { callback }))
  }

  /** Where the broker has no room all streams get half as much, and half of that, until they fit; once in a while they are given more again. */
  async #round(): Promise<unknown[]> {
    const { clock, broker } = this.#options
    // Requests without a connection get no answer.
    const unreachable = await broker.connection.flush().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (unreachable !== undefined) return [unreachable]
    const mayGrow = clock.monotonic() >= this.#nextGrowth
    if (mayGrow) this.#nextGrowth = clock.monotonic() + GROW_EVERY_MS
    let room: StreamCapacity = { part: mayGrow ? Math.min(this.#part * 2, 1) : this.#part, change: mayGrow ? 'grow' : 'none' }
    let failures = await this.#keepAll(room)
    while (failures.some(isTooSmall) && room.part > SMALLEST_PART) {
      room = { part: room.part / 2, change: 'shrink' }
      await this.#shrinkOthers(room.part)
      failures = await this.#keepAll(room)
    }
    const before = this.#part
    this.#part = Math.min(1, ...[...this.#seen.values()].map(({ part }) => part))
    // There was room: there may be more.
    if (this.#part > before) this.#nextGrowth = 0
    if (!failures.some(isTooSmall)) return failures
    const least = `All streams need ${FULL_ROOM} MiB, ${Math.ceil(FULL_ROOM * SMALLEST_PART)} MiB at least.`
    return failures.map((failure) => (isTooSmall(failure) ? withHint(failure, least) : failure))
  }

  async #shrinkOthers(part: number): Promise<void> {
    const { broker, log } = this.#options
    await shrinkStreams(broker.manager, part).catch((error: unknown) =>
      log.warn({ evt: 'streams.unshrunk', err: error }, 'streams that hold what others need could not be made smaller; trying again'),
    )
  }

  /** One after another, so that the first ones do not take what the last ones need. */
  async #keepAll(room: StreamCapacity): Promise<unknown[]> {
    const failures: unknown[] = []
    for (const kept of this.#options.kept) {
      const failure = await this.#keep(kept, room)
      if (failure !== undefined) failures.push(failure)
      // The broker does not answer: the next stream would wait as long.
      if (failure !== undefined && isUnanswered(failure)) break
    }
    return failures
  }

  async #keep(kept: Kept, room: StreamCapacity): Promise<unknown> {
    const { stream } = kept
    try {
      this.#compare(stream, await kept.ensure(room))
      return undefined
    } catch (error) {
      const text = `${stream} cannot be kept: ${error instanceof Error ? error.message : String(error)}`
      if (this.#problems.get(stream) !== text)
        this.#options.log.warn({ evt: 'streams.unkept', stream, err: error }, 'a stream is not as it should be; trying again')
      this.#problems.set(stream, text)
      return error
    }
  }

  #compare(stream: string, observed: ObservedStream | undefined): void {
    const before = this.#seen.get(stream)
    if (observed === undefined) {
      this.#problems.set(stream, `${stream} is missing`)
      if (before && !this.#missing.has(stream)) this.#lost(stream, 'missing')
      this.#missing.add(stream)
      return
    }
    this.#missing.delete(stream)
    this.#seen.set(stream, observed)
    this.#problems.delete(stream)
    if (before && before.createdAt !== observed.createdAt) this.#lost(stream, 'made-anew')
    else if (before && observed.lastSequence < before.lastSequence) this.#lost(stream, 'went-back')
  }

  #lost(stream: string, loss: StreamLoss): void {
    const { log, clock } = this.#options
    const text = `${stream} ${LOSSES[loss]}`
    log.error({ evt: 'streams.lost', stream, loss, what: text }, 'a stream has lost messages')
    this.#losses.set(stream, { text, at: clock.monotonic() })
    for (const listener of this.#lossListeners) listener(stream, loss)
  }
}

const isTooSmall = (failure: unknown): failure is CarillonError => CarillonError.is(failure) && failure.code === 'STORAGE_TOO_SMALL'

function triesForMs(failures: readonly unknown[]): number {
  if (failures.some(isUnanswered)) return BROKER_ANSWERS_WITHIN_MS
  return failures.some(isTooSmall) ? FIT_WITHIN_MS : 0
}

function withHint(error: CarillonError, hint: string): CarillonError {
  const remedy = 'Free disk space (streams may take three quarters of what is free when nats-server starts), or raise its max_file_store.'
  return new CarillonError('STORAGE_TOO_SMALL', error.message, { ...error.details, hint: `${hint} ${remedy}`, cause: error.cause })
}
