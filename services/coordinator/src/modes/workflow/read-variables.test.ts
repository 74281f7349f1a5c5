import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, LIMITS } from '@carillon/contracts'
import type { Store, TaskHead, TaskRecord } from '@carillon/store'
import { createTestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'
import { VariablesReader } from './read-variables.ts'

const MANY = 900
const nodes = Array.from({ length: MANY }, (_, i) => ({ id: `n${i}`, handler: 'h' }))
const edges = nodes.map(() => [])
const graph = { nodes, failFast: false, edges: [], into: edges, outOf: edges, order: [...nodes.keys()] }
const all = { named: [...nodes.keys()], before: new Set<number>() }

/** Tasks of that many nodes, each with such a result, and how they were read. */
function readerOf({ result, contextBytes = null }: { result: string; contextBytes?: number | null }) {
  const tasks = new Map(nodes.map((_, place) => [place, { id: `t-${place}`, state: 'succeeded', contextBytes } as TaskHead]))
  const reads: number[] = []
  const get = async (ids: readonly string[]) => {
    reads.push(ids.length)
    return ids.map(() => ({ state: 'succeeded', result, context: null, endedAt: 1, item: null }) as TaskRecord)
  }
  const input = { graph, workflow: { nodes }, payload: 'null', context: {} } as never
  return { reads, reader: new VariablesReader({ tasks: { get } } as unknown as Store, input, tasks) }
}

const isRefused = (code: string, message: RegExp) => (error: unknown) =>
  CarillonError.is(error) && error.code === code && message.test(error.message)

test('small results of all nodes are read in a few requests', async () => {
  const { reader, reads } = readerOf({ result: '{"ok":true}' })
  const { nodes: read } = await reader.variablesOf(all)
  assert.equal(Object.keys(read).length, MANY)
  assert.ok(reads.length <= 8, String(reads))
})

test('results that are too large together are refused, and not read to their end', async () => {
  const { reader, reads } = readerOf({ result: JSON.stringify('x'.repeat(LIMITS.resultBytes - 2)) })
  await assert.rejects(
    reader.variablesOf(all),
    isRefused('EXPRESSION_FAILED', /^the results of the 900 nodes that its expressions read have more than /),
  )
  const count = reads.reduce((sum, read) => sum + read, 0)
  assert.ok(count <= LIMITS.nodeReadBytes / LIMITS.resultBytes + 16, `${count} were read`)
  assert.equal(reader.isFull, true)
})

test('a context that was set too often is refused before it is read', async () => {
  const { reader, reads } = readerOf({ result: 'null', contextBytes: LIMITS.contextBytes })
  const read = { named: [], before: new Set(nodes.keys()) }
  await assert.rejects(reader.variablesOf(read), isRefused('CONTEXT_TOO_LARGE', /^900 nodes have set 235,929,600 bytes of context in all/))
  assert.deepEqual(reads, [])
})

test('nodes that read much start one after another, and each of them starts', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const large = Array.from({ length: 36 }, (_, i) => `l${i}`)
  const readers = Array.from({ length: 6 }, (_, i) => `r${i}`)
  const run = await WorkflowRun.start(coordinator, {
    nodes: [
      ...large.map((id) => ({ id, handler: 'large' })),
      ...readers.map((id) => ({ id, handler: 'read', after: large, payload: 'size(nodes)' })),
    ],
  })
  for (const id of large) await run.ends(id, { result: 'x'.repeat(LIMITS.resultBytes - 2) })
  for (const _ of readers) await turns()
  assert.equal((await run.states()).match(/r\d:queued/g)?.length, readers.length)
})

test('nodes with large payloads are not all made at once, and each of them starts', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { tasks } = coordinator.store
  const insert = tasks.insert.bind(tasks)
  const sizes: number[] = []
  tasks.insert = (records) => {
    sizes.push(records.reduce((sum, { item }) => sum + (item?.length ?? 0), 0))
    return insert(records)
  }
  const ids = Array.from({ length: 80 }, (_, i) => `n${i}`)
  const run = await WorkflowRun.start(
    coordinator,
    { nodes: ids.map((id) => ({ id, handler: 'h', payload: '[payload]' })) },
    'x'.repeat(400_000),
  )
  for (let i = 0; i < 5; i++) await turns()
  assert.equal((await run.states()).match(/:queued/g)?.length, ids.length)
  assert.ok(Math.max(...sizes) <= LIMITS.nodeReadBytes + LIMITS.payloadBytes, String(sizes))
})
