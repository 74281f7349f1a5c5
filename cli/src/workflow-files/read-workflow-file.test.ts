import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, LIMITS } from '@carillon/contracts'
import { printProblem } from '../output/problem.ts'
import { keepingTerminal } from '../output/testing-terminal.ts'
import { readWorkflowFile, refuseProblems } from './read-workflow-file.ts'

const read = (text: string) => readWorkflowFile(text, 'order.yaml')
const problemsOf = (text: string) => read(text).problems.map(({ line, field, value }) => [line, field, value])

const SHORT = `# yaml-language-server: $schema=docs/schemas/workflow.json
name: order
attempts: 2
failFast: true
nodes:
  - { id: reserve, handler: reserve-stock }
  - id: check
    after: reserve
    decision:
      - { when: payload.total > 1000, to: cool }
      - { otherwise: charge }
  - { id: cool, wait: { durationMs: 3000 } }
  - { id: charge, handler: charge-card, after: [check, cool] }
`

test('both forms are the same job', () => {
  const short = read(SHORT)
  assert.deepEqual(short.problems, [])
  assert.deepEqual(Object.keys(short.job), ['name', 'attempts', 'workflow'])
  const whole = read(JSON.stringify({ $schema: 'docs/schemas/workflow.json', ...short.job }, null, 2))
  assert.deepEqual([whole.problems, whole.job], [[], short.job])
})

test('durations may be text', () => {
  const text = (limit: string) => `name: order
runTimeout: 2d
backoff: { type: fixed, delay: 10m }
nodes:
  - { id: a, handler: x, timeout: 30s, compensate: { handler: y, timeout: 1m, backoff: { type: list, delays: [1s, 1m] } } }
  - { id: b, wait: { approval: { by: [operator], timeout: ${limit} } } }
  - { id: c, wait: { duration: 1h30m } }
`
  const { job, problems } = read(text('2d'))
  assert.deepEqual([problems, job.runTimeoutMs, job.backoff], [[], 172_800_000, { type: 'fixed', delayMs: 600_000 }])
  assert.deepEqual(job.workflow.nodes, [
    {
      ...{ id: 'a', handler: 'x', timeoutMs: 30_000 },
      compensate: { handler: 'y', timeoutMs: 60_000, backoff: { type: 'list', delaysMs: [1_000, 60_000] } },
    },
    { id: 'b', wait: { approval: { by: ['operator'], timeoutMs: 172_800_000 } } },
    { id: 'c', wait: { durationMs: 5_400_000 } },
  ])
  assert.deepEqual(problemsOf(text('soon'))[0], [6, 'nodes.1.wait.approval.timeout', '"soon"'])
})

test('all that is wrong is found at once, each with its line', () => {
  const text = `name: order
shards: 3
atempts: 2
nodes:
  - { id: a, handler: x, after: a }
  - id: b
    after: lost
    decision:
      - { when: "true", to: nowhere }
  - { id: a, handler: y }
`
  assert.deepEqual(problemsOf(text), [
    [2, 'shards', '3'],
    [3, 'atempts', '2'],
    [5, 'nodes.0.after', 'a → a'],
    [7, 'nodes.1.after', 'lost'],
    [8, 'nodes.1.decision', 'b'],
    [9, 'nodes.1.decision.0.to', 'nowhere'],
    [10, 'nodes.2.id', 'a'],
  ])
  // Names are checked when each node is right.
  const shapes = `name: a.b
nodes:
  - { id: a, handler: x, attempts: 0, retries: 1 }
  - id: b
    wait: { until: tomorrow }
  - { id: c }
`
  assert.deepEqual(
    problemsOf(shapes).map(([line, field]) => [line, field]),
    [
      [1, 'name'],
      [3, 'nodes.0.attempts'],
      [3, 'nodes.0.retries'],
      [5, 'nodes.1.wait.until'],
      [6, 'nodes.2'],
    ],
  )
})

test('limits: 1,000 nodes, an expression of 4,096 letters', () => {
  const nodes = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `n${i}`, handler: 'work' }))
  assert.deepEqual(problemsOf(JSON.stringify({ name: 'large', nodes: nodes(LIMITS.workflowNodes) })), [])
  const [tooMany] = read(JSON.stringify({ name: 'large', nodes: nodes(LIMITS.workflowNodes + 1) }, null, 1)).problems
  assert.deepEqual([tooMany?.line, tooMany?.field, tooMany?.hint], [3, 'nodes', 'Give 1 to 1,000 nodes.'])
  const long = { name: 'long', nodes: [{ id: 'a', handler: 'a', payload: '1+'.repeat(500_000) }] }
  const [problem, ...others] = read(JSON.stringify(long)).problems
  assert.deepEqual([problem?.field, problem?.hint, others.length], ['nodes.0.payload', 'Use at most 4,096 letters.', 0])
  assert.ok((problem?.value.length ?? 0) < 500)
})

