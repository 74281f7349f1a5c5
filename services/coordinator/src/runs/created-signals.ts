import { subjects } from '@carillon/contracts'
import { type Broker, type Clock, createInbox, publishTexts } from '@carillon/runtime'
import type { RunHead } from '@carillon/store'
import { liveText } from './rules/views.ts'

/** Fewer runs that are created together are always signalled. */
const MANY = 16
/** How long nobody is assumed to have subscribed after the broker has said so. */
const SILENT_MS = 100
const NO_RESPONDERS = 503

/**
 * The signals that runs were created. Where many are created and nobody has subscribed, publishing them is wasted work: the first signal of
 * many has a reply subject, on which the broker says if there is no subscriber; then those of the next 100 ms in that namespace are left out.
 */
export class CreatedSignals {
  readonly #connection: Broker['connection']
  readonly #clock: Clock
  readonly #inbox = createInbox()
  /** By namespace, on the monotonic clock. */
  readonly #silentUntil = new Map<string, number>()
  #isListening = false

  constructor(options: { connection: Broker['connection']; clock: Clock }) {
    this.#connection = options.connection
    this.#clock = options.clock
  }

  publish(runs: readonly RunHead[]): void {
    const isMany = runs.length >= MANY
    const asked = new Set<string>()
    const heard = isMany && this.#silentUntil.size > 0 ? runs.filter(({ namespace }) => !this.#isSilent(namespace)) : runs
    const messages = heard.map((run) => {
      const isFirst = isMany && !asked.has(run.namespace)
      if (isFirst) asked.add(run.namespace)
      const reply = isFirst ? this.#replyFor(run.namespace) : undefined
      return { subject: subjects.live(run.namespace, 'run', run.id, 'created'), body: liveText(run), reply }
    })
    publishTexts(this.#connection, messages)
  }

  #isSilent(namespace: string): boolean {
    const until = this.#silentUntil.get(namespace)
    if (until === undefined || until > this.#clock.monotonic()) return until !== undefined
    this.#silentUntil.delete(namespace)
    return false
  }

  #replyFor(namespace: string): string {
    if (!this.#isListening) {
      this.#isListening = true
      this.#connection.subscribe(`${this.#inbox}.*`, {
        callback: (error, message) => {
          if (error || message.headers?.code !== NO_RESPONDERS) return
          this.#silentUntil.set(message.subject.slice(this.#inbox.length + 1), this.#clock.monotonic() + SILENT_MS)
        },
      })
    }
    return `${this.#inbox}.${namespace}`
  }
}
