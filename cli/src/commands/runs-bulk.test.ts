import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALLS, type RunsBulk } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { keepingTerminal } from '../output/testing-terminal.ts'
import { CANCEL, changeAll, checkBulk, PAUSE, RESUME, RETRY } from './runs-bulk.ts'

const AS_OF = '2030-01-01T00:00:00.000Z'
const part = (fields: Partial<RunsBulk>): RunsBulk => ({ matched: 0, eligible: 0, done: 0, skipped: [], asOf: AS_OF, ...fields })

/** A mesh that answers these parts, one after the other. */
function meshOf(parts: readonly RunsBulk[]) {
  const asked: { dryRun?: boolean; cursor?: string; asOf?: string; filter?: object }[] = []
  const call = async (what: object, input: object) => {
    assert.equal(what, CALLS.runsBulk)
    asked.push(input)
    return parts[asked.length - 1]
  }
  return { client: { call } as unknown as Pick<Client, 'call'>, asked }
}

test('runs are counted first, then changed part by part, as of the time of the count', async () => {
  const skipped = [{ code: 'RUN_ENDED', message: 'it has ended', count: 1, examples: ['a'] }]
  const { client, asked } = meshOf([
    part({ matched: 3, eligible: 3, next: 'c1' }),
    part({ matched: 2, eligible: 2 }),
    part({ matched: 3, eligible: 3, done: 3, next: 'c2' }),
    part({ matched: 2, eligible: 2, done: 1, skipped }),
  ])
  const { terminal, stdout, stderr } = keepingTerminal()
  assert.equal(await changeAll(CANCEL, { job: 'nightly', state: ['queued'] }, { client, terminal }), 0)
  assert.deepEqual(stderr, ['5 runs pass the filters, 5 can be cancelled\n'])
  assert.deepEqual(stdout, ['4 done, 1 left as they are\n', '  1 RUN_ENDED: it has ended, such as a\n'])
  assert.deepEqual(
    asked.map(({ dryRun, cursor, asOf }) => [dryRun, cursor, asOf]),
    [
      [true, undefined, undefined],
      [true, 'c1', AS_OF],
      [false, undefined, AS_OF],
      [false, 'c2', AS_OF],
    ],
  )
  assert.deepEqual(asked[0]?.filter, { job: 'nightly', state: ['queued'] })
})

test('a dry run changes nothing, and one that cannot be changed is not hidden by the others', async () => {
  const { client, asked } = meshOf([part({ matched: 1, eligible: 1 })])
  const { terminal, stdout } = keepingTerminal()
  assert.equal(await changeAll(CANCEL, { job: 'nightly', state: ['queued'], dryRun: true }, { client, terminal }), 0)
  assert.deepEqual([stdout, asked.length], [[], 1])
  const skipped = [{ code: 'CHILD_RUN', message: 'it is within another run', count: 1, examples: ['a'] }]
  const broken = meshOf([part({ matched: 2, eligible: 2 }), part({ matched: 2, eligible: 1, done: 1, skipped })])
  assert.equal(await changeAll(RETRY, { job: 'nightly', state: ['failed'], ended: true }, { client: broken.client, terminal }), 1)
  assert.match(stdout.join(''), /1 done, 1 left as they are\n {2}1 CHILD_RUN: it is within another run, such as a/)
  assert.deepEqual(broken.asked[0]?.filter, { job: 'nightly', state: ['failed'], time: 'ended' })
})

test('filters that would change too much, or nothing, are refused', () => {
  const refused = (...given: Parameters<typeof checkBulk>) => assert.throws(() => checkBulk(...given), { code: 'INVALID_REQUEST' })
  refused(CANCEL, undefined, {})
  refused(CANCEL, undefined, { state: ['queued'] })
  refused(CANCEL, undefined, { job: 'nightly' })
  refused(CANCEL, 'run-1', { job: 'nightly' })
  refused(CANCEL, undefined, { job: 'nightly', state: ['queued', 'failed'] })
  refused(RETRY, undefined, { job: 'nightly', state: ['succeeded'] })
  refused(PAUSE, undefined, { job: 'nightly', state: ['paused'] })
  checkBulk(RETRY, undefined, { job: 'nightly', state: ['failed'], since: '2030-01-01T00:00:00Z' })
  checkBulk(RESUME, undefined, { text: 'ECONNREFUSED', state: ['paused'] })
  checkBulk(CANCEL, 'run-1', {})
})
