import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunTree, TreeNode } from '@carillon/contracts'
import { graphLines } from './graph-text.ts'
import { layersOf } from './layers.ts'
import { keepingTerminal } from './testing-terminal.ts'
import { treeLine, treeLines } from './tree-text.ts'

const AT = '2026-01-01T00:00:00.000Z'
const NOW = Date.parse('2026-01-01T00:01:00Z')
const NODES: readonly TreeNode[] = [
  { id: 'reserve', kind: 'handler', after: [], state: 'succeeded', startedAt: AT, endedAt: '2026-01-01T00:00:01.500Z' },
  { id: 'check', kind: 'decision', after: ['reserve'], state: 'succeeded', took: ['cool'] },
  { id: 'skip', kind: 'handler', after: ['check'], state: 'not_needed' },
  { id: 'cool', kind: 'wait', after: ['check'], state: 'delayed', dueAt: '2026-01-01T01:01:00.000Z' },
  { id: 'charge', kind: 'handler', after: ['check', 'cool'], state: 'waiting', waitsFor: ['cool'] },
  { id: 'count', kind: 'handler', after: ['reserve'], state: 'running', startedAt: AT, attempt: 2 },
  { id: 'tell', kind: 'handler', after: ['charge', 'count'], state: 'blocked', waitsFor: ['charge'] },
]
const TREE: RunTree = {
  ...{ runId: 'run', job: 'order', handler: 'order', mode: 'workflow', state: 'running', percent: 40 },
  ...{ stages: [{ name: 'nodes', total: 2, counts: { running: 1, blocked: 1 } }], failed: [], slowest: [], nodes: NODES },
}

test('a graph in the terminal: layers, states, times and what each node waits for', () => {
  const { terminal } = keepingTerminal()
  const lines = treeLines(terminal, TREE, NOW).map((line) => line.replace(/ \(\d\d:\d\d:\d\d\)/, ''))
  assert.deepEqual(
    lines.map((line) => line.replaceAll(/ {2,}/g, '  ')),
    [
      'run order: running, 40 %',
      '1 ── reserve  handler  succeeded  took 1.5 s',
      '2 ┬─ check  decision  succeeded  → cool  ← reserve',
      '  └─ count  handler  running  for 1 min, attempt 2  ← reserve',
      '3 ┬─ skip  handler  not needed  ← check',
      '  └─ cool  wait  delayed  ends in 1 h  ← check',
      '4 ── charge  handler  waiting  waits for cool  ← check, cool',
      '5 ── tell  handler  blocked  because of charge  ← charge, count',
    ].map((line) => line.replaceAll(/ {2,}/g, '  ')),
  )
})

test('in one line: what is under way', () => {
  assert.equal(treeLine(keepingTerminal().terminal, TREE, NOW), '40 % · 1 running, 1 blocked · now: cool, count')
})

test('what a node waits for that others do, and since when', () => {
  const nodes: TreeNode[] = [
    { id: 'paid', kind: 'wait', after: [], state: 'delayed', awaits: { signal: 'money' }, startedAt: AT },
    { id: 'ok', kind: 'wait', after: [], state: 'delayed', awaits: { approval: ['operator'] }, startedAt: AT },
    { id: 'done', kind: 'wait', after: [], state: 'succeeded', decided: { decision: 'approved', by: 'ada' }, startedAt: AT, endedAt: AT },
  ]
  const details = graphLines(keepingTerminal().terminal, nodes, NOW).map((line) => line.replaceAll(/\d\d:\d\d:\d\d/g, 'then'))
  assert.match(details[0] ?? '', /waits for signal money, since then$/)
  assert.match(details[1] ?? '', /waits for approval by operator, since then$/)
  assert.match(details[2] ?? '', /approved by ada$/)
  const line = treeLine(keepingTerminal().terminal, { ...TREE, nodes }, NOW).replaceAll(/\d\d:\d\d:\d\d/g, 'then')
  assert.match(line, /now: paid \(signal money, since then\), ok \(approval by operator, since then\)$/)
})

test('a node is below all that it comes after; a chain of 1,000 is no recursion', () => {
  const chain = Array.from({ length: 1_000 }, (_, i) => ({ id: `n${i}`, after: i === 0 ? [] : [`n${i - 1}`] }))
  assert.equal(layersOf(chain.toReversed()).length, 1_000)
  assert.deepEqual(layersOf([]), [])
  assert.deepEqual(graphLines(keepingTerminal().terminal, [], NOW), [])
  const crossed = [
    { id: 'a', after: [] },
    { id: 'b', after: [] },
    { id: 'c', after: ['b'] },
    { id: 'd', after: ['a'] },
  ]
  assert.deepEqual(
    layersOf(crossed).map((layer) => layer.map(({ id }) => id)),
    [
      ['a', 'b'],
      ['d', 'c'],
    ],
  )
})

test('in a narrow terminal what does not fit beside a node is below it', () => {
  const { terminal } = keepingTerminal({ tty: true, columns: 40, environment: { NO_COLOR: '1' } })
  assert.deepEqual(graphLines(terminal, NODES.slice(0, 2), NOW), [
    '1 ── reserve  handler   succeeded',
    '      took 1.5 s',
    '2 ── check    decision  succeeded',
    '      → cool',
    '      ← reserve',
  ])
  const wide = keepingTerminal({ tty: true, columns: 200, environment: { NO_COLOR: '1' } }).terminal
  assert.equal(graphLines(wide, NODES, NOW).length, NODES.length)
})

test('what people have decided about nodes: who, and why', () => {
  const node = (decided: NonNullable<TreeNode['decided']>): TreeNode => ({
    ...{ id: 'a', kind: 'handler', after: [], state: 'succeeded', startedAt: AT, endedAt: AT, decided },
  })
  const detail = (decided: NonNullable<TreeNode['decided']>) =>
    graphLines(keepingTerminal().terminal, [node(decided)], NOW)[0]?.replace(/^.*succeeded {2}/, '')
  assert.equal(detail({ decision: 'rejected', by: 'ada', note: 'too\ndear' }), 'rejected by ada: too dear')
  assert.equal(detail({ decision: 'skipped', by: 'ada' }), 'by request of ada')
  assert.equal(detail({ decision: 'succeeded' }), 'by request')
})

test('in one line: a run that is paused says so, and a bar leaves room for words', () => {
  const { terminal, stdout } = keepingTerminal({ tty: true, columns: 60 })
  assert.equal(treeLine(terminal, { ...TREE, state: 'paused', nodes: [] }, NOW), 'paused · ███████░░░░░░░░░░░ 40 % · 1 running, 1 blocked')
  // A terminal that does not know its width.
  const unknown = keepingTerminal({ tty: true, columns: 0 })
  unknown.terminal.overwrite('forty letters of what goes on at present')
  assert.match(unknown.stdout.join(''), /at present$/)
  assert.deepEqual(stdout, [])
})
