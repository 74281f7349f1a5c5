import { subjects } from '@carillon/contracts'
import { type Clock, type Logger, publishUntilTaken, type StreamPublisher } from '@carillon/runtime'
import { type InstanceName, presenceKey } from './rules/presence.ts'
import type { Entry } from './rules/seen.ts'

export type InstanceEvent = 'joined' | 'left' | 'lost' | 'hung' | 'recovered' | 'cordoned' | 'uncordoned'

/** Publishes `event.instance.<id>.<what>`: `{ instance, service, namespace, at }`. */
export class InstanceEvents {
  readonly #publisher: StreamPublisher
  readonly #clock: Clock
  readonly #log: Logger

  constructor(options: { publisher: StreamPublisher; clock: Clock; log: Logger }) {
    this.#publisher = options.publisher
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Logs and publishes a change. Its revision is part of the message id: one event for one change. */
  publish(what: InstanceEvent, { presence, revision }: Entry): void {
    const name: InstanceName = { namespace: presence.namespace, instance: presence.instance }
    const body = { ...name, service: presence.service, at: new Date(this.#clock.now()).toISOString() }
    this.#log[what === 'lost' || what === 'hung' ? 'warn' : 'info'](
      { evt: `instance.${what}`, ...body },
      `instance ${name.instance} ${what === 'hung' && presence.hungIdleMs !== undefined ? IDLE : WORDS[what]}`,
    )
    const subject = subjects.event(name.namespace, 'instance', name.instance, what)
    const messageId = `instance-${presenceKey(name)}-${revision}-${presence.since}-${what}`
    publishUntilTaken(this.#publisher, { subject, body: JSON.stringify(body), messageId }, (refusal) => {
      if (refusal)
        this.#log.error({ evt: 'event.refused', subject, refusal: refusal.message }, 'an event was not stored; presence has the same state')
    })
  }
}

const IDLE = 'is hung: nothing came of its tasks for too long; they go on elsewhere, and it gets no work until something does'
const WORDS = {
  joined: 'has joined',
  left: 'has left',
  lost: 'is lost: it was silent for too long',
  hung: 'is hung: handlers that ignored their abort hold every slot; it gets no work until one ends',
  cordoned: 'is cordoned: an operator wants no work to be given to it',
  uncordoned: 'is given work again',
  recovered: 'has recovered: a slot is free again',
}
