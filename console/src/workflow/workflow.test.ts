import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TreeNode } from '@carillon/contracts'
import { checkDocument, nodeOfProblem } from './check.ts'
import { edgesOf, emptyDocument, type WorkflowDocument } from './document.ts'
import { type Drawing, drawingOf, drawingOfRun } from './drawing.ts'
import { addNode, connect, connectProblem, disconnect, duplicateNodes, moveNode, removeNodes, renameNode } from './edit.ts'
import { readWorkflowText, WorkflowFileError, writeWorkflowText } from './files.ts'
import { folded } from './groups.ts'
import { edited, historyOf, redone, undone } from './history.ts'
import { inLayers, knownLayout, layOut, roundedPath, routeKey } from './layout.ts'

const TEXT = `
name: order
attempts: 3
later: { kept: true }
nodes:
  - { id: reserve, handler: reserve-stock, timeout: 30s, note: mine }
  - id: check
    after: reserve
    decision:
      - { when: payload.total > 1000, to: cool }
      - { otherwise: charge }
  - { id: cool, wait: { duration: 1d } }
  - { id: charge, handler: charge-card, after: [check, cool] }
`
const ORDER = readWorkflowText(TEXT).document
const arrows = ({ workflow }: WorkflowDocument) =>
  edgesOf(workflow.nodes).map(({ from, to, when }) => [from, to, when ?? ''].join(' ').trim())
const node = ({ workflow }: WorkflowDocument, id: string) => workflow.nodes.find((one) => one.id === id)

