import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type CarillonError, connect, workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { cliFor, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'

const FILE = `name: order
description: from the basket to the door
nodes:
  - { id: reserve, handler: reserve }
  - id: check
    after: reserve
    decision:
      - { when: payload.total > 1000, to: cool }
      - { otherwise: charge }
  - { id: cool, wait: { durationMs: 60000 } }
  - { id: charge, handler: charge, after: [check, cool], attempts: 2 }
`

test('a workflow on the command line: validate, put, get, list, diagram, run, tree, export, rm', async () => {
  const cleanup = new Cleanup({ after })
  const { url } = await startUp(cleanup, { demo: false })
  const carillon = cliFor(cleanup, url)
  const folder = cleanup.folder()
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const file = write('order.yaml', FILE)
  const mesh = await connect({ servers: url, service: 'shop' })
  cleanup.add('shop', () => mesh.stop())
  mesh.handle('reserve', () => ({ parcels: 2 }))
  mesh.handle('charge', () => {
    throw new Error('no money')
  })
  await mesh.start()

  // What only the service finds has its line, too.
  const wrong = write(
    'wrong.yaml',
    FILE.replace('payload.total > 1000', 'payload.total >').replace('charge, after', 'charge, payload: "nodes.lost.result", after'),
  )
  const refused = await carillon(['workflows', 'validate', wrong, '--json'])
  assert.equal(refused.code, 2)
  const found = JSON.parse(refused.stdout)
  assert.deepEqual(
    found.problems.map(({ line, field }: { line: number; field: string }) => [line, field]),
    [
      [8, 'nodes.1.decision.0.when'],
      [11, 'nodes.3.payload'],
    ],
  )
  const put = await carillon(['workflows', 'put', wrong])
  assert.equal(put.code, 2)
  assert.match(
    put.stderr,
    /^error INVALID_WORKFLOW: wrong\.yaml has 2 problems; nothing is put\n {2}wrong\.yaml:8 nodes\.1\.decision\.0\.when: /,
  )
  assert.deepEqual((await mesh.client.workflows.list()).items, [])

  assert.match((await carillon(['workflows', 'validate', file])).stdout, /^order\.yaml is valid: 4 nodes\.\n$/)
  assert.match(
    (await carillon(['workflows', 'put', file])).stdout,
    /mode +workflow of 4 nodes[\s\S]*\ncharge +handler +charge +check, cool\n$/,
  )
  assert.match((await carillon(['workflows', 'list'])).stdout, /^WORKFLOW .*\norder +active +4 +from the basket to the door\n$/)
  assert.equal(JSON.parse((await carillon(['workflows', 'get', 'order', '--json'])).stdout).workflow.nodes.length, 4)
  const drawn = await carillon(['workflows', 'diagram', 'order'])
  assert.match(drawn.stdout, /^<svg [\s\S]*<\/svg>\n$/)
  assert.equal((await carillon(['workflows', 'diagram', file])).stdout, drawn.stdout)

  const run = await mesh.client.run('order', { total: 5 })
  await assert.rejects(run.result({ timeoutMs: 30_000 }))
  const tree = await carillon(['runs', 'tree', run.id])
  assert.match(
    tree.stdout,
    /\n1 ── reserve +handler +succeeded +took .*\n2 ── check +decision +succeeded +→ charge +← reserve\n3 ── cool +wait +not needed +← check\n/,
  )
  assert.match(tree.stdout, /\n4 ── charge +handler +failed +took .*attempt 2 +← check, cool\n {3}failed +charge .*: no money\n$/)
  assert.match((await carillon(['runs', 'watch', run.id])).stdout, /4 ── charge/)
  const coloured = await carillon(['workflows', 'diagram', 'order', '--run', run.id])
  assert.match(coloured.stdout, />not needed<\/text>/)

  await mesh.client.jobs.put({ name: 'plain', handler: 'reserve' })
  for (const args of [
    ['get', 'plain'],
    ['rm', 'plain'],
    ['diagram', 'plain'],
  ]) {
    const { code, stderr } = await carillon(['workflows', ...args])
    assert.deepEqual([code, /JOB_NOT_FOUND: job plain is no workflow/.test(stderr)], [1, true], stderr)
  }
  const plain = await mesh.client.run('plain')
  const other = await carillon(['workflows', 'diagram', 'order', '--run', plain.id])
  assert.match(other.stderr, /INVALID_REQUEST/)

  const jobs = write('jobs.yaml', (await carillon(['jobs', 'export'])).stdout)
  assert.match((await carillon(['jobs', 'apply', '-f', jobs])).stdout, /^Nothing to change: all 2 jobs are as in the file\.\n$/)
  assert.match((await carillon(['workflows', 'rm', 'order'])).stdout, /^removed order; /)
  assert.match((await carillon(['workflows', 'list'])).stdout, /^No workflows yet/)
  assert.match((await carillon(['jobs', 'apply', '-f', jobs])).stdout, /\+ workflow\.nodes/)
  assert.equal((await mesh.client.workflows.get('order')).workflow.nodes.length, 4)
})

test('the builder: what the client refuses, what the service refuses, and a workflow that runs', async () => {
  const cleanup = new Cleanup({ after })
  const { url } = await startUp(cleanup, { demo: false })
  const mesh = await connect({ servers: url, service: 'shop' })
  cleanup.add('shop', () => mesh.stop())
  mesh.handle<{ total: number }>('double', ({ payload }) => payload.total * 2)
  await mesh.start()
  const { workflows } = mesh.client
  const refusal = async (put: Promise<unknown>): Promise<CarillonError> =>
    put.then(
      () => assert.fail('accepted'),
      (error) => error,
    )

  const begin = workflow('sum').node('one', { handler: 'double' })
  const sum = begin.node('two', { handler: 'double', after: 'one', payload: '{"total": nodes.one.result}' }).done()
  // Until the coordinator has heard of the instance it warns.
  await eventually('the handler is known', async () => (await workflows.validate(sum)).warnings.length === 0)
  assert.equal((await workflows.put(sum)).mode, 'workflow')
  const run = await mesh.client.run(sum, { total: 3 })
  await run.result({ timeoutMs: 30_000 })
  const { nodes = [] } = await mesh.client.runs.tree(run.id)
  assert.deepEqual(
    nodes.map(({ id, state, after: before }) => [id, state, ...before]),
    [
      ['one', 'succeeded'],
      ['two', 'succeeded', 'one'],
    ],
  )

  const [missing] = (await workflows.validate(begin.node('two', { handler: 'nobody', after: 'one' }))).warnings
  assert.match(missing ?? '', /no instance offers nobody/)
  const expression = await refusal(workflows.put(begin.node('two', { handler: 'double', after: 'one', payload: '1 +' })))
  assert.deepEqual([expression.code, expression.details.field], ['INVALID_WORKFLOW', 'workflow.nodes.1.payload'])
  const circle = { name: 'circle', workflow: { nodes: [{ id: 'a', handler: 'double', after: 'a' }] } }
  assert.deepEqual(
    (await refusal(workflows.put(circle))).details.problems?.map(({ value }) => value),
    ['a → a'],
  )
  const many = Array.from({ length: 1_001 }, (_, i) => ({ id: `n${i}`, handler: 'double' }))
  assert.equal((await refusal(workflows.put({ name: 'many', workflow: { nodes: many } }))).details.field, 'workflow.nodes')
  assert.equal((await refusal(workflows.put({ name: 'sum', handler: 'double' } as never))).details.field, 'workflow')
  const long = { name: 'long', workflow: { nodes: [{ id: 'a', handler: 'double', payload: '1+'.repeat(500_000) }] } }
  assert.equal((await refusal(workflows.put(long))).details.field, 'workflow.nodes.0.payload')
  assert.equal((await refusal(workflows.get('circle'))).code, 'JOB_NOT_FOUND')
})
