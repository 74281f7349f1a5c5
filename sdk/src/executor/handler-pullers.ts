import { PRIORITIES, type Priority, type Registered } from '@carillon/contracts'
import type { LoopClock } from '@carillon/wire/internal'
import type { Lane } from './lane.ts'
import { PriorityTurns } from './priority-turns.ts'
import type { Puller, PullerOptions } from './puller.ts'

type Target = Registered['consumers'][string]

/**
 * The pullers of one handler. Usually there is one, which requests as much as the lane has room for. Once there is work of other priorities each has a
 * consumer of its own: one that is known to have work is asked for as much as its turns allow, without waiting; one that had none is asked for a single
 * message, and that request stays with the broker until there is some.
 */
export class HandlerPullers {
  readonly #lane: Pick<Lane, 'demand'>
  readonly #clock: LoopClock
  readonly #create: (options: Pick<PullerOptions, 'stream' | 'consumer' | 'demand'>) => Puller
  readonly #pullers = new Map<Priority, Puller>()
  readonly #turns = new PriorityTurns()
  #isShareDue = false

  constructor(options: {
    lane: Pick<Lane, 'demand'>
    clock: LoopClock
    create: (options: Pick<PullerOptions, 'stream' | 'consumer' | 'demand'>) => Puller
  }) {
    this.#lane = options.lane
    this.#clock = options.clock
    this.#create = options.create
  }

  /** Whether there are several, so that each message may give another one its turn. */
  get isShared(): boolean {
    return this.#pullers.size > 1
  }

  /** After each registration. */
  connect(target: Target): void {
    for (const priority of PRIORITIES) {
      const consumer = priority === 'normal' ? target.consumer : target[priority]
      if (consumer === undefined) continue
      const puller = this.#pullers.get(priority)
      if (puller) puller.restart()
      else {
        const demand = (requested: number) => this.#demand(requested)
        this.#pullers.set(priority, this.#create({ stream: target.stream, consumer, demand }))
      }
    }
    this.wake()
  }

  /** Request more at the end of this turn, if there is room. */
  wake(): void {
    for (const puller of this.#pullers.values()) puller.wake()
  }

  check(): void {
    for (const puller of this.#pullers.values()) puller.check()
  }

  restart(): void {
    for (const puller of this.#pullers.values()) puller.restart()
  }

  /** Request nothing more. Resolves when messages in flight have been passed on. */
  async stop(): Promise<void> {
    await Promise.all([...this.#pullers.values()].map((puller) => puller.stop()))
  }

  close(): void {
    for (const puller of this.#pullers.values()) puller.close()
  }

  /** Of several pullers none decides by itself. */
  #demand(requested: number): number {
    if (!this.isShared) return this.#lane.demand(requested)
    if (!this.#isShareDue) {
      this.#isShareDue = true
      this.#clock.nextTurn(() => {
        this.#isShareDue = false
        this.#share()
      })
    }
    return 0
  }

  #share(): void {
    const pullers = [...this.#pullers]
    const waiting = new Set(pullers.filter(([, puller]) => !puller.isEmpty).map(([priority]) => priority))
    const requested = pullers.reduce((sum, [, puller]) => sum + (puller.isEmpty ? 0 : puller.requested), 0)
    const room = this.#lane.demand(requested)
    if (room <= 0) return
    const shares = waiting.size > 0 ? this.#turns.share(room, waiting) : undefined
    for (const [priority, puller] of pullers) {
      if (puller.isEmpty) puller.request({ batch: 1 - puller.requested, waits: true })
      else puller.request({ batch: shares?.get(priority) ?? 0, waits: false })
    }
  }
}