describe('workflows', () => {
  test('a file is read as the command line reads it, and written so that it is read the same', () => {
    assert.deepEqual(arrows(ORDER).sort(), ['check charge otherwise', 'check cool payload.total > 1000', 'cool charge', 'reserve check'])
    assert.equal(node(ORDER, 'reserve')?.['timeoutMs'], 30_000)
    for (const format of ['yaml', 'json'] as const) assert.deepEqual(readWorkflowText(writeWorkflowText(ORDER, format)).document, ORDER)
    assert.deepEqual(readWorkflowText(JSON.stringify({ name: 'a', workflow: { nodes: [] } })).document, emptyDocument('a'))
  })

  test('what is no workflow is refused: several documents, lists, bombs, nodes without an id', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`).join()}]`)
      .join('\n')}`
    for (const text of ['', '[1]', 'a: 1\n---\nb: 2', '{', 'name: a', 'nodes: [1]', 'x'.repeat(4_000_001)])
      assert.throws(() => readWorkflowText(text), WorkflowFileError, text.slice(0, 20))
    assert.throws(() => readWorkflowText(bomb))
  })

  test('nodes are added, drawn to, renamed, copied and removed, and what is not known is kept', () => {
    const { document: added, id } = addNode(ORDER, 'handler', { id: 'charge', after: 'cool' })
    assert.equal(id, 'charge-2')
    assert.ok(arrows(added).includes('cool charge-2'))
    const renamed = renameNode(ORDER, 'cool', 'wait-a-day')
    assert.deepEqual(arrows(renamed).sort(), [
      'check charge otherwise',
      'check wait-a-day payload.total > 1000',
      'reserve check',
      'wait-a-day charge',
    ])
    assert.equal(node(renamed, 'reserve')?.['note'], 'mine')
    assert.deepEqual(renamed.job['later'], { kept: true })
    assert.deepEqual(arrows(removeNodes(ORDER, ['cool'])), ['check charge otherwise', 'reserve check'])
    const copied = duplicateNodes(ORDER, ['reserve', 'check'])
    assert.deepEqual(copied.ids, ['reserve-copy', 'check-copy'])
    assert.ok(arrows(copied.document).includes('reserve-copy check-copy'))
    assert.equal(moveNode(ORDER, 'check', -1).workflow.nodes[0]?.id, 'check')
    assert.equal(moveNode(ORDER, 'reserve', -1), ORDER)
  })

  test('no arrow to itself, twice, or round', () => {
    assert.equal(connectProblem(ORDER, 'cool', 'cool'), 'same-node')
    assert.equal(connectProblem(ORDER, 'reserve', 'check'), 'there-already')
    assert.equal(connectProblem(ORDER, 'charge', 'reserve'), 'circle')
    assert.equal(connect(ORDER, 'charge', 'reserve'), ORDER)
  })

  test('out of a decision an arrow is a branch: the default first, then conditions before it', () => {
    let document = addNode(emptyDocument('a'), 'decision', { id: 'd' }).document
    for (const id of ['x', 'y']) document = addNode(document, 'handler', { id, after: 'd' }).document
    assert.deepEqual(node(document, 'd')?.['decision'], [{ when: 'true', to: 'y' }, { otherwise: 'x' }])
    const less = disconnect(document, 'd', 'y')
    assert.deepEqual(node(less, 'd')?.['decision'], [{ otherwise: 'x' }])
    assert.deepEqual(arrows(disconnect(ORDER, 'cool', 'charge')).length, 3)
  })

  test('what is wrong is said as it is drawn, with its node', () => {
    const added = addNode(emptyDocument('a'), 'handler').document
    const [missing] = checkDocument(added)
    assert.equal(missing?.field, 'workflow.nodes.0.handler')
    assert.equal(nodeOfProblem(missing, added), 'handler')
    assert.deepEqual(checkDocument(ORDER), [])
    assert.equal(checkDocument(emptyDocument('a')).length, 1)
    const decision = addNode(emptyDocument('a'), 'decision').document
    assert.match(checkDocument(decision)[0]?.problem ?? '', /no way out/)
  })

  test('changes are undone and done again; letters of one field are one step', () => {
    let history = historyOf('')
    for (const text of ['a', 'ab', 'abc']) history = edited(history, text, 'name')
    history = edited(history, 'x')
    assert.equal(undone(history).present, 'abc')
    assert.equal(undone(undone(history)).present, '')
    assert.equal(undone(undone(undone(history))).present, '')
    assert.equal(redone(undone(history)).present, 'x')
    for (let i = 0; i < 500; i++) history = edited(history, String(i))
    assert.equal(history.past.length, 200)
  })

  test('a layout is made once for a structure, and in layers where the library has no result', async () => {
    const { nodes, edges } = drawingOf(ORDER)
    const graph = { ids: nodes.map(({ id }) => id), edges }
    let asked = 0
    const never = async () => {
      asked++
      return undefined
    }
    const layout = await layOut(graph, never)
    assert.equal(layout.by, 'layers')
    assert.equal(await layOut({ ...graph, ids: [...graph.ids] }, never), layout)
    assert.equal(knownLayout(graph), layout)
    assert.equal(asked, 1)
    const places = [...layout.places.values()].map(({ x, y }) => `${x} ${y}`)
    assert.equal(new Set(places).size, 4, 'no box hides another')
    const failing = await layOut({ ids: ['only'], edges: [] }, () => Promise.reject(new Error('the worker died')))
    assert.equal(failing.by, 'layers')
    const round = inLayers({
      ids: ['a', 'b'],
      edges: [
        { from: 'a', to: 'b' },
        { from: 'b', to: 'a' },
      ],
    })
    assert.equal(round.places.size, 2)
  })

  test('arrows take the ways of the library, with round corners', async () => {
    const graph = { ids: ['a', 'b'], edges: [{ from: 'a', to: 'b', text: 'x' }] }
    const { routes, by } = await layOut(graph, async (given) => ({
      ...given,
      edges: (given.edges ?? []).map((edge) => ({
        ...edge,
        labels: (edge.labels ?? []).map((label) => ({ ...label, x: 1, y: 2 })),
        sections: [{ startPoint: { x: 0, y: 0 }, bendPoints: [{ x: 0, y: 20 }], endPoint: { x: 50, y: 20 } }],
      })),
    }))
    const route = routes.get(routeKey({ from: 'a', to: 'b' }))
    assert.equal(by, 'elk')
    assert.deepEqual(route?.label, { x: 1, y: 2 })
    assert.equal(roundedPath(route?.points ?? []), 'M0,0L0,14Q0,20 6,20L50,20')
  })

  test('a chain of 1,000 nodes has a layout', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `n${i}`)
    const edges = ids.slice(1).map((to, i) => ({ from: ids[i] as string, to }))
    assert.equal(inLayers({ ids, edges }).places.get('n999')?.y, 999 * 122)
  })

  test('a run shows which ways were not taken', () => {
    const run = [
      { id: 'd', kind: 'decision', after: [], state: 'succeeded', took: ['a'] },
      { id: 'a', kind: 'handler', after: ['d'], when: { d: 'x' }, state: 'running', attempt: 2 },
      { id: 'b', kind: 'handler', after: ['d'], when: { d: 'otherwise' }, state: 'not_needed' },
    ] as unknown as TreeNode[]
    const { nodes, edges } = drawingOfRun(run)
    assert.deepEqual(
      edges.map(({ to, isDead = false }) => [to, isDead]),
      [
        ['a', false],
        ['b', true],
      ],
    )
    assert.equal(nodes[1]?.text, '× 2')
  })

  describe('large drawings', () => {
    const wide = (count: number): Drawing => ({
      nodes: ['first', ...Array.from({ length: count }, (_, i) => `w${i}`), 'last'].map((id) => ({ id, kind: 'handler', text: '' })),
      edges: Array.from({ length: count }, (_, i) => [
        { from: 'first', to: `w${i}` },
        { from: `w${i}`, to: 'last' },
      ]).flat(),
    })
    const failed = (drawing: Drawing, id: string): Drawing => ({
      ...drawing,
      nodes: drawing.nodes.map((one) => (one.id === id ? { ...one, run: { state: 'failed' } as TreeNode } : one)),
    })

    test('small ones stay as they are', () => assert.equal(folded(wide(20), new Set()).groups.length, 0))

    test('many of the same depth are one group, but for what failed or was opened', () => {
      const { nodes, groups, edges } = folded(failed(wide(100), 'w7'), new Set(['w9']))
      assert.deepEqual(nodes.map(({ id }) => id).sort(), ['first', 'last', 'w7', 'w9'])
      assert.equal(groups[0]?.members.length, 98)
      assert.ok(edges.length <= 6)
    })

    test('a long chain is one group, and an open node in the middle parts it', () => {
      const ids = Array.from({ length: 100 }, (_, i) => `n${i}`)
      const chain: Drawing = {
        nodes: ids.map((id) => ({ id, kind: 'handler', text: '' })),
        edges: ids.slice(1).map((to, i) => ({ from: ids[i] as string, to })),
      }
      assert.equal(folded(chain, new Set()).groups.length, 1)
      const parted = folded(failed(chain, 'n50'), new Set())
      assert.deepEqual(
        parted.groups.map(({ members }) => members.length),
        [50, 49],
      )
      assert.equal(parted.edges.length, 2)
    })

    test('branches of one shape are one group; opened it shows their chains, and a chain its nodes', () => {
      const ids = Array.from({ length: 90 }, (_, i) => `b${Math.floor(i / 6)}-${i % 6}`)
      const branches: Drawing = {
        nodes: ['first', ...ids, 'last'].map((id) => ({ id, kind: 'handler', text: '' })),
        edges: ids.flatMap((to, i) => [
          { from: i % 6 === 0 ? 'first' : (ids[i - 1] as string), to },
          ...(i % 6 === 5 ? [{ from: to, to: 'last' }] : []),
        ]),
      }
      const all = folded(branches, new Set())
      assert.deepEqual([all.nodes.length, all.groups.map(({ members }) => members.length)], [2, [90]])
      const chains = folded(branches, new Set(all.groups[0]?.opens))
      assert.deepEqual([chains.nodes.length, chains.groups.map(({ members }) => members.length)], [2, Array(15).fill(6)])
      const nodes = folded(branches, new Set([...(all.groups[0]?.opens ?? []), ...(chains.groups[0]?.opens ?? [])]))
      assert.deepEqual([nodes.nodes.length, nodes.groups.length, nodes.edges.length], [8, 14, 35])
    })

    test('no group makes a circle', () => {
      const random = (first: number) => {
        let seed = first
        return () => {
          seed = (seed * 48_271) % 2_147_483_647
          return seed / 2_147_483_647
        }
      }
      for (let seed = 1; seed < 60; seed++) {
        const next = random(seed)
        const ids = Array.from({ length: 61 + Math.floor(next() * 100) }, (_, i) => `n${i}`)
        const edges = ids.flatMap((to, i) =>
          Array.from({ length: i === 0 ? 0 : Math.floor(next() * 3) }, () => ({ from: ids[Math.floor(next() * i)] as string, to })),
        )
        const drawing = { nodes: ids.map((id) => ({ id, kind: 'handler' as const, text: '' })), edges }
        const opened = new Set(ids.filter(() => next() < 0.1))
        const result = folded(drawing, opened)
        const boxes = [...result.nodes, ...result.groups].map(({ id }) => id)
        assert.equal(result.nodes.length + result.groups.reduce((sum, { members }) => sum + members.length, 0), ids.length)
        const open = new Map(boxes.map((id) => [id, result.edges.filter(({ to }) => to === id).length]))
        const free = boxes.filter((id) => open.get(id) === 0)
        for (const id of free)
          for (const { to } of result.edges.filter(({ from }) => from === id)) {
            open.set(to, (open.get(to) ?? 0) - 1)
            if (open.get(to) === 0) free.push(to)
          }
        assert.equal(free.length, boxes.length, `seed ${seed}`)
      }
    })
  })
})
