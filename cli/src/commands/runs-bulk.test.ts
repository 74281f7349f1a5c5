import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALLS, CarillonError } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { keepingTerminal } from '../output/testing-terminal.ts'
import { CANCEL, changeAll, checkBulk, RETRY } from './runs-bulk.ts'

/** A mesh with runs in a state, which a page lists two at a time. */
function meshOf(runs: Map<string, 'queued' | 'cancelled' | 'ended-by-itself' | 'broken'>) {
  const asked: object[] = []
  const call = async (what: object, input: { runId: string; cursor?: string }) => {
    if (what === CALLS.runsList) {
      asked.push(input)
      const ids = [...runs.keys()]
      const from = Number(input.cursor ?? 0)
      const items = ids.slice(from, from + 2).map((runId) => ({ runId }))
      return from + 2 < ids.length ? { items, next: String(from + 2) } : { items }
    }
    assert.equal(what, CALLS.runsCancel)
    const state = runs.get(input.runId)
    if (state === 'ended-by-itself') throw new CarillonError('RUN_ENDED', 'it has ended')
    if (state === 'broken') throw new CarillonError('STORE_UNAVAILABLE', 'no store')
    runs.set(input.runId, 'cancelled')
    return {}
  }
  return { client: { call } as unknown as Pick<Client, 'call'>, asked }
}

test('all runs that pass the filters are counted first and changed, page by page; those that others have changed are fine', async () => {
  const runs = new Map([
    ['a', 'queued'],
    ['b', 'ended-by-itself'],
    ['c', 'queued'],
    ['d', 'queued'],
    ['e', 'queued'],
  ] as const) as Map<string, 'queued'>
  const { client, asked } = meshOf(runs)
  const { terminal, stdout, stderr } = keepingTerminal()
  assert.equal(await changeAll(CANCEL, { job: 'nightly', state: 'queued' }, { client, terminal }), 0)
  assert.deepEqual(stderr, ['5 runs to cancel\n'])
  assert.deepEqual(stdout, ['4 done, 1 were changed by others, 0 failed\n'])
  assert.equal(asked.length, 3)
  assert.deepEqual(asked[0], { job: 'nightly', state: 'queued', limit: 500, cursor: undefined })
  assert.deepEqual([...runs.values()].filter((state: string) => state === 'cancelled').length, 4)
})

test('a dry run changes nothing, and one that fails is not hidden by the others', async () => {
  const { client } = meshOf(new Map([['a', 'queued']]))
  const { terminal, stdout } = keepingTerminal()
  assert.equal(await changeAll(CANCEL, { job: 'nightly', state: 'queued', dryRun: true }, { client, terminal }), 0)
  assert.deepEqual(stdout, [])
  const broken = meshOf(
    new Map([
      ['a', 'broken'],
      ['b', 'queued'],
    ]),
  )
  assert.equal(await changeAll(CANCEL, { job: 'nightly', state: 'queued' }, { client: broken.client, terminal }), 1)
  assert.match(stdout.join(''), /1 done, 0 were changed by others, 1 failed: no store/)
})

test('filters that would change too much, or nothing, are refused', () => {
  const refused = (...given: Parameters<typeof checkBulk>) => assert.throws(() => checkBulk(...given), { code: 'INVALID_REQUEST' })
  refused(CANCEL, undefined, {})
  refused(CANCEL, undefined, { state: 'queued' })
  refused(CANCEL, undefined, { job: 'nightly' })
  refused(CANCEL, 'run-1', { job: 'nightly' })
  refused(CANCEL, undefined, { job: 'nightly', state: 'failed' })
  refused(RETRY, undefined, { job: 'nightly', state: 'succeeded' })
  checkBulk(RETRY, undefined, { job: 'nightly', state: 'failed', since: '2030-01-01T00:00:00Z' })
  checkBulk(CANCEL, 'run-1', {})
})
