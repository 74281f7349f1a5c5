import { type AssignmentAnswer, type ClaimAnswer, HEADERS, type TaskClaim, type WorkMessage } from '@carillon/contracts'
import { FakeClock } from '@carillon/wire/testing'
import type { Msg } from '@nats-io/transport-node'
import type { Caller } from '../client/caller.ts'
import type { Link } from '../connection/link.ts'
import { Assignments } from '../executor/assignments.ts'
import type { Attempt } from '../executor/attempt.ts'
import type { OfferedHandler } from '../executor/handler.ts'
import { HeldTasks } from '../executor/held-task.ts'
import { Intake } from '../executor/intake.ts'
import { Isolation } from '../executor/isolation.ts'
import { Lane } from '../executor/lane.ts'
import type { TaskCalls } from '../executor/task-calls.ts'
import { plainTelemetry } from '../telemetry.ts'
import type { Warning } from '../warning.ts'

export interface Question {
  readonly input: TaskClaim
  readonly answer: (answer: ClaimAnswer) => void
}

const SESSION = 's1'

/** What an executor has to take tasks, with lanes that run them; what it says to the broker and to coordinators is kept. Every report is stored at once. */
export class IntakeFixture {
  readonly clock = new FakeClock()
  readonly held = new HeldTasks()
  readonly answers: [string, string][] = []
  readonly reports: { readonly type: string; readonly taskId: string }[] = []
  readonly questions: Question[] = []
  readonly warnings: Warning[] = []
  /** Attempts that have ended, and whose report is not confirmed: see `confirm`. */
  readonly ended: Attempt[] = []
  readonly lanes = new Map<string, Lane>()
  readonly intake: Intake
  readonly assignments: Assignments
  readonly #isolation = new Isolation(this.clock)
  readonly #capacity: number

  /** @param capacity slots that the handlers share; default: each has its own */
  constructor(handlers: readonly OfferedHandler[], capacity?: number) {
    const { clock, held, lanes } = this
    this.#capacity = capacity ?? handlers.reduce((sum, { concurrency }) => sum + concurrency, 0)
    const link = { publish: (subject: string, body: string) => void this.answers.push([subject, body]) } as unknown as Link
    const call = (_call: unknown, input: TaskClaim, { signal }: { signal: AbortSignal }) =>
      new Promise<ClaimAnswer>((answer, reject) => {
        this.questions.push({ input, answer })
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    const onWarning = (warning: Warning) => void this.warnings.push(warning)
    for (const handler of handlers) lanes.set(handler.name, this.#laneOf(handler))
    this.intake = new Intake({
      ...{ link, clock, held, lanes, onWarning, session: SESSION, instance: 'me' },
      caller: { call } as unknown as Caller,
      onDrain: () => undefined,
      onRegister: () => undefined,
      onCordon: () => undefined,
      report: (text, stored) => {
        this.reports.push(JSON.parse(text))
        stored()
      },
    })
    this.assignments = new Assignments({ link, clock, held, lanes, onWarning, session: SESSION, intake: this.intake })
  }

  /** What is answered to an assignment of these bodies; undefined: nothing. */
  assign(bodies: unknown, session = SESSION): AssignmentAnswer | undefined {
    const before = this.answers.length
    this.assignments.take(requestOf(bodies, session))
    const [, answer] = this.answers.splice(before)[0] ?? []
    return answer === undefined ? undefined : JSON.parse(answer)
  }

  offer(work: WorkMessage): unknown {
    const before = this.answers.length
    this.intake.takeOffer(requestOf(work, SESSION))
    const [, answer] = this.answers.splice(before)[0] ?? []
    return answer === undefined ? undefined : JSON.parse(answer)
  }

  /** Work from the queue. */
  pull(handler: string, work: WorkMessage, count = 1): void {
    const message = { ...requestOf(work, SESSION), reply: ackOf(work.taskId, count) }
    this.intake.takeWork(this.lanes.get(handler) as Lane, message as unknown as Msg)
  }

  /** The broker has the reports of all that has ended. */
  confirm(): void {
    for (const attempt of this.ended.splice(0)) {
      this.lanes.get(attempt.task.work.handler)?.confirmed(attempt)
      this.held.end(attempt.task)
      if (!attempt.task.isForAny) this.intake.offerDone(attempt.task)
    }
  }

  #laneOf(handler: OfferedHandler): Lane {
    const { clock } = this
    const all = (what: 'occupied' | 'reserved') => [...this.lanes.values()].reduce((sum, lane) => sum + lane[what], 0)
    return new Lane({
      ...{ handler, clock, isolation: this.#isolation, telemetry: plainTelemetry, calls: {} as TaskCalls },
      occupied: () => all('occupied'),
      freeCapacity: () => this.#capacity - all('occupied'),
      unreserved: () => this.#capacity - all('reserved'),
      isQuiet: () => true,
      isHung: () => false,
      announce: (_task, stored) => stored(),
      keep: (task) => this.intake.keep(task),
      release: (task) => this.intake.release(task),
      observer: {
        onBegin: ({ task }) => this.held.mark(task, 'begun'),
        onProgress: () => undefined,
        onLog: () => undefined,
        onUnstuck: () => undefined,
        onEnd: (attempt) => {
          this.ended.push(attempt)
          const lane = this.lanes.get(attempt.task.work.handler) as Lane
          lane.unconfirmed++
        },
      },
    })
  }
}

export const ackOf = (taskId: string, delivered: number, sequence = 1) => `$JS.ACK.WORK.default~h.${delivered}.${sequence}.1.${taskId}.0`

/** @param body text of a body that is no JSON, or what is in it */
function requestOf(body: unknown, session: string): Msg {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const read: Partial<Msg> = {
    subject: 'carillon.default.direct.me',
    reply: 'inbox',
    data: Buffer.from(text),
    headers: { get: (name: string) => (name === HEADERS.session ? session : '') } as unknown as Msg['headers'] & object,
    json: <Body>() => JSON.parse(text) as Body,
  }
  return read as Msg
}
