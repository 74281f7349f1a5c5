import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { NodeDecided, RunView } from '@carillon/contracts'
import { type CarillonError, connect, type Mesh, workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { type Cli, sharedCliFor, startUp } from '../support/carillon.ts'
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

/** The id of no run. */
const NO_RUN = '0'.repeat(26)

describe('workflows', () => {
  const cleanup = new Cleanup({ after })
  let url: string
  let carillon: Cli
  before(async () => {
    ;({ url } = await startUp(cleanup, { demo: false }))
    carillon = sharedCliFor(cleanup, url)
  })

  async function service(name: string): Promise<Mesh> {
    const mesh = await connect({ servers: url, service: name })
    cleanup.add(name, () => mesh.stop())
    return mesh
  }

  /** Each of these commands of `runs` is refused with an error that names the field, its value and what would be right. */
  async function refusals(expected: `${number} ${string} ${string}`, commands: string[][]): Promise<void> {
    const [exit, code, field] = expected.split(' ')
    const all = await Promise.all(commands.map((args) => carillon(['runs', ...args])))
    for (const [i, outcome] of all.entries()) {
      const shown = `${commands[i]?.join(' ')}: ${outcome.stdout}${outcome.stderr}`
      assert.equal(outcome.code, Number(exit), shown)
      assert.match(outcome.stderr, new RegExp(`^error ${code}: .+\n {2}field: ${field}\n {2}value: .+\n {2}hint: .+\n$`), shown)
    }
  }

  test('a workflow on the command line: validate, put, get, list, diagram, run, tree, export, rm', async () => {
    const folder = cleanup.folder()
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const file = write('order.yaml', FILE)
    const mesh = await service('shop')
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
      /mode +workflow of 4 nodes[\s\S]*\ncool +wait .* +check\ncharge +handler +charge +check, cool\n$/,
    )
    assert.match((await carillon(['workflows', 'list'])).stdout, /^WORKFLOW .*\norder +active +4 +from the basket to the door\n$/)
    assert.equal(JSON.parse((await carillon(['workflows', 'get', 'order', '--json'])).stdout).workflow.nodes.length, 4)
    assert.equal((await carillon(['workflows', 'schema'])).json()['$id'], 'urn:carillon:workflow')
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
    const mesh = await service('sums')
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

  test('nodes on the command line: what fails is retried, skipped, or counts as succeeded', async () => {
    const mesh = await service('till')
    let isUp = false
    const done: string[] = []
    mesh.handle('weigh', () => void done.push('weigh'))
    mesh.handle('bill', () => {
      if (!isUp) throw new Error('no money')
      done.push('bill')
      return { ref: 1 }
    })
    mesh.handle('thank', ({ payload }) => void done.push(`thank ${JSON.stringify(payload)}`))
    await mesh.start()
    await mesh.client.workflows.put(
      workflow('sale')
        .node('weigh', { handler: 'weigh' })
        .node('bill', { handler: 'bill', after: 'weigh' })
        .node('thank', { handler: 'thank', after: 'bill', payload: 'nodes.bill.result' })
        .done(),
    )
    const failed = async () => {
      const run = await mesh.client.run('sale')
      await assert.rejects(run.result({ timeoutMs: 30_000 }))
      return run
    }
    const [skipped, told, again] = await Promise.all([failed(), failed(), failed()])
    /** What the command answers is the run after the change: it had ended. */
    const goesOn = async (...args: string[]) => {
      const view = (await carillon(['runs', ...args, '--json'])).json<RunView>()
      assert.ok(['queued', 'running'].includes(view.state) || view.attempt > 1, JSON.stringify(view))
      await mesh.client.handleOf(view.runId).result({ timeoutMs: 30_000 })
      const { nodes = [] } = await mesh.client.runs.tree(view.runId)
      return nodes.map(({ id, state }) => `${id}:${state}`).join(' ')
    }
    assert.equal(await goesOn('succeed-node', told.id, 'bill', '{"ref":7}'), 'weigh:succeeded bill:succeeded thank:succeeded')
    assert.ok(done.includes('thank {"ref":7}'), done.join())
    assert.equal(await goesOn('skip-node', skipped.id, 'bill'), 'weigh:succeeded bill:skipped thank:succeeded')
    await mesh.client.workflows.put(workflow('day').node('sub', { job: 'sale' }).done())
    const day = await mesh.client.run('day')
    await assert.rejects(day.result({ timeoutMs: 30_000 }))
    const [{ childRunId = '' } = {}] = (await mesh.client.runs.tree(day.id)).nodes ?? []
    const within = await carillon(['runs', 'skip-node', childRunId, 'bill'])
    assert.match(within.stdout, /\nstate +failed\n/)
    assert.match(within.stderr, new RegExp(`^It goes on when run ${day.id}, .*carillon.* runs retry ${day.id} --failed`))
    const detached = await carillon(['run', 'day', '--detach'])
    assert.match(detached.stderr, /^follow it: .*carillon.* runs watch /)
    await mesh.client.handleOf(detached.stdout.match(/\b0\w{25}\b/)?.[0] ?? '').ended({ timeoutMs: 30_000 })

    isUp = true
    done.length = 0
    assert.equal(await goesOn('retry', again.id, '--from-node', 'bill'), 'weigh:succeeded bill:succeeded thank:succeeded')
    assert.deepEqual(done.splice(0), ['bill', 'thank {"ref":1}'])
    assert.equal(await goesOn('retry', again.id, '--node', 'bill'), 'weigh:succeeded bill:succeeded thank:succeeded')
    assert.deepEqual(done.splice(0), ['bill'])
    const { id } = again
    const plain = await mesh.client.run('weigh')
    await plain.result({ timeoutMs: 30_000 })
    await refusals('1 RUN_NOT_FOUND runId', [
      ['skip-node', NO_RUN, 'bill'],
      ['retry', NO_RUN, '--node', 'bill'],
    ])
    await refusals('2 INVALID_REQUEST runId', [
      ['skip-node', 'what', 'bill'],
      ['succeed-node', plain.id, 'bill'],
    ])
    await refusals('2 INVALID_REQUEST node', [
      ['skip-node', id, 'pay'],
      ['succeed-node', id, 'bill', '1'],
      ['stop-node', id, 'bill'],
      ['retry', id, '--node', 'pay'],
      ['retry', id, '--node', 'bill', '--from-node', 'weigh'],
      ['retry', plain.id, '--node', 'bill'],
    ])
    await refusals('2 INVALID_REQUEST fromNode', [
      ['retry', id, '--from-node', 'pay'],
      ['retry', plain.id, '--from-node', 'bill'],
    ])
    await refusals('2 INVALID_JSON result', [['succeed-node', id, 'bill', '{ref:7}']])
  })

  test('approvals, signals and a pause on the command line', async () => {
    const { client } = await service('office')
    const put = workflow('claim')
      .node('paid', { wait: { signal: 'paid' } })
      .node('approve', { wait: { approval: {} }, after: 'paid' })
      .node('check', { wait: { approval: {} }, after: 'approve' })
    await client.workflows.put(put.done())
    const { id } = await client.run('claim')
    const node = async (name: string) => (await client.runs.tree(id)).nodes?.find((one) => one.id === name)
    await eventually('it waits', async () => (await node('paid'))?.state === 'delayed')
    const stateOf = async (...args: string[]) => (await carillon(['runs', ...args, '--json'])).json<RunView>().state
    assert.equal(await stateOf('pause', id), 'paused')
    assert.match((await carillon(['runs', 'get', id])).stdout, new RegExp(`paused +since .*carillon.* runs resume ${id}`))
    assert.equal(await stateOf('resume', id), 'running')

    // Kept before anything waits for it.
    const kept = await carillon(['runs', 'signal', id, 'later', '1', '--ttl', '2d'])
    assert.match(
      kept.stdout,
      /^Signal later is kept: run .* does not wait for it yet\. What it waits for: .*carillon.* runs why .*\nSignals of it: .*carillon.* runs signals /,
    )
    await refusals('2 INVALID_REQUEST node', [
      ['approve', id, 'approve'],
      ['approve', id, 'paid'],
      ['reject', id, 'sign'],
    ])
    const taken = await carillon(['runs', 'signal', id, 'paid', '{"ref":1}', '--id', 'receipt-1'])
    assert.equal(taken.stdout, `Run ${id} goes on with signal paid.\n`)
    assert.match((await carillon(['runs', 'signal', id, 'paid', '{"ref":1}', '--id', 'receipt-1'])).stdout, /^It was there already\. /)
    assert.match(
      (await carillon(['runs', 'signals', id])).stdout,
      /^SIGNAL +STATE .*PAYLOAD\nlater +kept .* 1\npaid +taken .*\{"ref":1\}\n$/s,
    )
    const unclaimed = await carillon(['runs', 'signal', NO_RUN, 'paid'])
    assert.match(unclaimed.stdout, /there is no run .* so far/)
    assert.match((await carillon(['runs', 'signals', NO_RUN])).stdout, /\npaid +unclaimed /)

    await eventually('it waits for an approval', async () => (await node('approve'))?.state === 'delayed')
    assert.match((await carillon(['runs', 'approve', id, 'approve', '--note', 'ok'])).stdout, /^Node approve is approved by .+@.+\.\n$/)
    assert.match((await carillon(['runs', 'approve', id, 'approve'])).stdout, /^It was decided before: node approve is approved by /)
    await refusals('1 DECIDED_OTHERWISE node', [['reject', id, 'approve']])
    await refusals('2 INVALID_REQUEST generation', [['approve', id, 'approve', '--generation', '5']])
    await refusals('2 INVALID_REQUEST --generation', [['approve', id, 'approve', '--generation', 'x']])
    assert.equal((await carillon(['runs', 'reject', id, 'check', '--note', 'too dear', '--json'])).json<NodeDecided>().decision, 'rejected')
    const tree = (await carillon(['runs', 'tree', id])).stdout
    assert.match(tree, /── approve .*approved by .*\n.*── check .*rejected by .*/)
    await eventually('it has failed', async () => (await client.runs.get(id)).state === 'failed')
    await refusals('1 RUN_ENDED runId', [
      ['pause', id],
      ['resume', id],
      ['cancel', id],
      ['signal', id, 'paid'],
    ])
    await refusals('1 RUN_NOT_FOUND runId', [
      ['pause', NO_RUN],
      ['resume', NO_RUN],
      ['approve', NO_RUN, 'approve'],
    ])
    await refusals('2 INVALID_REQUEST runId', [
      ['pause', 'what'],
      ['reject', 'what', 'approve'],
      ['signals', 'what'],
      ['signal', 'what', 'paid'],
    ])
    await refusals('2 INVALID_JSON payload', [['signal', id, 'paid', 'hello']])
    await refusals('2 INVALID_NAME name', [['signal', id, 'a.b', '1']])
    await refusals('2 INVALID_DELAY --ttl', [['signal', id, 'paid', '1', '--ttl', '100d']])
  })
})
