import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditChanges, auditInput, auditResource, isAudited } from './audit.ts'
import { HTTP_ROUTES } from './http-routes.ts'

test('what changes is audited, what reads is not; starts and the work of executors are kept with their runs', () => {
  for (const name of ['jobsPut', 'jobsRemove', 'runsCancel', 'instancesCordon', 'runsPrune', 'runsApprove'] as const)
    assert.ok(isAudited(name), name)
  for (const name of [
    'jobsGet',
    'runsStart',
    'jobsRun',
    'tasksStep',
    'instancesRegister',
    'jobsCheck',
    'jobsPreview',
    'runsEnded',
  ] as const)
    assert.ok(!isAudited(name), name)
  const unaudited = (Object.keys(HTTP_ROUTES) as (keyof typeof HTTP_ROUTES)[]).filter(
    (name) => HTTP_ROUTES[name].role === 'admin' && !isAudited(name),
  )
  assert.deepEqual(unaudited, [])
})

test('payloads and secrets are not kept, at any depth', () => {
  const input = {
    name: 'a',
    payload: { card: '4111' },
    workflow: { nodes: { a: { handler: 'x', payload: 'secret' } } },
    url: 'https://x/key',
  }
  assert.deepEqual(auditInput(input), { name: 'a', workflow: { nodes: { a: { handler: 'x' } } } })
  assert.deepEqual(auditInput({ note: 'x'.repeat(5_000) }), { omitted: '5011 characters' })
  const changes = auditChanges({ payload: { card: 1 }, timeoutMs: 5, revision: 1 }, { payload: { card: 2 }, timeoutMs: 6, revision: 2 })
  assert.deepEqual(changes, [
    { field: 'payload.card', hidden: true },
    { field: 'timeoutMs', from: 5, to: 6 },
  ])
  const nodes = [{ id: 'a', handler: 'x', payload: 'secret' }]
  assert.deepEqual(auditChanges(undefined, { nodes }), [{ field: 'nodes', to: [{ id: 'a', handler: 'x' }] }])
})

test('what was created or removed has one side', () => {
  assert.deepEqual(auditChanges(undefined, { handler: 'a' }), [{ field: 'handler', to: 'a' }])
  assert.deepEqual(auditChanges({ handler: 'a' }, undefined), [{ field: 'handler', from: 'a' }])
  const [change] = auditChanges({ description: 'x'.repeat(2_000) }, {})
  assert.equal(change?.from, `"${'x'.repeat(999)}…`)
})

test('the resource is what the path of the call names', () => {
  assert.equal(auditResource('jobsPut', { name: 'report', payload: 1 }), 'report')
  assert.equal(auditResource('runsSkipNode', { runId: 'r', node: 'n' }), 'r/n')
  assert.equal(auditResource('runsPrune', {}), undefined)
})
