import {
  CALLS,
  type Call,
  CarillonError,
  MESSAGES,
  PROTOCOL_VERSION,
  parseInput,
  parseSubject,
  type Registration,
  subjects,
  TIMES,
  workConsumer,
} from '@carillon/contracts'
import { type Broker, headersOf } from '@carillon/runtime'
import type { Body, Kind } from './case.ts'
import { fits } from './match.ts'
import { Observed } from './observed.ts'
import { WorkQueue } from './work-queue.ts'

type Msg = Awaited<ReturnType<Broker['connection']['request']>>

const ASK_WITHIN_MS = 2_000

/** The default answers to calls. */
const ANSWERS: Readonly<Partial<Record<Kind, (input: Body) => Body>>> = {
  'tasks.map': ({ items }) => ({ created: (items as unknown[]).length }),
  'tasks.results': () => ({ items: [] }),
  'tasks.journal': () => ({ items: [] }),
  'instances.leave': () => ({ left: true }),
}

/** Plays registry and coordinator for one executor, and records what that sends. */
export class Driver {
  readonly observed = new Observed()
  readonly queue: WorkQueue
  readonly #broker: Broker
  readonly #namespace: string
  readonly #service: string
  readonly #answers: { kind: Kind; about: string; body: Body }[] = []
  #registration: Registration | undefined
  /** The answer to registrations until the gate is open. */
  #refusal: CarillonError | undefined = new CarillonError('NATS_UNAVAILABLE', 'not yet: register again')
  claimUpTo = 0
  /** Resolves when it pulls: it has read the answer to its registration. Offers that come before are left unanswered. */
  readonly pulls: Promise<void>
  #hasPulled: () => void = () => undefined

  constructor(options: { broker: Broker; namespace: string; service: string }) {
    this.#broker = options.broker
    this.#namespace = options.namespace
    this.#service = options.service
    this.queue = new WorkQueue(options.broker, options.namespace)
    this.pulls = new Promise((resolve) => {
      this.#hasPulled = resolve
    })
  }

  get registration(): Registration | undefined {
    return this.#registration
  }

  get offered(): readonly string[] {
    return this.#registration?.handlers.map(({ name }) => name) ?? []
  }

