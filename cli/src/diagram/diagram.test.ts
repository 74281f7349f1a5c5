import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Graph, graphOf, type TreeNode, type WorkflowNode } from '@carillon/contracts'
import { drawingOf, drawingOfRun } from './drawing.ts'
import { layOut } from './layout.ts'
import { svgOf } from './svg.ts'

const NODES: readonly WorkflowNode[] = [
  { id: 'reserve', handler: 'reserve-stock' },
  { id: 'check', decision: [{ when: 'payload.name != "<b>&\u0000\ud800"', to: 'cool' }, { otherwise: 'charge' }], after: 'reserve' },
  { id: 'cool', wait: { durationMs: 90_000 }, disabled: true },
  { id: 'charge', handler: 'charge-card', after: ['check', 'cool'] },
]
const graph = (nodes: readonly WorkflowNode[]) => graphOf({ nodes: [...nodes] }) as Graph
const draw = async (nodes: readonly WorkflowNode[]) => svgOf('order', await layOut(drawingOf('order', graph(nodes))))

test('the same graph is the same picture, in whichever order its nodes are written', async () => {
  const first = await draw(NODES)
  assert.equal(await draw(NODES), first)
  assert.equal(await draw(NODES.toReversed()), first)
  for (const { id } of NODES) assert.match(first, new RegExp(`>${id}</text>`))
  assert.match(first, />1 min 30 s<\/text>/)
  assert.match(first, />otherwise<\/text>/)
  assert.equal(first.match(/marker-end/g)?.length, 4)
})

test('a request is shown by its method and its URL', async () => {
  const http = { url: `'https://example.org/' + payload.id${' + payload.more'.repeat(10)}`, method: 'PUT' } as const
  assert.match(await draw([{ id: 'call', http, compensate: 'refund' }]), />PUT &#39;https:\/\/example\.org\/&#39; \+ payload\.id…<\/text>/)
})

test('no text is markup, nothing is a script, nothing refers outside', async () => {
  const svg = await draw([...NODES, { id: 'evil', handler: 'x', after: 'charge' }])
  assert.match(svg, /payload\.name != &quot;&lt;b&gt;&amp;\ufffd\ufffd&quot;/)
  assert.doesNotMatch(svg, /<script|href|<b>|javascript:|url\((?!#tip)/)
  assert.deepEqual(svg.match(/https?:[^"]*/g), ['http://www.w3.org/2000/svg'])
})

test('where the library takes too long, nodes are in plain layers, and the process goes on', async () => {
  const drawing = drawingOf('order', graph(NODES))
  const layout = await layOut(drawing, 0)
  assert.equal(layout.by, 'layers')
  assert.equal((await layOut(drawing)).by, 'elk')
  const at = (id: string) => layout.nodes.find(({ node }) => node.id === id)?.y ?? 0
  assert.ok(at('reserve') < at('check') && at('check') < at('cool') && at('cool') < at('charge'))
  assert.equal(svgOf('order', layout), svgOf('order', await layOut(drawing, 0)))
  const chain = Array.from(
    { length: 1_000 },
    (_, i): WorkflowNode => ({ id: `n${i}`, handler: 'x', ...(i > 0 ? { after: `n${i - 1}` } : {}) }),
  )
  assert.equal(svgOf('chain', await layOut(drawingOf('chain', graph(chain)), 0)).match(/<g>/g)?.length, 1_000)
})

test('a run has colours, and the branch that was not taken is dashed', async () => {
  const nodes: readonly TreeNode[] = [
    { id: 'reserve', kind: 'handler', after: [], state: 'succeeded' },
    { id: 'check', kind: 'decision', after: ['reserve'], state: 'succeeded', took: ['charge'] },
    { id: 'cool', kind: 'wait', after: ['check'], when: { check: 'payload.total > 5' }, state: 'not_needed' },
    { id: 'charge', kind: 'handler', after: ['check', 'cool'], when: { check: 'otherwise' }, state: 'failed' },
    { id: 'toString', kind: 'handler', after: ['charge'], when: {}, state: 'blocked' },
  ]
  const svg = svgOf('order', await layOut(drawingOfRun('order', nodes)))
  assert.equal(svg.match(/stroke-dasharray/g)?.length, 2)
  for (const state of ['succeeded', 'not needed', 'failed', 'blocked']) assert.match(svg, new RegExp(`>${state}</text>`))
  assert.match(svg, /#fbdada/)
})
