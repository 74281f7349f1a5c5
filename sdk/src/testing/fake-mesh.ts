import {
  type AssignmentAnswer,
  type ClaimAnswer,
  HEADERS,
  isEnded,
  type LogMessage,
  PROTOCOL_VERSION,
  type Priority,
  parseSubject,
  type Registered,
  type Registration,
  type Report,
  type RunState,
  STREAMS,
  type StreamName,
  subjects,
  TIMES,
  type WorkMessage,
  workConsumer,
  workFilter,
} from '@carillon/contracts'
import { eventually } from '@carillon/wire/testing'
import { type ConsumerMessages, type JetStreamManager, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, type Msg, type NatsConnection } from '@nats-io/transport-node'

type StartRequest = { job?: string; handler?: string; id?: string; key?: string; payload?: unknown; timeoutMs?: number }
type Answer = (input: never, message: Msg) => unknown

const NAMESPACE = 'default'
const NANOSECONDS = 1_000_000

/** A minimal registry and coordinator: answers calls, publishes work, collects reports. It retries and stores nothing. */
export class FakeMesh {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  /** Handlers with queues of every priority. */
  readonly prioritized = new Set<string>()
  readonly registrations: Registration[] = []
  readonly left: string[] = []
  readonly claims: { taskId: string; attempt: number }[] = []
  readonly reports: Report[] = []
  readonly runs = new Map<string, { state: string; result?: unknown; failure?: unknown; reason?: string; message?: string }>()
  /** How often runs.start was called, and with how many runs. */
  readonly startSizes: number[] = []
  claimAnswer: (claim: { taskId: string; attempt: number }) => ClaimAnswer = ({ attempt }) => ({ run: true, attempt })
  onReport: (report: Report) => void = () => undefined
  readonly answers: Record<string, Answer>
  #consumption: ConsumerMessages | undefined
  #nextId = 0

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.connection = connection
    this.manager = manager
    this.answers = {
      'instances.register': (registration: Registration) => this.#register(registration),
      'instances.leave': ({ instance }: { instance: string }) => {
        this.left.push(instance)
        return { left: true }
      },
      'tasks.claim': (claim: { taskId: string; attempt: number }) => {
        this.claims.push(claim)
        return this.claimAnswer(claim)
      },
      'runs.start': ({ runs }: { runs: StartRequest[] }) => this.#startRuns(runs),
      'runs.ended': ({ runIds }: { runIds: string[] }) => ({ runs: runIds.map((runId) => this.#endOf(runId)) }),
      'runs.get': ({ runId }: { runId: string }) => {
        const run = this.runs.get(runId)
        return run ? { runId, ...run } : noRun(runId)
      },
    }
  }

  static async start(url: string): Promise<FakeMesh> {
    const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50, reconnectJitter: 20 })
    const mesh = new FakeMesh(connection, await jetstreamManager(connection))
    await mesh.createStreams()
    connection.subscribe(`carillon.${NAMESPACE}.api.*.*`, { callback: (_error, message) => void mesh.#serve(message) })
    await mesh.collectReports()
    return mesh
  }

  async createStreams(): Promise<void> {
    for (const name of ['WORK', 'REPORTS', 'LOGS', 'EVENTS'] as const satisfies StreamName[]) {
      const { subjects: of, retention, discard, onePerSubject } = STREAMS[name]
      const perSubject = onePerSubject ? { max_msgs_per_subject: 1, discard_new_per_subject: true } : {}
      await this.manager.streams.add({ name, subjects: [...of], retention, discard, ...perSubject })
    }
  }

  async collectReports(): Promise<void> {
    await this.#consumption?.close()
    await this.manager.consumers.add('REPORTS', { durable_name: 'coordinators', ack_policy: 'explicit', max_ack_pending: 50_000 })
    const consumer = await jetstream(this.connection).consumers.get('REPORTS', 'coordinators')
    this.#consumption = await consumer.consume({
      max_messages: 500,
      expires: 2_000,
      callback: (message) => {
        const body = message.json<Report | Report[]>()
        for (const report of Array.isArray(body) ? body : [body]) this.#apply(report)
        message.ack()
      },
    })
  }

  finished(taskId?: string): Extract<Report, { type: 'finished' }>[] {
    const all = this.reports.filter((report) => report.type === 'finished')
    return taskId === undefined ? all : all.filter((report) => report.taskId === taskId)
  }

  /** What was reported of one kind, once everything that is stored has been read. */
  async reported(type: Report['type']): Promise<Report[]> {
    await eventually('every report is read', async () => {
      const { num_pending, num_ack_pending } = await this.manager.consumers.info('REPORTS', 'coordinators')
      return num_pending + num_ack_pending === 0
    })
    return this.reports.filter((report) => report.type === type)
  }

  /** Publish work, once per task id and attempt. @returns the task ids */
  async work(
    handler: string,
    payloads: readonly unknown[],
    { priority, ...more }: Partial<WorkMessage> & { priority?: Priority } = {},
  ): Promise<string[]> {
    const js = jetstream(this.connection)
    const publish = async (payload: unknown) => {
      const taskId = more.taskId ?? `run0000000000-${this.#nextId++}`
      const message: WorkMessage = { runId: taskId, taskId, handler, attempt: 1, payload, ...more }
      await js.publish(subjects.work(NAMESPACE, handler, taskId, priority), JSON.stringify(message), {
        msgID: `${taskId}#${message.attempt}`,
      })
      return taskId
    }
    return Promise.all(payloads.map(publish))
  }

