import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect, type Deferred } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { cliFor, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'

interface Letter {
  readonly id: string
  readonly scene: string
  readonly redrivenAs?: string
}

test('dead letters on the command line: list, get, redrive with the same and other arguments, all of a scene, rollback, rm', async () => {
  const cleanup = new Cleanup({ after })
  const { url } = await startUp(cleanup, { demo: false })
  const carillon = cliFor(cleanup, url)
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await carillon([...args, '--json'])
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  const shop = await connect({ servers: url, service: 'shop', outbox: { folder: cleanup.folder() } })
  cleanup.add('shop', () => shop.stop())
  let isUp = false
  const alerts: unknown[] = []
  const charge = shop.retryable(
    {
      ...{ scene: 'charge', strategy: 'remote', attempts: 2, onExhausted: 'alert' },
      backoff: { type: 'fixed', delayMs: 10 },
    },
    (order: number) => {
      if (!isUp) throw new TypeError(`order ${order}: no money`)
      return { charged: order }
    },
  )
  shop.handle('alert', ({ payload }) => void alerts.push(payload))
  await shop.start()
  const deferred: string[] = []
  for (const order of [1, 2, 3, 4, 5]) deferred.push(((await charge(order)) as Deferred).deferred)
  const letters = (): Promise<Letter[]> => json('dead-letters', 'list', '--scene', 'charge', '--all')
  await eventually('all are given up', async () => (await letters()).length === 5)
  await eventually('each has called back', () => alerts.length === 5)
  assert.deepEqual(new Set((await letters()).map(({ id }) => id)), new Set(deferred))
  const [one = '', two = '', three = ''] = deferred

  const shown = (await carillon(['dead-letters', 'get', one])).stdout
  assert.match(shown, /arguments +\[1\]/)
  assert.match(shown, /try 1 +.*TypeError: order 1: no money/)
  assert.match(shown, /try 2 +.*TypeError: order 1: no money/)
  const listed = (await carillon(['dead-letters', 'list'])).stdout
  assert.match(listed, /SCENE +REASON +GIVEN UP +ERROR/)
  assert.match(listed, /charge +handler-error .*order 1: no money/)
  const doctor = await carillon(['doctor'])
  assert.match(
    doctor.stdout,
    /✗ dead letters: 5 calls given up, and nobody has decided about them: charge 5; the oldest (?:.* ago|now) .*; the newest: order \d: no money\n/,
  )
  assert.match(doctor.stdout, / → See them: .*carillon.* dead-letters list\. Then try again .* dead-letters redrive --scene charge; /)
  assert.equal(doctor.code, 1)

  isUp = true
  const redriven = await json('dead-letters', 'redrive', one)
  assert.deepEqual(await shop.client.handleOf(redriven.runId).result({ timeoutMs: 20_000 }), { charged: 1 })
  assert.match((await carillon(['dead-letters', 'redrive', one])).stdout, new RegExp(`${redriven.runId} \\(it was redriven before\\)`))
  assert.match((await carillon(['runs', 'get', redriven.runId])).stdout, new RegExp(`of dead letter ${one}`))
  const other = await json('dead-letters', 'redrive', two, '[22]')
  assert.deepEqual(await shop.client.handleOf(other.runId).result({ timeoutMs: 20_000 }), { charged: 22 })
  const conflict = await carillon(['dead-letters', 'redrive', two, '[23]'])
  assert.deepEqual([conflict.code, /KEY_CONFLICT/.test(conflict.stderr), conflict.stderr.includes(other.runId)], [1, true, true])

  assert.equal((await json('dead-letters', 'rollback', three)).attempts, 4)
  assert.deepEqual(await shop.client.handleOf(three).result({ timeoutMs: 20_000 }), { charged: 3 })
  await eventually('its letter is gone', async () => (await letters()).every(({ id }) => id !== three))

  assert.deepEqual(await json('dead-letters', 'redrive', '--scene', 'charge', '--dry-run'), { found: 2, done: 0, failed: 0 })
  const began = performance.now()
  assert.deepEqual(await json('dead-letters', 'redrive', '--scene', 'charge', '--rate', '2'), { found: 2, done: 2, failed: 0 })
  assert.ok(performance.now() - began >= 500)
  await eventually('each has a run that has succeeded', async () => {
    const runs = await Promise.all((await letters()).map(({ redrivenAs = '' }) => shop.client.runs.get(redrivenAs)))
    return runs.length === 4 && runs.every(({ state }) => state === 'succeeded')
  })

  assert.match((await carillon(['doctor'])).stdout, /✓ dead letters: none waits for a decision\n/)
  assert.match((await carillon(['dead-letters', 'rm', one])).stdout, /^removed/)
  const gone = await carillon(['dead-letters', 'get', one])
  assert.deepEqual([gone.code, /DEAD_LETTER_NOT_FOUND/.test(gone.stderr)], [1, true])
  for (const wrong of [
    ['redrive'],
    ['redrive', one, '--scene', 'charge'],
    ['redrive', two, '{"order":2}'],
    ['redrive', '--scene', 'a b'],
    ['redrive', '--scene', 'charge', '--rate', '0'],
  ])
    assert.equal((await carillon(['dead-letters', ...wrong])).code, 2, wrong.join(' '))
})
