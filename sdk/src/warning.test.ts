import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { signal } from '@carillon/wire/testing'
import { startMesh } from './testing/mesh-fixture.ts'
import { guarded } from './warning.ts'

/** The next warning of this process. */
async function nextWarning(): Promise<{ name: string; code: string; message: string }> {
  const [warning] = await once(process, 'warning')
  return warning
}

test('who listens to no warnings has them from the process: here of a drain that was over too soon', async (t) => {
  const { fake, connect } = await startMesh(t)
  const mesh = await connect({ onWarning: undefined, drainMs: 20 })
  const running = signal()
  mesh.handle('waits', (ctx) => {
    running.fire()
    return new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
  })
  await mesh.start()
  await fake.work('waits', [1])
  await running.fired
  const warned = nextWarning()
  await mesh.stop()
  const { name, code, message } = await warned
  assert.deepEqual([name, code], ['CarillonWarning', 'drain-incomplete'])
  assert.match(message, /1 tasks still ran after 20 ms/)
})

test('what a listener of warnings throws is a warning of the process', async () => {
  const warned = nextWarning()
  guarded(() => {
    throw new Error('no')
  })({ code: 'reconnected', message: 'again' })
  assert.equal((await warned).message, 'onWarning threw Error: no for: again')
})
