import assert from 'node:assert/strict'
import { CALLS, LIMITS, type RunView } from '@carillon/contracts'
import { CarillonError, type Client, type ConnectOptions, type Mesh, type MeshEvent, type TaskContext } from '@carillon/sdk'
import { freshNamespace, type TestMesh } from './mesh.ts'

export type Handlers = Readonly<Record<string, (context: TaskContext<never>) => unknown>>

export interface Offered {
  readonly client: Client
  readonly instance: string
  readonly namespace: string
  readonly executor: Mesh
}

/** An executor with these handlers in a namespace of its own. */
export async function offering(
  mesh: Pick<TestMesh, 'connect'>,
  handlers: Handlers,
  { concurrency = 10, namespace = freshNamespace(), ...rest }: { concurrency?: number; namespace?: string } & Partial<ConnectOptions> = {},
): Promise<Offered> {
  const executor = await mesh.connect({ namespace, ...rest })
  for (const [name, handle] of Object.entries(handlers)) executor.handle(name, handle, { concurrency })
  await executor.start()
  return { client: executor.client, instance: executor.instance, namespace, executor }
}

/** The error that something is refused with. */
export async function refusal(promise: Promise<unknown>): Promise<CarillonError> {
  const error = await promise.then(
    (value) => assert.fail(`not refused: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(CarillonError.is(error), String(error))
  return error
}

/** Gathers what a tail gives. */
export function collect(tail: AsyncIterable<MeshEvent> & { stop(): void }) {
  const heard: MeshEvent[] = []
  void (async () => {
    for await (const event of tail) heard.push(event)
  })()
  const whatsOf = (name: string) => heard.filter((event) => event.name === name).map(({ what }) => what)
  return { heard, whatsOf, stop: () => tail.stop() }
}

/** The newest runs of the client's namespace, with payload and result: lists have neither. */
export async function wholeRuns(client: Client): Promise<RunView[]> {
  const { items } = await client.runs.list()
  return Promise.all(items.map(({ runId }) => client.runs.get(runId)))
}

/** A deadline for calls of which a test waits for the outcome, whatever else the machine does. */
export const PATIENTLY = { timeoutMs: 60_000 } as const

/** All runs of the client's namespace. */
export async function countRuns(client: Client): Promise<number> {
  let count = 0
  for (let cursor: string | undefined; ; ) {
    const page = await client.call(CALLS.runsList, { limit: LIMITS.pageSize, ...(cursor === undefined ? {} : { cursor }) }, PATIENTLY)
    count += page.items.length
    cursor = page.next
    if (cursor === undefined) return count
  }
}
