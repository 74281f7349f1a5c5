import type { Registered } from '@carillon/contracts'
import type { LoopClock } from '@carillon/wire/internal'
import type { Msg } from '@nats-io/transport-node'
import type { Link } from '../connection/link.ts'
import type { OnWarning } from '../warning.ts'
import { HandlerPullers } from './handler-pullers.ts'
import type { Lane } from './lane.ts'
import { Puller } from './puller.ts'

export interface PullersOptions {
  readonly link: Link
  readonly clock: LoopClock
  readonly lanes: ReadonlyMap<string, Lane>
  readonly onWarning: OnWarning
  /** @returns whether it takes up room now */
  readonly onWork: (lane: Lane, message: Msg) => boolean
  readonly onInbox: (inbox: string) => void
  readonly onMissing: () => void
}

/** The pullers of an executor, one for each handler. While it is cordoned there are none, so that the broker has nobody to deliver to. */
export class Pullers {
  readonly #options: PullersOptions
  readonly #pullers = new Map<string, HandlerPullers>()
  #consumers: Registered['consumers'] = {}
  #isPaused = false

  constructor(options: PullersOptions) {
    this.#options = options
  }

  /** After each registration. */
  connect(consumers: Registered['consumers']): void {
    this.#consumers = consumers
    if (this.#isPaused) return
    for (const [name, lane] of this.#options.lanes) {
      const target = consumers[name]
      if (!target) continue
      const pullers = this.#pullers.get(name) ?? this.#create(lane)
      this.#pullers.set(name, pullers)
      pullers.connect(target)
    }
  }

  /** Resolves when messages in flight have been passed on. */
  async pause(): Promise<void> {
    this.#isPaused = true
    const stopped = this.stop()
    this.#pullers.clear()
    await stopped
  }

  resume(): void {
    this.#isPaused = false
    this.connect(this.#consumers)
  }

  wake(handler: string): void {
    this.#pullers.get(handler)?.wake()
  }

  wakeAll(): void {
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

  #create(lane: Lane): HandlerPullers {
    const { link, clock, onWarning, onWork, onInbox, onMissing } = this.#options
    const pullers: HandlerPullers = new HandlerPullers({
      ...{ lane, clock },
      create: (target) => {
        const puller = new Puller({
          ...{ link, clock, onWarning, onInbox, onMissing, ...target },
          onWork: (message) => {
            if (!onWork(lane, message) || pullers.isShared) puller.wake()
          },
        })
        return puller
      },
    })
    return pullers
  }
}
