import {
  type CALLS,
  type CallRequest,
  CarillonError,
  isEnded,
  LIMITS,
  printable,
  type SignalSent,
  TIMES,
  writeJson,
} from '@carillon/contracts'
import { type Clock, derivedId, freshServiceId } from '@carillon/runtime'
import { type SignalRecord, type Store, shareOf } from '@carillon/store'
import type { Timers } from '../ports.ts'
import { removedRun, runNotFound } from '../runs/rules/missing.ts'
import type { Approvers } from '../signal-ports.ts'
import { VERIFY_AFTER_MS } from './rules/waits.ts'
import type { SettleWaits } from './settle-waits.ts'

const PAYLOAD = { field: 'payload', maxBytes: LIMITS.signalBytes, tooLarge: 'SIGNAL_TOO_LARGE', notJson: 'INVALID_JSON' } as const

/** What a call or a message says. */
export type SignalRequest = CallRequest<typeof CALLS.runsSignal>

/** Where a signal comes from. */
export interface SignalSource {
  readonly namespace: string
  readonly by: string | undefined
  /** Identifies one that has no message id. */
  readonly id: string
  readonly at: number
  /** The order of those that came in one millisecond. */
  readonly sequence: number
}

/** Keeps signals, and lets what waits for them go on. */
export class SendSignals {
  readonly #store: Store
  readonly #waits: Pick<SettleWaits, 'arrived'>
  readonly #approvers: Approvers
  readonly #timers: Timers
  readonly #clock: Clock
  #sequence = 0

  constructor(options: { store: Store; waits: SettleWaits; approvers: Approvers; timers: Timers; clock: Clock }) {
    this.#store = options.store
    this.#waits = options.waits
    this.#approvers = options.approvers
    this.#timers = options.timers
    this.#clock = options.clock
  }

  /** One that was sent by a call. @throws CarillonError as `keep` */
  send({ namespace, by, input }: { namespace: string; by: string | undefined; input: SignalRequest }): Promise<SignalSent> {
    return this.keep(input, { namespace, by, id: freshServiceId('signal'), at: this.#clock.now(), sequence: this.#sequence++ })
  }

  /** Repeated with the same message id it changes nothing. @throws CarillonError RUN_ENDED, RUN_REMOVED, SIGNAL_TOO_LARGE, TOO_MANY_SIGNALS, RUN_NOT_FOUND; FORBIDDEN about an approval that names roles */
  async keep(request: SignalRequest, source: SignalSource): Promise<SignalSent> {
    const signal = recordOf(request, { ...source, now: this.#clock.now() })
    const [[there], isThere, usage] = await Promise.all([
      this.#store.signals.get([signal.id]),
      this.#mayHave(source.namespace, request),
      this.#store.signals.usage(signal),
    ])
    if (!there) await this.#checkRoom(signal, { isThere, usage })
    const [outcome] = there ? ['duplicate'] : await this.#store.signals.insert([{ ...signal, unclaimed: isThere ? 0 : 1 }])
    if (outcome === 'created') this.#timers.arm('signals', signal)
    const { runId, name } = signal
    // Also of a repetition: what sent the first one may have died before this.
    await this.#waits.arrived(signal)
    const [after] = await this.#store.signals.get([signal.id])
    const state = after?.takenBy != null ? 'taken' : isThere ? 'kept' : 'unclaimed'
    return { runId, name, signalId: signal.id, created: outcome === 'created', state }
  }

  /** Whether the run is there. @throws CarillonError RUN_ENDED, RUN_REMOVED, RUN_NOT_FOUND of one that another namespace has, FORBIDDEN */
  async #mayHave(namespace: string, { runId, name }: Pick<SignalRequest, 'runId' | 'name'>): Promise<boolean> {
    const [run] = await this.#store.runs.heads([runId])
    if (!run) {
      const [tombstone] = await this.#store.retention.tombstones([runId])
      if (tombstone?.namespace === namespace) throw removedRun(tombstone)
      return false
    }
    if (run.namespace !== namespace) throw runNotFound(runId)
    if (isEnded(run.state))
      throw new CarillonError('RUN_ENDED', `run ${printable(runId)} has ended as ${run.state}: it takes no signals`, {
        field: 'runId',
        value: printable(runId),
      })
    await this.#approvers.checkSignal(run, name)
    return true
  }

  async #checkRoom(
    { namespace, runId, bytes }: SignalRecord,
    { isThere, usage }: { isThere: boolean; usage: { readonly count: number; readonly bytes: number } },
  ): Promise<void> {
    if (usage.count >= LIMITS.signalsPerRun)
      throw tooMany(runId, `${usage.count} signals of run ${runId} wait to be taken, the limit is ${LIMITS.signalsPerRun}`)
    if (usage.bytes + bytes > LIMITS.signalBytesPerRun)
      throw tooMany(
        runId,
        `signals of run ${runId} that wait to be taken would have ${usage.bytes + bytes} bytes, the limit is ${LIMITS.signalBytesPerRun}`,
      )
    if (isThere) return
    const unclaimed = await this.#store.signals.countUnclaimed({ namespace, atMost: LIMITS.signalsUnclaimed })
    if (unclaimed >= LIMITS.signalsUnclaimed)
      throw tooMany(runId, `${unclaimed} signals wait for runs that are not there, the limit is ${LIMITS.signalsUnclaimed}`)
  }
}

/** @throws CarillonError SIGNAL_TOO_LARGE, INVALID_JSON */
function recordOf({ runId, name, payload, id, ttlMs }: SignalRequest, source: SignalSource & { now: number }): SignalRecord {
  const { namespace, at, sequence, by, now } = source
  const text = writeJson(payload ?? null, PAYLOAD)
  return {
    id: `${runId}.${name}.${derivedId('m', namespace, id ?? source.id)}`,
    namespace,
    runId,
    name,
    payload: text,
    bytes: Buffer.byteLength(text),
    by: by ?? null,
    at,
    sequence,
    takenBy: null,
    expiresAt: now + (ttlMs ?? TIMES.signalTtlMs),
    unclaimed: 0,
    share: shareOf(runId),
    wakeAt: now + VERIFY_AFTER_MS,
  }
}

const tooMany = (runId: string, message: string) =>
  new CarillonError('TOO_MANY_SIGNALS', message, { field: 'runId', value: printable(runId) })
