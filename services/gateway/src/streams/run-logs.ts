import {
  isEnded,
  LIMITS,
  type LogView,
  messageOf,
  type Page,
  parseBody,
  parseInput,
  queryLogsSchema,
  type RunEndedEvent,
  type RunView,
  runEndedSchema,
  subjects,
} from '@carillon/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { principalOf, type Reply } from '../http/http-controller.ts'
import { PacedStream } from './paced-stream.ts'
import { readStored } from './read-stored.ts'
import { eventId, frameOf, seqOf } from './rules/frame.ts'
import { acceptsLine, attemptOf, type LineFilter, type LinesOfAttempt, linesOfPage } from './rules/log-lines.ts'
import { SeenLines } from './rules/seen-lines.ts'
import { logBody } from './rules/topic-message.ts'
import { checkTopicRights, topicOf } from './rules/topics.ts'
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
import type { StoredMessage, StoredStream, StreamState } from './stored-stream.ts'

/** Of the call, what filters lines. A reader continues by `Last-Event-ID`, not by the cursor of a list. */
const followLogsQuery = queryLogsSchema.pick({ taskId: true, level: true, text: true }).extend({ follow: z.literal('true') })

/** An executor ships lines after at most 200 ms; the rest is their way, and that of the end of the run. */
const QUIET_MS = 1_000
/** After this nothing is late any more, whatever the clocks of two machines differ by. */
const LONG_OVER_MS = 60_000

/** The time of a run is that of a coordinator, the time of the stream that of the broker. */
const CLOCKS_DIFFER_MS = 60_000

export interface RunLogsOptions extends RunStreamsOptions {
  readonly stored: StoredStream
}

/**
 * The lines of a run as server-sent events, until its end: what is kept, then each line when the broker has it. Lines are read from stream LOGS by sequence, so none is missed
 * and any gateway continues behind the id of any other.
 */
export class RunLogs {
  readonly #options: RunLogsOptions

  constructor(options: RunLogsOptions) {
    this.#options = options
  }

