import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../testing/test-coordinator.ts'

const START = { namespace: 'default', bytes: 10, trigger: 'call', traceparent: undefined } as const

async function started({ startRuns }: TestCoordinator, request: object): Promise<string> {
  const [outcome] = await startRuns.execute([{ ...START, request }])
  await settle()
  assert.ok(outcome && 'runId' in outcome, String(outcome))
  return outcome.runId
}

test('for every run that does not run there is one sentence that says what holds it back', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { readRuns, presence, applyReports, changeJobs, changeRuns, clock } = coordinator
  const why = async (id: string) => (await readRuns.why('default', id)).why
  const later = (ms: number) => new Date(clock.now() + ms).toISOString()
  presence.alive.set('other', ['i-1'])
  const id = await started(coordinator, {
    handler: 'hello',
    deadlineMs: 60_000,
    runTimeoutMs: 100_000,
    attempts: 2,
    backoff: { type: 'fixed', delayMs: 9_000 },
  })
  assert.equal(await why(id), `no instance offers handler \`hello\`; these are offered: other; it expires at ${later(60_000)}`)
  presence.alive.set('hello', ['i-1'])
  presence.cordoned.add('i-1')
  assert.match(await why(id), /^every instance that offers handler `hello` is cordoned: i-1; it expires/)
  presence.cordoned.clear()
  assert.match(await why(id), /^it waits for a free slot: 1 instance offers handler `hello`; it expires/)
  const report = (more: object) => applyReports.execute([reportsFrom('i-1', { runId: id, taskId: id, attempt: 1, ...more })])
  await report({ type: 'started' })
  assert.equal(await why(id), `it runs: instance i-1 has had it since ${later(0)}; its time is over at ${later(100_000)}`)
  await report({ type: 'finished', outcome: 'failed', error: { name: 'Error', message: 'no' } })
  assert.equal(await why(id), `attempt 2 of 2 begins at ${later(9_000)}, after Error: no; its time is over at ${later(100_000)}`)
  await changeRuns.cancel('default', id)
  assert.match(await why(id), /^it has ended as cancelled at .*: /)
  const delayed = await started(coordinator, { handler: 'hello', delayMs: 5_000 })
  assert.equal(await why(delayed), `it was asked for at a later time: it is due at ${later(5_000)}`)
  await changeJobs.put('default', { name: 'hello', maxConcurrent: 1 })
  const first = await started(coordinator, { job: 'hello' })
  const second = await started(coordinator, { job: 'hello' })
  await settle()
  assert.equal(await why(second), `it waits for its turn: of job "hello" these runs are open: ${first}`)
  await changeJobs.put('default', { name: 'limited', handler: 'hello', rate: { count: 1, periodMs: 60_000, by: 'job' } })
  await started(coordinator, { job: 'limited' })
  const limited = await started(coordinator, { job: 'limited' })
  const opens = `it waits for the rate limit of job "limited": the next start is allowed at ${later(60_001)}`
  assert.equal(await why(limited), opens)
  assert.equal((await readRuns.get('default', limited)).message, opens)
  await assert.rejects(readRuns.why('acme', id), { code: 'RUN_NOT_FOUND' })
})