  /** Assign tasks to an instance, in one request. */
  async assign(instance: string, works: readonly WorkMessage[]): Promise<AssignmentAnswer> {
    const to = headers()
    to.set(HEADERS.session, this.registrations.findLast((one) => one.instance === instance)?.session ?? '')
    const request = this.connection.request(subjects.direct(NAMESPACE, instance), JSON.stringify(works), {
      timeout: 5_000,
      headers: to,
    })
    return (await request).json()
  }

  /** Take messages by hand, as another executor would. */
  async take(consumer: string, count: number): Promise<JsMsg[]> {
    const messages: JsMsg[] = []
    const batch = await (await jetstream(this.connection).consumers.get('WORK', consumer)).fetch({
      max_messages: count,
      expires: 2_000,
    })
    for await (const message of batch) messages.push(message)
    return messages
  }

  /** Messages of the stored lines of a run. */
  async logLines(runId: string): Promise<string[]> {
    const consumer = await jetstream(this.connection).consumers.get('LOGS', {
      filter_subjects: [subjects.log(NAMESPACE, runId)],
    })
    const { num_pending: count } = await consumer.info()
    const lines: string[] = []
    for (let i = 0; i < count; i++) {
      const message = await consumer.next({ expires: 1_000 })
      for (const line of message?.json<LogMessage>().lines ?? []) lines.push(line.message)
    }
    return lines
  }

  async createConsumer(handler: string, priority?: Priority): Promise<void> {
    await this.manager.consumers.add('WORK', {
      durable_name: workConsumer(NAMESPACE, handler, priority),
      filter_subject: workFilter(NAMESPACE, handler, priority),
      ack_policy: 'explicit',
      ack_wait: TIMES.ackWaitMs * NANOSECONDS,
      max_deliver: -1,
      max_ack_pending: 50_000,
    })
  }

  async stop(): Promise<void> {
    await this.connection.close()
  }

  async #serve(message: Msg): Promise<void> {
    const [noun, verb] = parseSubject(message.subject)?.rest ?? []
    const answer = this.answers[`${noun}.${verb}`]
    if (!answer) return
    try {
      const output = await answer(message.json() as never, message)
      if (output !== undefined) message.respond(JSON.stringify(output))
    } catch (error) {
      message.respond(JSON.stringify({ error: { code: 'STORE_UNAVAILABLE', message: String(error) } }))
    }
  }

  async #register(registration: Registration) {
    this.registrations.push(registration)
    const consumers: Record<string, Registered['consumers'][string]> = {}
    for (const { name } of registration.handlers) {
      const others = this.prioritized.has(name) ? (['high', 'low'] as const) : []
      for (const priority of ['normal' as const, ...others]) await this.createConsumer(name, priority)
      const more = Object.fromEntries(others.map((priority) => [priority, workConsumer(NAMESPACE, name, priority)]))
      consumers[name] = { stream: 'WORK', consumer: workConsumer(NAMESPACE, name), ...more }
    }
    return { protocol: PROTOCOL_VERSION, consumers, claimUpTo: 0, beatMs: TIMES.beatMs, lostAfterMs: TIMES.lostAfterMs }
  }

  async #startRuns(requests: StartRequest[]) {
    this.startSizes.push(requests.length)
    const start = async ({ job, handler = job ?? '', id, key, payload, timeoutMs }: StartRequest) => {
      const runId = id ?? `k${String(key).replaceAll(/[^a-z0-9]/g, '')}000000000000000`
      if (handler === 'refused') return { error: { code: 'KEY_CONFLICT', message: 'as asked for' } }
      if (this.runs.has(runId)) return { runId, created: false }
      this.runs.set(runId, { state: 'queued' })
      await this.work(handler, [payload], { runId, taskId: runId, ...(timeoutMs !== undefined && { timeoutMs }) })
      return { runId, created: true }
    }
    return { runs: await Promise.all(requests.map(start)) }
  }

  #endOf(runId: string): object {
    const run = this.runs.get(runId)
    if (!run) return noRun(runId)
    return isEnded(run.state as RunState) ? { runId, at: new Date().toISOString(), ...run } : { runId, state: run.state }
  }

  #apply(report: Report): void {
    this.reports.push(report)
    this.onReport(report)
    const run = this.runs.get(report.runId)
    if (!run || report.type !== 'finished' || report.taskId !== report.runId) return
    const reason = report.outcome === 'succeeded' ? 'completed' : (report.reason ?? 'handler-error')
    Object.assign(run, { state: report.outcome, result: report.result, failure: report.error, reason })
    const { runId, outcome: state, result, error: failure } = report
    const body = JSON.stringify({ runId, handler: '', state, reason, attempt: report.attempt, at: report.endedAt, result, failure })
    this.connection.publish(subjects.event(NAMESPACE, 'run', runId, state), body)
  }
}

const noRun = (runId: string) => ({ error: { code: 'RUN_NOT_FOUND', message: `There is no run ${runId}` } })
