import { type AuditEntry, subjects } from '@carillon/contracts'
import type { StreamPublisher } from '@carillon/wire/internal'
import type { Logger } from '../logger.ts'
import { publishUntilTaken } from './publish-until-taken.ts'

/** Entries of a message: each has at most some 100 changes of 2,000 characters, most have a few. */
const MOST = 50
const MOST_LETTERS = 256 * 1024

/** Publishes what was changed, as `event.audit.<noun>.<verb>`: the changes of one turn of the event loop in one message. Gateways keep them. */
export class AuditTrail {
  readonly #publisher: StreamPublisher
  readonly #log: Logger
  #waiting = new Map<string, string[]>()

  constructor({ publisher, log }: { readonly publisher: StreamPublisher; readonly log: Logger }) {
    this.#publisher = publisher
    this.#log = log
  }

  record(namespace: string, entry: AuditEntry): void {
    const [noun = '', verb = ''] = entry.action.split('.')
    const subject = subjects.event(namespace, 'audit', noun, verb)
    if (this.#waiting.size === 0) setImmediate(() => this.flush())
    const entries = this.#waiting.get(subject) ?? []
    entries.push(JSON.stringify(entry))
    this.#waiting.set(subject, entries)
  }

  flush(): void {
    const waiting = this.#waiting
    this.#waiting = new Map()
    for (const [subject, entries] of waiting) for (const part of partsOf(entries)) this.#publish(subject, part)
  }

  #publish(subject: string, entries: readonly string[]): void {
    publishUntilTaken(this.#publisher, { subject, body: `{"entries":[${entries.join()}]}` }, (refusal) => {
      if (refusal)
        this.#log.error({ evt: 'audit.refused', subject, entries, refusal: refusal.message }, 'entries of the audit log were not stored')
    })
  }
}

function partsOf(entries: readonly string[]): string[][] {
  const parts: string[][] = []
  let letters = Number.POSITIVE_INFINITY
  for (const entry of entries) {
    letters += entry.length
    if (letters > MOST_LETTERS || (parts.at(-1)?.length ?? 0) >= MOST) {
      parts.push([])
      letters = entry.length
    }
    parts.at(-1)?.push(entry)
  }
  return parts
}