  start(): void {
    const { connection } = this.#broker
    connection.subscribe(`carillon.${this.#namespace}.>`, { callback: (_error, message) => this.#take(message) })
    connection.subscribe('$JS.API.CONSUMER.MSG.NEXT.WORK.>', { callback: () => this.#registration && this.#hasPulled() })
    connection.subscribe('$JS.ACK.WORK.>', {
      callback: (_error, message) => {
        this.#takeAck(message).catch((error: unknown) => this.#malformed(message.subject, error))
      },
    })
  }

  /** From now on registrations are accepted. */
  open(): void {
    this.#refusal = undefined
  }

  answerNext(kind: Kind, about: string, body: Body): void {
    this.#answers.push({ kind, about, body })
  }

  /**
   * Sends an offer, an assignment, a session request or a control message. An answer is an observation.
   * @param meantFor the session of the process that an offer or an assignment is for
   */
  async send(kind: 'offer' | 'assignment' | 'control' | 'session', body: Body, meantFor?: string): Promise<void> {
    const { instance = '', session = '' } = this.#registration ?? {}
    const { connection } = this.#broker
    if (kind === 'control') {
      connection.publish(subjects.control(this.#namespace, instance), JSON.stringify(body))
      return
    }
    const isDirect = kind !== 'session'
    const subject = isDirect ? subjects.direct(this.#namespace, instance) : subjects.session(this.#namespace, instance, session)
    const options = { timeout: ASK_WITHIN_MS, ...headersOf({ session: meantFor || undefined }) }
    const about = isDirect ? String(body['taskId']) : undefined
    await connection.request(subject, JSON.stringify(kind === 'assignment' ? [body] : body), options).then(
      (answer) => this.#note(isDirect ? `${kind}-answer` : 'alive', answer, about),
      // Silence is no observation: a case can expect an answer.
      () => undefined,
    )
  }

  #take(message: Msg): void {
    const { class: kind = '', rest = [] } = parseSubject(message.subject) ?? {}
    if (kind === 'api') this.#answer(message, rest.join('.') as Kind)
    else if (kind === 'report' || kind === 'log' || kind === 'beat') this.#note(kind, message, undefined)
  }

  /** Records a message; reports and log lines one by one. */
  #note(kind: 'report' | 'log' | 'beat' | 'offer-answer' | 'assignment-answer' | 'alive', message: Msg, about: string | undefined): void {
    try {
      const body = message.data.length === 0 ? {} : message.json<Body>()
      parseInput(MESSAGES[kind].schema, body, kind)
      for (const one of partsOf(kind, body)) {
        const of = about ?? (one['taskId'] as string | undefined)
        this.observed.add({ kind, body: one, about: of })
        if (kind === 'report' && (one['type'] === 'started' || one['type'] === 'progress')) this.#isStarted(one, of)
      }
    } catch (error) {
      this.#malformed(`${message.subject} ${message.string()}`, error)
    }
  }

  /** An executor may be quicker than the broker's publish acknowledgement with the sequence of its message. */
  async #takeAck(message: Msg): Promise<void> {
    // Noted at once where that is known: what arrives next is noted after it.
    let about = this.queue.taskOf(message.subject)
    if (about === undefined) {
      await this.queue.stored()
      about = this.queue.taskOf(message.subject)
    }
    if (about !== undefined) this.observed.add({ kind: 'ack', body: message.string() || '+ACK', about })
  }

  #answer(message: Msg, kind: Kind): void {
    const call = (Object.values(CALLS) as Call[]).find(({ noun, verb }) => `${noun}.${verb}` === kind)
    if (!call) return
    try {
      const body = message.json<Body>()
      const input = parseInput(call.input, body) as Body
      this.observed.add({ kind, body, about: body['taskId'] as string | undefined })
      message.respond(
        JSON.stringify(kind === 'instances.register' ? this.#register(input as unknown as Registration) : this.#reply(kind, input)),
      )
    } catch (error) {
      if (!CarillonError.is(error) || !error.retry) this.#malformed(`${kind} ${message.string()}`, error)
      message.respond(JSON.stringify({ error: CarillonError.from(error).toBody() }))
    }
  }

  #register(registration: Registration): Body {
    if (registration.service !== this.#service)
      throw new CarillonError('INVALID_REQUEST', `this is a test of the executor ${this.#service}`, {
        field: 'service',
        value: registration.service,
      })
    if (this.#refusal) throw this.#refusal
    this.#registration = registration
    const consumers = Object.fromEntries(
      registration.handlers.map(({ name }) => [name, { stream: 'WORK', consumer: workConsumer(this.#namespace, name) }]),
    )
    return { protocol: PROTOCOL_VERSION, consumers, claimUpTo: this.claimUpTo, beatMs: 1_000, lostAfterMs: TIMES.lostAfterMs }
  }

  #reply(kind: Kind, input: Body): Body {
    const planned = this.#answers.findIndex(({ kind: of, about }) => of === kind && String(input['taskId']).startsWith(about))
    const [answer] = planned < 0 ? [] : this.#answers.splice(planned, 1)
    const body = answer?.body ?? (kind === 'tasks.claim' ? this.#claimed(input) : (ANSWERS[kind]?.(input) ?? stored(input)))
    if (kind === 'tasks.claim' && body['run'] === true) this.#isStarted({ ...input, attempt: body['attempt'] }, String(input['taskId']))
    return body
  }

  /** What has ended is not wanted again. */
  #claimed({ taskId, attempt }: Body): Body {
    const isEnded = this.observed.all.some(({ kind, body }) => kind === 'report' && fits({ type: 'finished', taskId, attempt }, body))
    return isEnded ? { run: false, reason: 'the task has ended' } : { run: true, attempt }
  }

  #isStarted({ runId, taskId, attempt }: Body, about: string | undefined): void {
    this.observed.add({ kind: 'start', body: { runId, taskId, attempt }, about })
  }

  #malformed(text: string, error: unknown): void {
    const { message, details } = CarillonError.from(error)
    this.observed.malformed.push(`${text}: ${message}${details.hint ? ` (${details.hint})` : ''}`)
  }
}

/** The answer to a step. */
function stored({ index, name, outcome }: Body): Body {
  const { type, result } = outcome as { type: string; result?: unknown }
  return { stored: { index, name, state: type, tries: 1, failures: 0, result, at: new Date(0).toISOString() } }
}

function partsOf(kind: Kind, body: unknown): Body[] {
  if (kind !== 'log') return Array.isArray(body) ? body : [body as Body]
  const { lines, ...head } = body as { lines: Body[] }
  return lines.map((line) => ({ ...head, ...line }))
}