  /** @throws CarillonError FORBIDDEN, RUN_NOT_FOUND, RUN_REMOVED, INVALID_REQUEST, TOO_MANY_STREAMS, NATS_UNAVAILABLE, NO_SERVICE, CALL_TIMEOUT */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<Reply | undefined> {
    const { namespace, runId } = runOfPath(request)
    const { follow: _follow, ...filter } = parseInput(followLogsQuery, request.query, 'query')
    const reader = principalOf(request)
    checkTopicRights(reader, namespace, [topicOf(`logs:${runId}`)])
    const reading = new LogReading({
      ...{ ...this.#options, namespace, runId, filter },
      asker: askerOf(request),
      lastId: request.headers['last-event-id'],
    })
    return openReading(this.#options, { request, reply, namespace, reading, hasSeenAll: (run) => hasSeenEnd(request, run) })
  }
}

interface LogReadingOptions extends RunLogsOptions, RunToRead {
  readonly filter: LineFilter
  /** Of the last event that the client has. */
  readonly lastId: unknown
}

type EndOfRun = Pick<RunView, 'state' | 'attempt'> & Pick<Partial<RunEndedEvent>, 'logLines'>

interface FirstRead {
  readonly run: RunView
  readonly state: StreamState
}

class LogReading implements Reading<FirstRead> {
  readonly paced: PacedStream
  readonly #options: LogReadingOptions
  readonly #stops: readonly (() => void)[]
  readonly #seen = new SeenLines()
  #end: EndOfRun | undefined
  /** On the monotonic clock: the run has ended, or its newest line came. */
  #newsAt = 0
  #isLongOver = false

  constructor(options: LogReadingOptions) {
    const { namespace, runId, subjects: shared, clock } = options
    this.#options = options
    this.paced = new PacedStream(clock)
    this.#stops = [
      shared.follow(subjects.log(namespace, runId), () => this.paced.hint()),
      shared.follow(subjects.event(namespace, 'run', runId, '*'), (_subject, bytes) => this.#ended(bytes)),
      shared.onGap(() => this.paced.gap()),
    ]
  }

  ready(): void {
    this.paced.ready()
  }

  closed(): void {
    for (const stop of this.#stops) stop()
    this.paced.closed()
  }

  async first(): Promise<FirstRead> {
    return { run: await readRun(this.#options), state: await this.#options.stored.state() }
  }

  async execute({ run, state }: FirstRead): Promise<void> {
    const { namespace, runId, clock, lastId } = this.#options
    this.#newsAt = clock.monotonic()
    if (isEnded(run.state)) {
      this.#end ??= run
      this.#isLongOver = clock.now() - Date.parse(run.endedAt ?? '') > LONG_OVER_MS
    }
    const given = seqOf(lastId, state.epoch)
    const position = given ?? 0
    // Older lines than the stream has are with the logger; it keeps lines of days.
    const isWhole = given === undefined ? Date.parse(run.createdAt) - CLOCKS_DIFFER_MS >= state.wholeSince : given >= state.firstSeq - 1
    if (!isWhole) await this.#sendKept()
    await readStored(
      { ...this.#options, paced: this.paced, state, position, subject: subjects.log(namespace, runId) },
      { take: (messages, { epoch }) => this.#take(messages, epoch), replaced: () => this.#sendKept() },
    )
  }

  /** What the logger keeps and was not sent yet. */
  async #sendKept(): Promise<void> {
    const { mesh, namespace, runId, asker, filter } = this.#options
    let cursor: string | undefined
    do {
      const input = { runId, limit: LIMITS.pageSize, ...filter, ...(cursor === undefined ? {} : { cursor }) }
      const page = (await mesh.call({ name: 'logsQuery', namespace, input, ...asker })) as Page<LogView>
      for (const lines of linesOfPage(page.items)) if (!(await this.#send(lines, undefined))) return
      cursor = page.next
    } while (cursor !== undefined)
  }

  async #take(messages: readonly StoredMessage[], epoch: string): Promise<void> {
    for (const { seq, data } of messages) {
      const lines = this.#read(data)
      if (lines && !(await this.#send(lines, eventId(epoch, seq)))) return
    }
    const now = this.#options.clock.monotonic()
    if (messages.length > 0) this.#newsAt = now
    else if (this.#end && (this.#isLongOver || this.#hasAllLines(this.#end) || now - this.#newsAt >= QUIET_MS))
      this.paced.end(endOfRunFrame(this.#end))
    else if (this.#end) this.#lookAgain(this.#newsAt + QUIET_MS - now)
  }

  /** Sends the lines that pass the filter and were not sent before. @returns false: nobody reads any more */
  async #send({ lines, ...of }: LinesOfAttempt, id: string | undefined): Promise<boolean> {
    const attempt = attemptOf(of)
    const fresh = lines.filter(({ seq }) => this.#seen.add(attempt, seq))
    const shown = fresh.filter((line) => acceptsLine(this.#options.filter, of, line))
    // Lines were lost before the first one.
    const isComplete = of.dropped === undefined || (lines.length > 0 && fresh[0] !== lines[0])
    if (shown.length === 0 && isComplete) return !this.paced.isClosed
    const { dropped, ...named } = of
    return this.paced.send(frameOf({ id, event: 'log', data: { ...named, ...(isComplete ? {} : { dropped }), lines: shown } }))
  }

  #read(data: Uint8Array): LinesOfAttempt | undefined {
    try {
      return logBody(data)
    } catch (error) {
      // The logger rejects it with an event.
      this.#options.log.debug({ evt: 'stream.unreadable', error: messageOf(error) }, 'a message cannot be shown')
      return undefined
    }
  }

  #ended(bytes: Uint8Array): void {
    const event = runEndedSchema.safeParse(parseBody(bytes))
    if (!event.success) return
    this.#end = event.data
    this.#newsAt = this.#options.clock.monotonic()
    this.paced.hint()
  }

  /** Whether there is no line that was not sent; not known of a run of several attempts or tasks: their lines may be as late. */
  #hasAllLines({ attempt, logLines }: EndOfRun): boolean {
    const { runId } = this.#options
    return attempt === 1 && logLines !== undefined && this.#seen.settledUpTo(attemptOf({ taskId: runId, attempt })) >= logLines
  }

  #lookAgain(afterMs: number): void {
    this.#options.clock.after(Math.max(afterMs, 1), () => this.paced.hint())
  }
}
