import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { startMesh } from './testing/mesh-fixture.ts'

test('what is no object where one is needed is refused with a code and the name of the field', async (t) => {
  const { connect } = await startMesh(t)
  const mesh = await connect()
  const { client } = mesh
  const isRefused = (field: string) => (error: unknown) => {
    assert.ok(CarillonError.is(error), String(error))
    assert.deepEqual([error.code, error.details.field], ['INVALID_REQUEST', field])
    return true
  }
  for (const wrong of [null, 5, 'x', []] as never[]) {
    assert.throws(() => mesh.job('bills', wrong), isRefused('job'))
    assert.throws(() => mesh.handle('bills', () => 1, wrong), isRefused('options'))
    await assert.rejects(client.jobs.put(wrong), isRefused('job'))
    await assert.rejects(client.run('bills', {}, wrong), isRefused('options'))
    await assert.rejects(client.runMany([], wrong), isRefused('options'))
    await assert.rejects(client.jobs.check(wrong), isRefused('job'))
    await assert.rejects(client.jobs.pause('bills', wrong), isRefused('options'))
    await assert.rejects(client.jobs.remove('bills', wrong), isRefused('options'))
    await assert.rejects(client.runs.retry('01m8f3h0qj00007rss8tkqgv4t', wrong), isRefused('options'))
    await assert.rejects(client.instances.cordon('web-1', wrong), isRefused('options'))
    await assert.rejects(client.instances.drain('web-1', wrong), isRefused('options'))
    const [outcome] = await client.runMany([wrong])
    assert.ok(outcome && !outcome.ok && isRefused('run')(outcome.error))
  }
  assert.throws(() => mesh.job('bills', undefined as never), isRefused('job'))
  await assert.rejects(client.runMany(null as never), isRefused('requests'))
})
