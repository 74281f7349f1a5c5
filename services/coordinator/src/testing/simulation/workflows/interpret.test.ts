import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInput, workflowSchema } from '@carillon/contracts'
import type { Condition } from './conditions.ts'
import { interpret } from './interpret.ts'

interface Told {
  /** How nodes end that do not succeed. */
  readonly ends?: Readonly<Record<string, 'failed' | 'timed_out'>>
  readonly adds?: Readonly<Record<string, Record<string, unknown>>>
  /** The order in which nodes end. Default: that of the list. */
  readonly order?: string
  readonly conditions?: Readonly<Record<string, boolean | undefined>>
}

function fatesOf(nodes: readonly object[], { ends = {}, adds = {}, order, conditions = {} }: Told = {}) {
  const workflow = parseInput(workflowSchema, { nodes })
  const ids = order?.split(' ') ?? workflow.nodes.map(({ id }) => id)
  const judged = Object.entries(conditions).map(([text, holds]): Condition => ({ text, of: () => holds }))
  const { fates, state, reason } = interpret(workflow, {
    payload: {},
    conditions: new Map(judged.map((condition) => [condition.text, condition])),
    values: new Map(),
    endOf: (id) => ends[id] ?? 'succeeded',
    resultOf: () => null,
    byHand: () => undefined,
    additionOf: (id) => adds[id] ?? {},
    endedAt: (id) => ids.indexOf(id),
  })
  const having = (is: string) => [...fates].flatMap(([id, fate]) => (fate.is === is ? [id] : [])).join(' ')
  const contextOf = (id: string) => {
    const fate = fates.get(id)
    return fate?.is === 'ran' ? fate.given?.context : undefined
  }
  return { ran: having('ran'), notNeeded: having('not-needed'), blocked: having('blocked'), outcome: `${state}: ${reason}`, contextOf }
}

const h = (id: string, after?: string, more: object = {}) => ({ id, handler: 'h', ...(after ? { after: after.split(' ') } : {}), ...more })
const d = (id: string, [when, to, otherwise]: readonly [string, string, string], more: object = {}) => ({
  id,
  decision: [{ when, to: to.split(' ') }, { otherwise: otherwise.split(' ') }],
  ...more,
})

test('a join that is a branch itself waits for the other branch, or runs at once', () => {
  const nodes = [d('check', ['large', 'approve', 'charge']), h('approve'), h('charge', 'check approve')]
  assert.equal(fatesOf(nodes, { conditions: { large: true } }).ran, 'check approve charge')
  const small = fatesOf(nodes, { conditions: { large: false } })
  assert.deepEqual([small.ran, small.notNeeded, small.outcome], ['check charge', 'approve', 'succeeded: completed'])
})

test('the success of a decision makes nothing of another branch run', () => {
  const nodes = [d('d1', ['yes', 'd2', 'p']), d('d2', ['yes', 'end', 'x']), h('end'), h('x'), h('p', 'd1 x')]
  const { ran, notNeeded } = fatesOf(nodes, { conditions: { yes: true } })
  assert.deepEqual([ran, notNeeded], ['d1 d2 end', 'x p'])
})

test('nested branches that join, and a skip that does not pass a node that ran', () => {
  const nodes = [d('d1', ['yes', 'd2', 'c']), d('d2', ['yes', 'a', 'b']), h('a'), h('b'), h('c'), h('k', 'a b'), h('j', 'k c'), h('m', 'j')]
  const { ran, notNeeded } = fatesOf(nodes, { conditions: { yes: false } })
  assert.deepEqual([ran, notNeeded], ['d1 c j m', 'd2 a b k'])
})

test('a disabled node lets what follows through; if all are, there is nothing to do', () => {
  assert.equal(fatesOf([h('r', undefined, { disabled: true }), h('n', 'r')]).ran, 'n')
  assert.equal(fatesOf([h('r', undefined, { disabled: true })]).outcome, 'succeeded: nothing-to-do')
})

test('a condition that fails takes no branch, not the default either', () => {
  const nodes = [d('check', ['bad', 'a', 'b']), h('a'), h('b')]
  const { ran, blocked, outcome } = fatesOf(nodes, { conditions: { bad: undefined } })
  assert.deepEqual([ran, blocked, outcome], ['check', 'a b', 'failed: tasks-failed'])
  const skipped = [d('check', ['bad', 'a', 'b'], { onFailure: 'skip' }), h('a'), h('b'), h('c', 'check')]
  assert.equal(fatesOf(skipped, { conditions: { bad: undefined } }).ran, 'check c')
})

test('what does not follow a failure runs on, and the leaves decide', () => {
  const nodes = [h('r'), h('x', 'r'), h('behind', 'x'), h('y', 'r'), h('z', 'y')]
  const { ran, blocked, outcome } = fatesOf(nodes, { ends: { x: 'failed' } })
  assert.deepEqual([ran, blocked, outcome], ['r x y z', 'behind', 'failed: tasks-failed'])
  const skipped = fatesOf([h('x', undefined, { onFailure: 'skip' }), h('y', 'x')], { ends: { x: 'timed_out' } })
  assert.deepEqual([skipped.ran, skipped.outcome], ['x y', 'succeeded: completed'])
  assert.equal(fatesOf([h('x', undefined, { onFailure: 'skip' })], { ends: { x: 'failed' } }).outcome, 'succeeded: completed')
})

test('in the context a descendant beats its ancestors, and the later end one beside it', () => {
  const nodes = [h('a'), h('b', 'a'), h('c'), h('end', 'b c')]
  const adds = { a: { k: 'a', l: 'a' }, b: { k: 'b' }, c: { l: 'c' } }
  assert.deepEqual(fatesOf(nodes, { adds, order: 'a b c end' }).contextOf('end'), { k: 'b', l: 'c' })
  assert.deepEqual(fatesOf(nodes, { adds, order: 'c a b end' }).contextOf('end'), { k: 'b', l: 'a' })
  assert.deepEqual(fatesOf(nodes, { adds }).contextOf('b'), { k: 'a', l: 'a' })
  assert.deepEqual(fatesOf(nodes, { adds, ends: { a: 'failed' } }).contextOf('end'), undefined)
})
