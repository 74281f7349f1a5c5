import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { InstanceView, RunView } from '@carillon/contracts'
import { eventually, within } from '@carillon/wire/testing'
import { type Cli, cliFor, startUp, type UpMesh } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { launch } from '../support/processes.ts'

const TEN_LINES = fileURLToPath(new URL('./ten-lines.js', import.meta.url))
/** Inside of this package, so that `require` finds what it depends on. */
const HERE = fileURLToPath(new URL('../..', import.meta.url))

const COMMON_JS = `
const { connect, CarillonError, NonRetryableError } = require('@carillon/sdk')
async function main() {
  const mesh = await connect({ servers: process.argv[2], service: 'legacy' })
  mesh.handle('old', async (ctx) => {
    if (ctx.payload.bad) throw new NonRetryableError('bad')
    return { from: 'require', node: process.versions.node.split('.')[0] }
  })
  await mesh.start()
  const run = await mesh.client.run('old', { bad: false })
  console.log(JSON.stringify(await run.result()))
  const error = await (await mesh.client.run('old', { bad: true }, { attempts: 3 })).result().catch((thrown) => thrown)
  console.log(CarillonError.is(error), error.code)
}
main().catch((error) => { console.error(error); process.exit(1) })
`

/** The machine's own node, where it is one that the SDK supports: not the one that this project brings. */
function machineNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  for (const path of folders.map((folder) => join(folder, 'node'))) {
    const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
    const [major = 0, minor = 0] =
      /v(\d+)\.(\d+)/
        .exec(stdout ?? '')
        ?.slice(1)
        .map(Number) ?? []
    if (status === 0 && dirname(path) !== dirname(process.execPath) && (major > 20 || (major === 20 && minor >= 19))) return path
  }
  return undefined
}

describe('services of users', () => {
  const cleanup = new Cleanup({ after })
  let up: UpMesh
  let carillon: Cli
  before(async () => {
    up = await startUp(cleanup, { demo: false })
    carillon = cliFor(cleanup, up.url)
  })

  test('ten lines join the mesh, run and drain on SIGTERM', async () => {
    const service = launch(cleanup, [process.execPath, TEN_LINES, up.url])
    await service.shows(/\{ sent: true \}/)
    const [listed] = (await carillon(['runs', 'list', '--json'])).json<RunView[]>()
    const run = (await carillon(['runs', 'get', listed?.runId ?? '', '--json'])).json<RunView>()
    assert.deepEqual([run.handler, run.state, run.key, run.payload], ['send-invoice', 'succeeded', 'order-1', { to: 'ada@example.org' }])
    await eventually('its line is stored', async () => (await carillon(['logs', run.runId])).stdout.includes('sending'))
    const refused = (await carillon(['run', 'send-invoice', '{"to":"nobody"}', '--json'])).json<RunView>()
    assert.deepEqual([refused.state, refused.reason], ['failed', 'invalid-payload'])
    service.signal('SIGTERM')
    assert.deepEqual(await within(60_000, 'it ends', service.exited), { code: 0, signal: null })
    assert.deepEqual((await carillon(['instances', 'list', '--json'])).json<InstanceView[]>(), [])
  })

  const nodes = { 'the node of this project': process.execPath, "the machine's own node": machineNode() }
  for (const [name, node] of Object.entries(nodes)) {
    test(`a CommonJS service under ${name}`, { skip: node === undefined ? 'there is none from 20.19 on' : false }, async () => {
      assert.ok(node)
      const file = join(HERE, `common-js-${process.pid}.cjs`)
      writeFileSync(file, COMMON_JS)
      cleanup.add(file, () => rmSync(file, { force: true }))
      const service = launch(cleanup, [node, file, up.url])
      const [text] = await service.shows(/^\{"from":"require".*\}$/m)
      const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout
      assert.equal((JSON.parse(text) as { node: string }).node, /v(\d+)/.exec(version)?.[1])
      await service.shows(/^true RUN_NOT_SUCCEEDED$/m)
      service.signal('SIGTERM')
      assert.deepEqual(await within(60_000, 'it ends', service.exited), { code: 0, signal: null })
      assert.doesNotMatch(service.stderr(), /Warning/)
    })
  }
})