test('a long chain, and one that is a circle, are read without recursion', () => {
  const chain = Array.from({ length: 1_000 }, (_, i) => ({ id: `n${i}`, handler: 'work', ...(i > 0 ? { after: `n${i - 1}` } : {}) }))
  assert.deepEqual(problemsOf(JSON.stringify({ name: 'chain', nodes: chain })), [])
  const circle = chain.map((node, i) => (i === 0 ? { ...node, after: 'n999' } : node))
  assert.equal(problemsOf(JSON.stringify({ name: 'chain', nodes: circle })).length, 1)
})

test('what a service finds has its line, too', () => {
  const problem = { field: 'workflow.nodes.1.decision.0.when', value: 'payload.', problem: 'it ends too soon', hint: 'Go on.' }
  assert.deepEqual(read(SHORT).at(problem), { ...problem, field: 'nodes.1.decision.0.when', line: 10 })
})

test('what is no workflow at all', () => {
  for (const [text, message] of [
    ['', /no workflow/],
    ['- name: order', /no workflow/],
    ['name: a\n---\nname: b', /several documents/],
    ['name: [', /order\.yaml/],
  ] as const)
    assert.throws(
      () => read(text),
      (error) => CarillonError.is(error) && error.code === 'INVALID_REQUEST' && message.test(error.message),
    )
  assert.deepEqual(problemsOf('name: order'), [[1, 'nodes', 'undefined']])
  assert.deepEqual(problemsOf('nodes: [{ id: a, handler: a }]'), [[1, 'name', 'undefined']])
  assert.deepEqual(
    problemsOf('name: order\nworkflow: 5').map(([line, field]) => [line, field]),
    [[2, 'workflow']],
  )
})

test('the problems are printed one a line', () => {
  const { terminal, stderr } = keepingTerminal()
  const file = read('name: order\nnodes:\n  - { id: a, handler: x, after: "b\\u001b" }\n  - { id: b, handler: x, after: c }\n')
  assert.throws(
    () => refuseProblems('order.yaml', file.problems),
    (error) => {
      printProblem(terminal, error, { stack: false })
      return true
    },
  )
  const [head, first, ...rest] = stderr.join('').trim().split('\n')
  assert.equal(head, 'error INVALID_WORKFLOW: order.yaml has a problem; nothing is put')
  assert.match(first ?? '', /^ {2}order\.yaml:3 nodes\.0\.after: /)
  assert.deepEqual(rest, [])
})

test('fields that are misspelt, missing, or have text for milliseconds: the right one is named', () => {
  const text = `name: order
nodes:
  - { id: a, hander: x }
  - { id: b, after: a, decision: [{ when: "true", too: c }, { otherwise: c }] }
  - { id: c, wait: { approvel: {} } }
  - { id: d, handler: x, timeoutMs: 5s, onFailure: blok }
  - { id: e, runs: x }
  - { id: f, http: { ulr: https://example.org } }
  - { id: g, publish: {} }
`
  assert.deepEqual(
    read(text).problems.map(({ field, problem, hint }) => `${field}: ${problem}. ${hint}`),
    [
      'nodes.0.hander: it is wrong. There is no such field: did you mean handler?',
      'nodes.1.decision.0.too: it is wrong. There is no such field: did you mean to?',
      'nodes.2.wait.approvel: it is wrong. There is no such field: did you mean approval?',
      'nodes.3.onFailure: it is wrong. Use one of "block", "skip".',
      'nodes.3.timeoutMs: it is wrong. Use whole milliseconds from 1. Or, as text: timeout: 5s.',
      'nodes.4.runs: it is wrong. There is no such field: give one of foreach, handler, job, decision, wait, publish, http.',
      'nodes.5.http.url: it is missing. Use text.',
      'nodes.5.http.ulr: it is wrong. Leave it out, or correct its name: there is no such field (docs/PROTOCOL.md lists them).',
      'nodes.6.publish.subject: it is missing. Use text.',
    ],
  )
  const [missing] = read('name: order').problems
  assert.deepEqual([missing?.field, missing?.problem], ['nodes', 'it is missing'])
  const { terminal, stderr } = keepingTerminal()
  assert.throws(
    () => refuseProblems('order.yaml', read('name: order').problems),
    (error) => {
      printProblem(terminal, error, { stack: false })
      return true
    },
  )
  assert.match(stderr.join(''), /\n {2}order\.yaml:1 nodes: it is missing\. Use a list\.\n$/)
})
