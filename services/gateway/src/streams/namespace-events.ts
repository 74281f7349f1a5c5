import { checkName, messageOf, parseInput, ROLES, SUBJECT_ROOT } from '@carillon/contracts'
import type { Clock, Logger } from '@carillon/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { type Principal, principalOf } from '../http/http-controller.ts'
import type { OpenStreams } from './open-streams.ts'
import { PacedStream } from './paced-stream.ts'
import { readStored } from './read-stored.ts'
import { endFrame, eventId, frameOf, seqOf } from './rules/frame.ts'
import { meshMessage } from './rules/mesh-message.ts'
import type { SharedSubjects } from './shared-subjects.ts'
import type { StoredStream, StreamState } from './stored-stream.ts'
import { resyncFrame } from './topic-reader.ts'

export const eventsQuery = z.strictObject({
  /** Also what is not stored: the steps of runs between their start and their end, and other live signals. */
  live: z.enum(['true', 'false']).default('false'),
})

export interface EventsOptions {
  readonly streams: OpenStreams
  readonly subjects: SharedSubjects
  readonly stored: StoredStream
  readonly clock: Clock
  readonly log: Logger
}

interface Reading {
  readonly namespace: string
  readonly paced: PacedStream
  readonly seesPayloads: boolean
  readonly seesAudit: boolean
}

/** Every stored event of a namespace, in the order of the broker: any gateway continues behind the id of any other. */
export class NamespaceEvents {
  readonly #options: EventsOptions

  constructor(options: EventsOptions) {
    this.#options = options
  }

  /** @throws CarillonError INVALID_REQUEST, TOO_MANY_STREAMS, NATS_UNAVAILABLE */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<undefined> {
    const { streams, subjects, stored, clock } = this.#options
    const namespace = checkName('namespace', (request.params as { namespace: string }).namespace)
    const { live } = parseInput(eventsQuery, request.query, 'query')
    const reader = principalOf(request)
    const paced = new PacedStream(clock)
    const missed = { count: 0 }
    const reading = { namespace, paced, seesPayloads: reader.seesPayloads(namespace), seesAudit: isAdmin(reader, namespace) }
    const stops = [subjects.follow(`${SUBJECT_ROOT}.${namespace}.event.>`, () => paced.hint()), subjects.onGap(() => paced.gap())]
    // Before the flush: what happens after `hello` is sent.
    if (live === 'true')
      stops.push(
        subjects.follow(`${SUBJECT_ROOT}.${namespace}.live.>`, (subject, bytes) => {
          if (!paced.isReady) missed.count++
          else this.#sendLive(reading, subject, bytes)
        }),
      )
    const source = {
      ready: () => paced.ready(),
      closed: () => {
        for (const stop of stops) stop()
        paced.closed()
      },
    }
    try {
      await subjects.flush()
      const state = await stored.state()
      streams.admit(reader, request.ip)
      const { connection } = streams.open({ request, reply }, { reader, namespace, sourceOf: () => source })
      paced.begin(connection)
      missed.count = 0
      const position = await this.#hello(reading, state, request.headers['last-event-id'])
      this.#read(reading, { state, position, missed }).catch((error: unknown) => this.#fail(paced, error))
    } catch (error) {
      source.closed()
      throw error
    }
  }

  /** Says where the stream begins, and what cannot be had. @returns the sequence before its first event */
  async #hello({ paced }: Reading, state: StreamState, lastId: unknown): Promise<number> {
    const { epoch, lastSeq, firstSeq } = state
    const given = seqOf(lastId, epoch)
    const isKnown = given !== undefined && given <= lastSeq
    const position = isKnown ? given : lastSeq
    const cursor = eventId(epoch, position)
    await paced.send(frameOf({ id: cursor, event: 'hello', data: { cursor } }))
    if (lastId !== undefined && !isKnown) await paced.send(resyncFrame({ topics: ['events'], reason: 'unknown-cursor' }))
    if (isKnown && given < firstSeq - 1) await paced.send(resyncFrame({ topics: ['events'], reason: 'removed' }))
    return position
  }

  async #read(reading: Reading, from: { state: StreamState; position: number; missed: { count: number } }): Promise<void> {
    const { paced, namespace } = reading
    const { missed } = from
    const subject = `${SUBJECT_ROOT}.${namespace}.event.>`
    await readStored(
      { ...this.#options, paced, ...from, subject },
      {
        take: async (messages, { epoch }) => {
          for (const { seq, subject: of, data } of messages) {
            const frame = this.#frameOf(reading, { id: eventId(epoch, seq), subject: of, data })
            if (frame) await paced.send(frame)
          }
          if (missed.count > 0 && (await paced.send(resyncFrame({ topics: ['live'], reason: 'too-slow' })))) missed.count = 0
        },
        replaced: async () => {
          await paced.send(resyncFrame({ topics: ['events'], reason: 'unknown-cursor' }))
        },
      },
    )
  }

  #sendLive(reading: Reading, subject: string, data: Uint8Array): void {
    const frame = this.#frameOf(reading, { subject, data })
    if (frame) reading.paced.send(frame).catch((error: unknown) => this.#fail(reading.paced, error))
  }

  #frameOf(reading: Reading, message: { id?: string; subject: string; data: Uint8Array }): Buffer | undefined {
    try {
      const read = meshMessage(message.subject, message.data)
      if (read === undefined || (read.noun === 'audit' && !reading.seesAudit)) return undefined
      const { redacted, ...whole } = read
      const data = reading.seesPayloads || redacted === undefined ? whole : { ...whole, body: redacted }
      return frameOf({ id: message.id, event: 'change', data })
    } catch (error) {
      this.#options.log.debug({ evt: 'stream.unreadable', subject: message.subject, error: messageOf(error) }, 'a message cannot be shown')
      return undefined
    }
  }

  #fail(paced: PacedStream, error: unknown): void {
    this.#options.log.error({ evt: 'stream.failed', err: error }, 'a stream of events ends')
    paced.end(endFrame('failed'))
  }
}

const isAdmin = (reader: Principal, namespace: string) => reader.roleIn(namespace) === ROLES.at(-1)
