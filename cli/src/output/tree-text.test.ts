import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunTree, TaskView } from '@carillon/contracts'
import { keepingTerminal } from './testing-terminal.ts'
import { progressText, treeLine, treeLines } from './tree-text.ts'

const task: TaskView = {
  taskId: 'run-17',
  index: 17,
  state: 'failed',
  attempt: 2,
  instance: 'i-1',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:12.000Z',
  failure: { name: 'Error', message: 'no\nroom \u001b[31m' },
}
const { endedAt: _, ...running } = { ...task, index: 3, state: 'running' as const }
const tree: RunTree = {
  runId: 'run',
  job: 'export',
  handler: 'export',
  mode: 'shards',
  state: 'running',
  percent: 62.5,
  leftMs: 12_000,
  stages: [{ name: 'shards', total: 10_000, counts: { running: 100, succeeded: 6_200, failed: 40, waiting: 3_660 } }],
  failed: [task],
  slowest: [task, running],
}

test('a fan-out run at a glance', () => {
  const { terminal } = keepingTerminal()
  assert.deepEqual(treeLines(terminal, tree, Date.parse('2026-01-01T00:01:00Z')), [
    'run export: running, 62.5 %, about 12 s left',
    '└─ shards  10,000: 3,660 waiting, 100 running, 6,200 succeeded, 40 failed',
    '   failed   #17 attempt 2: no room \\u001b[31m',
    '   slowest  #17 took 12.0 s (failed on i-1)',
    '   slowest  #3 for 1 min (running on i-1)',
  ])
})

test('a map has stages; its tasks are shown by name and by the end of their ids', () => {
  const { terminal } = keepingTerminal()
  const map: RunTree = {
    ...tree,
    mode: 'map-reduce',
    stages: [
      { name: 'root', total: 1, counts: { succeeded: 1 } },
      { name: 'page', total: 1_200, counts: { succeeded: 1_199, failed: 1 } },
      { name: 'reduce', total: 3, counts: { waiting: 3 } },
    ],
    failed: [{ ...task, taskId: 'run-a-00000h', task: 'page' }],
    slowest: [{ ...running, taskId: 'run-b00003', task: 'reduce' }],
  }
  assert.deepEqual(treeLines(terminal, map, Date.parse('2026-01-01T00:01:00Z')).slice(1), [
    '├─ root        1: 1 succeeded',
    '├─ page    1,200: 1,199 succeeded, 1 failed',
    '└─ reduce      3: 3 waiting',
    '   failed   page a-00000h attempt 2: no room \\u001b[31m',
    '   slowest  reduce b00003 for 1 min (running on i-1)',
  ])
  assert.equal(treeLine(terminal, map, 0), '62.5 % · root 1 succeeded; page 1,199 succeeded, 1 failed; reduce 3 waiting · about 12 s left')
})

test('a bar is for people; a run without tasks yet says so', () => {
  const person = keepingTerminal({ tty: true, environment: { NO_COLOR: '1' } }).terminal
  assert.equal(progressText(person, 50), '████████████░░░░░░░░░░░░ 50 %')
  const pipe = keepingTerminal().terminal
  assert.equal(
    treeLine(pipe, { ...tree, percent: 0, stages: [{ name: 'shards', total: 0, counts: {} }] }, 0),
    '0 % · no tasks yet · about 12 s left',
  )
})
