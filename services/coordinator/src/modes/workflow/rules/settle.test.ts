import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Graph, graphOf, parseInput, type RunState, workflowSchema } from '@carillon/contracts'
import { type NodeRecord, outcomeOf, settle } from './settle.ts'

interface Shape {
  readonly after?: string
  /** Of a decision: its branches, the last one the default. */
  readonly to?: readonly string[]
  readonly disabled?: true
  readonly onFailure?: 'skip'
}

function graph(shapes: Record<string, Shape>, failFast?: true): Graph {
  const nodes = Object.entries(shapes).map(([id, { after, to, ...rest }]) => ({
    id,
    ...rest,
    ...(after === undefined ? {} : { after: after.split(' ') }),
    ...(to
      ? { decision: to.map((name, i) => (i === to.length - 1 ? { otherwise: name.split(' ') } : { when: 'true', to: name.split(' ') })) }
      : { handler: 'h' }),
  }))
  const made = graphOf(parseInput(workflowSchema, { nodes, ...(failFast ? { failFast } : {}) }))
  return 'problems' in made ? assert.fail(JSON.stringify(made.problems)) : made
}

type Ended = RunState | readonly ['succeeded', branch: number]

function after(of: Graph, ended: Record<string, Ended>) {
  const records = new Map<number, NodeRecord>()
  for (const [id, state] of Object.entries(ended))
    records.set(
      of.nodes.findIndex((node) => node.id === id),
      typeof state === 'string' ? { state } : { state: state[0], branch: state[1] },
    )
  const statuses = settle(of, records)
  const having = (wanted: string) => of.nodes.flatMap(({ id }, i) => (statuses[i] === wanted ? [id] : [])).join(' ')
  return {
    ready: having('ready'),
    notNeeded: having('not-needed'),
    blocked: having('blocked'),
    open: having('open'),
    outcome: outcomeOf(of, statuses),
  }
}

test('a join waits for the branch that was taken, also where the decision leads to it directly (1)', () => {
  const shape = graph({ d: { to: ['a', 'b'] }, a: {}, b: { after: 'd a' } })
  assert.equal(after(shape, { d: ['succeeded', 0] }).ready, 'a')
  assert.equal(after(shape, { d: ['succeeded', 0], a: 'running' }).open, 'b')
  assert.equal(after(shape, { d: ['succeeded', 0], a: 'succeeded' }).ready, 'b')
  const other = after(shape, { d: ['succeeded', 1] })
  assert.deepEqual([other.ready, other.notNeeded], ['b', 'a'])
})

test('the success of a decision makes no node of another branch run (2)', () => {
  const shape = graph({ d1: { to: ['d2', 'p'] }, d2: { to: ['end', 'x'] }, end: {}, x: {}, p: { after: 'd1 x' } })
  const { ready, notNeeded } = after(shape, { d1: ['succeeded', 0], d2: ['succeeded', 0] })
  assert.deepEqual([ready, notNeeded], ['end', 'x p'])
})

test('a join of two branches waits for the one that was taken, and runs after that, whichever it is (3) (4)', () => {
  const shape = graph({ d: { to: ['a', 'b'] }, a: {}, b: {}, j: { after: 'a b' } })
  for (const [branch, [taken, other]] of [['a', 'b'] as const, ['b', 'a'] as const].entries()) {
    const ended = { d: ['succeeded', branch] } as const
    const first = after(shape, ended)
    assert.deepEqual([first.ready, first.notNeeded, first.open], [taken, other, 'j'])
    // That the other one is not needed is known while the taken one runs: the join is neither skipped nor started by that.
    const meanwhile = after(shape, { ...ended, [taken]: 'running' })
    assert.deepEqual([meanwhile.ready, meanwhile.notNeeded, meanwhile.open, meanwhile.outcome], ['', other, 'j', undefined])
    assert.equal(after(shape, { ...ended, [taken]: 'succeeded' }).ready, 'j')
    assert.equal(after(shape, { ...ended, [taken]: 'succeeded', j: 'succeeded' }).outcome, 'succeeded')
  }
})

test('a join behind branches that join earlier (5)', () => {
  const shape = graph({ d1: { to: ['d2', 'c'] }, d2: { to: ['a', 'b'] }, a: {}, b: {}, c: {}, k: { after: 'a b' }, j: { after: 'k c' } })
  const { notNeeded, open } = after(shape, { d1: ['succeeded', 1], c: 'running' })
  assert.deepEqual([notNeeded, open], ['d2 a b k', 'j'])
  assert.equal(after(shape, { d1: ['succeeded', 1], c: 'succeeded' }).ready, 'j')
})

test('a node that is not needed does not reach past a node that has run (5)', () => {
  const shape = graph({ d: { to: ['s', 't'] }, s: {}, t: {}, n: { after: 's t' }, m: { after: 'n' } })
  assert.equal(after(shape, { d: ['succeeded', 1], t: 'succeeded', n: 'succeeded' }).ready, 'm')
})

