import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect, type Mesh, type TaskContext } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { cliFor, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'

test('versions on the command line: list, what drain and doctor say, why a run waits, and moving it', async () => {
  const cleanup = new Cleanup({ after })
  const { url } = await startUp(cleanup, { demo: false })
  const carillon = cliFor(cleanup, url)
  const deploy = async (instance: string, version: string): Promise<Mesh> => {
    const mesh = await connect({ servers: url, service: 'shop', instance, signals: false })
    cleanup.add(instance, () => mesh.stop())
    const order = async (ctx: TaskContext) => {
      await ctx.step('reserve', () => 1)
      if (version === 'v1') await ctx.sleep('1h')
      return version
    }
    mesh.handle('order', order, { version })
    await mesh.start()
    return mesh
  }
  const old = await deploy('shop-1', 'v1')
  const { id } = await old.client.run('order')
  await eventually('it sleeps', async () => (await old.client.runs.get(id)).reason === 'sleep')
  // A coordinator may still be reading who is alive.
  await eventually('it is listed', async () =>
    /PROGRAM +INSTANCES +OPEN\norder@v1 +shop-1 +1\n/.test((await carillon(['versions', 'list'])).stdout),
  )
  assert.match((await carillon(['instances', 'list'])).stdout, /order@v1/)
  assert.match((await carillon(['runs', 'get', id])).stdout, /program +order@v1/)
  const drained = await carillon(['instances', 'drain', 'shop-1'])
  assert.match(drained.stderr, /1 open run goes on with order@v1, which no other instance has or accepts/)
  assert.equal(drained.code, 0)
  await old.stop()
  const newer = await deploy('shop-2', 'v2')
  const doctor = await carillon(['doctor'])
  assert.match(
    doctor.stdout,
    /✗ program order@v1: 1 open run is bound to it, and no live instance has it or accepts it; 0 waiting\n +→ Start an instance/,
  )
  assert.equal(doctor.code, 1)
  const tried = await carillon(['runs', 'move', id, '--dry-run'])
  assert.match(tried.stdout, /PROGRAM +INSTANCES +FITS\norder@v2 +1 +unknown\n/)
  const typo = await carillon(['runs', 'move', id, '--to', 'order@v3'])
  assert.match(typo.stderr, /No live instance has this program\. These could go on with it: order@v2\./)
  assert.equal((await carillon(['runs', 'move', id])).code === 0, false)
  const { stdout } = await carillon(['runs', 'move', id, '--to', 'order@v2'])
  assert.match(stdout, new RegExp(`^${id} goes on with order@v2\\n$`))
  assert.deepEqual(
    (await carillon(['versions', 'list', '--json'])).json<{ program: string }[]>().map(({ program }) => program),
    ['order@v2'],
  )
  assert.equal((await newer.client.runs.get(id)).program, 'order@v2')
})
