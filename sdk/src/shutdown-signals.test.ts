import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { test } from 'node:test'
import { type OfferAnswer, subjects } from '@carillon/contracts'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { startMesh } from './testing/mesh-fixture.ts'

const script = (url: string) => `
  import { connect } from ${JSON.stringify(new URL('./index.js', import.meta.url).href)}
  const mesh = await connect({ servers: ${JSON.stringify(url)}, service: 'child', instance: 'child' })
  mesh.handle('waits', () => new Promise((resolve) => process.once('SIGUSR2', () => resolve('done'))))
  await mesh.start()
  console.log('ready')
`

const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))

for (const isPatient of [true, false]) {
  test(
    isPatient ? 'SIGTERM lets what runs finish, then exits with 0' : 'a second SIGTERM exits without waiting for what runs',
    async (t) => {
      const { fake, server } = await startMesh(t)
      const child = spawn(process.execPath, ['--input-type=module', '-e', script(server.url)], { stdio: ['ignore', 'pipe', 'inherit'] })
      t.after(() => child.kill('SIGKILL'))
      const exit = exitOf(child)
      await new Promise((resolve) => child.stdout?.once('data', resolve))
      const [task] = await fake.work('waits', [1])
      await eventually('it runs', () => fake.reports.some(({ type }) => type === 'started'))
      child.kill('SIGTERM')
      let offers = 0
      await eventually('it drains', async () => {
        // Another one each time: what was accepted before is accepted again.
        const taskId = `run-0-${offers++}`
        const offer = JSON.stringify({ runId: 'run-0', taskId, handler: 'waits', attempt: 1, payload: null })
        const answer = await fake.connection.request(subjects.direct('default', 'child'), offer, REQUEST_DEADLINE)
        return answer.json<OfferAnswer & { reason?: string }>().reason === 'draining'
      })
      child.kill(isPatient ? 'SIGUSR2' : 'SIGTERM')
      assert.equal(await exit, isPatient ? 0 : 143)
      assert.equal(fake.finished(task).length, isPatient ? 1 : 0)
      assert.deepEqual(fake.left, ['child'])
      // What was not waited for is said to have ended with the process, which is no fault of its own.
      const died = (await fake.reported('died')).filter(({ taskId }) => taskId === task)
      assert.deepEqual(
        died.map((report) => 'blame' in report && report.blame),
        isPatient ? [] : ['another'],
      )
    },
  )
}

test('stop in the middle of start leaves nothing behind', async (t) => {
  const { fake, connect } = await startMesh(t)
  fake.answers['instances.register'] = () => ({ error: { code: 'STORE_UNAVAILABLE', message: 'not yet' } })
  const mesh = await connect()
  mesh.handle('x', () => 1)
  const starting = mesh.start()
  await mesh.stop()
  await starting
  await Promise.all([mesh.stop(), mesh.stop()])
  assert.deepEqual([fake.registrations.length, fake.left.length], [0, 0])
})
