import { type Beat, beatSchema } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import { type Load, loadOf, nextMean } from './rules/load.ts'

/** After an instance has refused an offer, or has not answered one, it is tried with one task after this. */
export const PROBE_AFTER_MS = 100

interface Seen {
  beat: Beat | undefined
  /** Given since that beat, without those that have ended. */
  sent: number
  /** Offers that have no answer yet. */
  pending: number
  /** How many it may be offered before one of them is answered. */
  credit: number | undefined
  /** On the monotonic clock. */
  probeAt: number
  /** Mean duration, by handler. */
  readonly responseMs: Map<string, number>
}

/** The load of instances: as they said last in their heartbeats, what was sent to them since, and how long their tasks took. */
export class InstanceLoads {
  readonly #clock: Clock
  readonly #seen = new Map<string, Seen>()

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock
  }

  /** A heartbeat. What cannot be read says nothing. @returns what was read */
  beat(namespace: string, instance: string, body: unknown): Beat | undefined {
    const beat = beatSchema.safeParse(body ?? {})
    if (!beat.success) return undefined
    const seen = this.#of(namespace, instance)
    seen.beat = beat.data
    seen.sent = 0
    return beat.data
  }

  loadOf(namespace: string, { instance, capacity, handler }: { instance: string; capacity: number; handler: string }): Load {
    const seen = this.#seen.get(keyOf(namespace, instance))
    if (seen === undefined) return { capacity }
    return loadOf({ beat: seen.beat, capacity, sent: seen.sent + seen.pending, responseMs: seen.responseMs.get(handler) })
  }

  /**
   * Whether an instance may be offered one more task now. Each that it accepts makes room for the next, until it refuses one: whether there is a free slot is
   * known to the instance alone, as other coordinators and the shared queues fill them, too.
   */
  hasRoom(namespace: string, { instance, load }: { instance: string; load: Load }): boolean {
    const seen = this.#of(namespace, instance)
    seen.credit ??= Math.max(1, load.capacity)
    if (seen.credit === 0 && this.#clock.monotonic() >= seen.probeAt) seen.credit = 1
    return seen.credit > 0
  }

  offered(namespace: string, instance: string): void {
    const seen = this.#of(namespace, instance)
    seen.pending++
    seen.credit = Math.max(0, (seen.credit ?? 1) - 1)
  }

  accepted(namespace: string, instance: string): void {
    const seen = this.#answered(namespace, instance)
    seen.sent++
    seen.credit = (seen.credit ?? 0) + 1
  }

  /** It refused an offer, or did not answer. */
  refused(namespace: string, instance: string): void {
    const seen = this.#answered(namespace, instance)
    seen.credit = 0
    seen.probeAt = this.#clock.monotonic() + PROBE_AFTER_MS
  }

  /** Nothing was offered: the task had ended, or another coordinator was faster. */
  withdrawn(namespace: string, instance: string): void {
    const seen = this.#answered(namespace, instance)
    seen.credit = (seen.credit ?? 0) + 1
  }

  /** A routed task has ended: there is room again. */
  ended(namespace: string, instance: string, task: { handler: string; tookMs: number | undefined; failed: boolean }): void {
    const seen = this.#of(namespace, instance)
    seen.sent--
    seen.credit = Math.max(1, seen.credit ?? 1)
    if (task.tookMs === undefined) return
    const { handler, tookMs, failed } = task
    const others = [...this.#seen.values()].flatMap((other) => (other === seen ? [] : (other.responseMs.get(handler) ?? [])))
    seen.responseMs.set(handler, nextMean(seen.responseMs.get(handler), { tookMs, failed }, others))
  }

  gone(namespace: string, instance: string): void {
    this.#seen.delete(keyOf(namespace, instance))
  }

  #answered(namespace: string, instance: string): Seen {
    const seen = this.#of(namespace, instance)
    seen.pending = Math.max(0, seen.pending - 1)
    return seen
  }

  #of(namespace: string, instance: string): Seen {
    const key = keyOf(namespace, instance)
    let seen = this.#seen.get(key)
    if (seen === undefined) {
      seen = { beat: undefined, sent: 0, pending: 0, credit: undefined, probeAt: 0, responseMs: new Map() }
      this.#seen.set(key, seen)
    }
    return seen
  }
}

const keyOf = (namespace: string, instance: string) => `${namespace}.${instance}`
