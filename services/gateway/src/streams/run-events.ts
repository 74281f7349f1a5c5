import { CarillonError, isEnded, messageOf, parseInput, type RunView, subjects } from '@carillon/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { principalOf, type Reply } from '../http/http-controller.ts'
import { PacedStream } from './paced-stream.ts'
import { frameOf } from './rules/frame.ts'
import { type MeshMessage, meshMessage, withRedacted } from './rules/mesh-message.ts'
import {
  askerOf,
  endOfRunFrame,
  hasSeenEnd,
  openReading,
  type Reading,
  type RunStreamsOptions,
  type RunToRead,
  readRun,
  runOfPath,
} from './run-reading.ts'

export const runEventsQuery = z.strictObject({
  /** Go on after its end: it may be run again. */
  follow: z.enum(['true', 'false']).default('false'),
})

/** After a failed read. */
const AGAIN_MS = 1_000
const LONG_MS = 60_000

/** Messages that wait for a slow reader: beyond that, the run is read again instead. */
const WAITING = 500

/** What happens to one run: its state first, then each change, until its end. */
export class RunEvents {
  readonly #options: RunStreamsOptions

  constructor(options: RunStreamsOptions) {
    this.#options = options
  }

  /** @throws CarillonError RUN_NOT_FOUND, RUN_REMOVED, INVALID_REQUEST, TOO_MANY_STREAMS, NO_SERVICE, CALL_TIMEOUT */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<Reply | undefined> {
    const { namespace, runId } = runOfPath(request)
    const follow = parseInput(runEventsQuery, request.query, 'query').follow === 'true'
    const reader = principalOf(request)
    const reading = new RunReading({
      ...this.#options,
      namespace,
      runId,
      follow,
      seesPayloads: reader.seesPayloads(namespace),
      asker: askerOf(request),
    })
    return openReading(this.#options, { request, reply, namespace, reading, hasSeenAll: (run) => !follow && hasSeenEnd(request, run) })
  }
}

interface RunReadingOptions extends RunStreamsOptions, RunToRead {
  readonly follow: boolean
  readonly seesPayloads: boolean
}

class RunReading implements Reading<{ run: RunView }> {
  readonly paced: PacedStream
  readonly #options: RunReadingOptions
  readonly #stops: readonly (() => void)[]
  #waiting: MeshMessage[] = []
  /** Messages were missed: the run says what it is now. */
  #isOld = false

  constructor(options: RunReadingOptions) {
    const { namespace, runId, subjects: shared, clock } = options
    this.#options = options
    this.paced = new PacedStream(clock)
    const followed = [
      subjects.live(namespace, 'run', runId, '*'),
      subjects.live(namespace, 'task', runId, '*'),
      subjects.event(namespace, 'run', runId, '*'),
    ]
    this.#stops = [
      ...followed.map((subject) => shared.follow(subject, (of, bytes) => this.#take(of, bytes))),
      shared.onGap(() => this.#readAgain()),
    ]
  }

  ready(): void {
    this.paced.ready()
  }

  closed(): void {
    for (const stop of this.#stops) stop()
    this.paced.closed()
  }

  async first(): Promise<{ run: RunView }> {
    return { run: await readRun(this.#options) }
  }

  async execute({ run: first }: { run: RunView }): Promise<void> {
    if (!(await this.#say(stateOf(first)))) return
    while (!this.paced.isClosed) {
      const message = this.#waiting.shift()
      if (this.#isOld) {
        this.#isOld = false
        const run = await this.#runAgain()
        if (run && !(await this.#say(stateOf(run)))) return
      } else if (message === undefined) await this.paced.wait(LONG_MS)
      else if (!(await this.#say(message))) return
    }
  }

  /** @returns false: that was all */
  async #say(message: MeshMessage): Promise<boolean> {
    const { seesPayloads, follow } = this.#options
    const { redacted, ...whole } = message
    const data = seesPayloads || redacted === undefined ? whole : { ...whole, body: redacted }
    if (!(await this.paced.send(frameOf({ event: 'change', data })))) return false
    const { state, attempt } = message.body as Partial<RunView>
    if (follow || message.noun !== 'run' || state === undefined || !isEnded(state)) return true
    this.paced.end(endOfRunFrame({ state, attempt: attempt ?? 1 }))
    return false
  }

  /** A run that cannot be read now is read later. */
  async #runAgain(): Promise<RunView | undefined> {
    try {
      return await readRun(this.#options)
    } catch (error) {
      if (!CarillonError.from(error).retry) throw error
      this.#isOld = true
      await this.paced.wait(AGAIN_MS)
      return undefined
    }
  }

  #take(subject: string, bytes: Uint8Array): void {
    try {
      const message = meshMessage(subject, bytes)
      if (message) this.#waiting.push(message)
    } catch (error) {
      this.#options.log.debug({ evt: 'stream.unreadable', subject, error: messageOf(error) }, 'a message cannot be shown')
    }
    if (this.#waiting.length > WAITING) this.#readAgain()
    this.paced.hint()
  }

  #readAgain(): void {
    this.#waiting = []
    this.#isOld = true
    this.paced.hint()
  }
}

const stateOf = (run: RunView): MeshMessage => withRedacted({ noun: 'run', name: run.runId, what: 'state', body: run })
