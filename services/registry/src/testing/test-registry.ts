import type { TestContext } from 'node:test'
import { CALLS, type CallOutput, CarillonError, type ErrorBody, type InstanceView } from '@carillon/contracts'
import { headersOf, type Running } from '@carillon/runtime'
import { type BrokerOfTest, startBrokerOf } from '@carillon/runtime/testing'
import { startRegistry } from '../start-registry.ts'

type RegistryCall =
  | 'instancesRegister'
  | 'instancesLeave'
  | 'instancesList'
  | 'handlersList'
  | 'instancesCordon'
  | 'instancesUncordon'
  | 'instancesDrain'
  | 'registryHealth'

/** A broker with registries, and what a test needs to use them. */
export class TestMesh {
  readonly broker: BrokerOfTest
  readonly lostAfterMs: number
  /** Subjects and bodies of every event and control message. */
  readonly heard: { subject: string; body: Record<string, unknown> }[] = []
  readonly #beating = new Map<string, NodeJS.Timeout>()

  constructor(broker: BrokerOfTest, lostAfterMs: number) {
    this.broker = broker
    this.lostAfterMs = lostAfterMs
    for (const subject of ['carillon.*.event.>', 'carillon.*.control.*'])
      broker.connection.subscribe(subject, {
        callback: (_error, message) => void this.heard.push({ subject: message.subject, body: JSON.parse(message.string()) }),
      })
  }

  /** @throws CarillonError that the registry answered */
  async call<Name extends RegistryCall>(
    name: Name,
    input: unknown,
    { namespace = 'default', by }: { namespace?: string; by?: string } = {},
  ): Promise<CallOutput<(typeof CALLS)[Name]>> {
    const { noun, verb } = CALLS[name]
    const answer = await this.broker.connection.request(`carillon.${namespace}.api.${noun}.${verb}`, JSON.stringify(input), {
      timeout: 5_000,
      ...headersOf({ by }),
    })
    const body = answer.json<{ error?: ErrorBody }>()
    if (body.error) throw CarillonError.fromBody(body.error)
    return body as CallOutput<(typeof CALLS)[Name]>
  }

  register(instance: string, handlers: readonly string[] = [], more: { session?: string } = {}) {
    return this.call('instancesRegister', { instance, service: 'shop', handlers: handlers.map((name) => ({ name })), ...more })
  }

  /** Answers, like the process of that session, that it is alive. @returns its end */
  answerFor(instance: string, session: string): () => void {
    const subscription = this.broker.connection.subscribe(`carillon.default.session.${instance}.${session}`, {
      callback: (_error, message) => void message.respond('{"alive":true}'),
    })
    return () => subscription.unsubscribe()
  }

  async list(): Promise<readonly InstanceView[]> {
    return (await this.call('instancesList', {})).items
  }

  beat(instance: string, body = '{}'): void {
    this.broker.connection.publish(`carillon.default.beat.${instance}`, body)
  }

  /** Beats like an executor until the test ends. */
  keepBeating(instance: string): void {
    const timer = setInterval(() => this.beat(instance), this.lostAfterMs / 5)
    this.#beating.set(instance, timer)
  }

  stopBeating(instance: string): void {
    clearInterval(this.#beating.get(instance))
    this.#beating.delete(instance)
  }

  stopAllBeating(): void {
    for (const instance of [...this.#beating.keys()]) this.stopBeating(instance)
  }

  /** How many messages a subject had. */
  count(subject: string): number {
    return this.heard.filter((message) => message.subject === subject).length
  }
}

/** Starts a broker with so many registries. */
export async function startMesh(t: TestContext, registries = 1, lostAfterMs = 500): Promise<TestMesh> {
  const broker = await startBrokerOf(t)
  const mesh = new TestMesh(broker, lostAfterMs)
  broker.after(async () => mesh.stopAllBeating())
  for (let i = 0; i < registries; i++) await startTestRegistry(mesh)
  return mesh
}

export async function startTestRegistry(mesh: TestMesh, options: { handlerIdleMs?: number; hungAfterMs?: number } = {}): Promise<Running> {
  const { broker, lostAfterMs } = mesh
  const registry = await startRegistry({ nats: { servers: broker.server.url }, log: broker.log, lostAfterMs, ...options })
  mesh.broker.after(() => registry.stop())
  return registry
}