test('a disabled node, and one that an operator skipped, let through what follows (6)', () => {
  assert.equal(after(graph({ r: { disabled: true }, n: { after: 'r' } }), {}).ready, 'n')
  assert.equal(after(graph({ r: {}, n: { after: 'r' } }), { r: 'skipped' }).ready, 'n')
  assert.equal(after(graph({ r: { disabled: true }, n: { after: 'r', disabled: true } }), {}).outcome, 'nothing-to-do')
  const shape = graph({ d: { to: ['a', 'b'], disabled: true }, a: {}, b: {} })
  assert.equal(after(shape, {}).ready, 'a b')
})

test('a node that is skipped ahead of its turn lets through what follows when what comes before it has ended', () => {
  const shape = graph({ a: {}, b: { after: 'a' }, c: { after: 'b' } })
  assert.deepEqual(
    [after(shape, { a: 'running', b: 'skipped' }).open, after(shape, { a: 'running', b: 'skipped' }).outcome],
    ['b c', undefined],
  )
  assert.equal(after(shape, { a: 'succeeded', b: 'skipped' }).ready, 'c')
  assert.equal(after(shape, { a: 'failed', b: 'skipped' }).ready, 'c')
})

test('what a failure blocks fails the run when the rest has ended (9)', () => {
  const shape = graph({ r: {}, x: { after: 'r' }, y: { after: 'r' }, z: { after: 'y' }, behind: { after: 'x' } })
  const first = after(shape, { r: 'succeeded', x: 'failed', y: 'succeeded' })
  assert.deepEqual([first.ready, first.blocked, first.outcome], ['z', 'behind', undefined])
  assert.equal(after(shape, { r: 'succeeded', x: 'failed', y: 'succeeded', z: 'succeeded' }).outcome, 'failed')
  const skipped = graph({ x: { onFailure: 'skip' }, behind: { after: 'x' } })
  assert.equal(after(skipped, { x: 'timed_out' }).ready, 'behind')
  assert.equal(after(graph({ x: { onFailure: 'skip' } }), { x: 'failed' }).outcome, 'succeeded')
})

test('a decision that fails takes no branch, also where its failure is skipped (8)', () => {
  const shape = graph({ d: { to: ['a', 'b'], onFailure: 'skip' }, a: {}, b: {}, after: { after: 'd' }, join: { after: 'a after' } })
  const { ready, notNeeded, outcome } = after(shape, { d: 'failed' })
  assert.deepEqual([ready, notNeeded, outcome], ['after', 'a b', undefined])
})

test('with failFast nothing new starts', () => {
  const shape = graph({ x: {}, y: {}, z: { after: 'y' } }, true)
  assert.equal(after(shape, { x: 'failed', y: 'running' }).outcome, undefined)
  assert.equal(after(shape, { x: 'failed', y: 'succeeded' }).outcome, 'failed')
})

test('a node that failed before the one beside it has begun: that one runs, or with failFast does not, and the run ends (10)', () => {
  const shapes = { x: {}, before: {}, y: { after: 'before' } }
  const ended = { x: 'failed', before: 'succeeded' } as const
  assert.deepEqual([after(graph(shapes), ended).ready, after(graph(shapes), ended).outcome], ['y', undefined])
  assert.equal(after(graph(shapes), { ...ended, y: 'succeeded' }).outcome, 'failed')
  assert.equal(after(graph(shapes, true), { x: 'failed', before: 'running' }).outcome, undefined)
  assert.equal(after(graph(shapes, true), ended).outcome, 'failed')
})

test('what was cancelled makes the run cancelled, unless something failed', () => {
  const shape = graph({ x: {}, y: {}, z: { after: 'x' } })
  assert.equal(after(shape, { x: 'cancelled', y: 'succeeded' }).outcome, 'cancelled')
  assert.equal(after(shape, { x: 'cancelled', y: 'failed' }).outcome, 'failed')
})

test('a graph that can be no workflow is refused with all that is wrong (7)', () => {
  const problemsOf = (nodes: object[]) => {
    const made = graphOf(parseInput(workflowSchema, { nodes }))
    return 'problems' in made ? made.problems.map(({ field, value }) => `${field}: ${value}`) : []
  }
  assert.deepEqual(problemsOf([{ id: 'a', handler: 'h', after: 'a' }]), ['nodes.0.after: a → a'])
  assert.deepEqual(
    problemsOf([
      { id: 'a', handler: 'h', after: 'c' },
      { id: 'b', handler: 'h', after: 'a' },
      { id: 'c', handler: 'h', after: 'b' },
      { id: 'd', handler: 'h', after: 'c' },
    ]),
    ['nodes.0.after: a → b → c → a'],
  )
  assert.deepEqual(
    problemsOf([
      { id: 'a', handler: 'h', after: 'x' },
      { id: 'a', handler: 'h' },
    ]),
    ['nodes.1.id: a', 'nodes.0.after: x'],
  )
  assert.deepEqual(
    problemsOf([
      { id: 'd', decision: [{ when: 'true', to: 'e' }] },
      { id: 'e', handler: 'h' },
    ]),
    ['nodes.0.decision: d'],
  )
  for (const decision of [[], [{ otherwise: [] }], [{ when: 'true', to: [] }, { otherwise: ['d'] }]])
    assert.throws(() => problemsOf([{ id: 'd', decision }]), { code: 'INVALID_REQUEST' }, JSON.stringify(decision))
})
