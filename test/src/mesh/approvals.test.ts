import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { headers } from '@nats-io/transport-node'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const order = workflow('order')
  .node('reserve', { handler: 'reserve' })
  .node('paid', { wait: { signal: 'paid', timeoutMs: 60_000 }, after: 'reserve' })
  .node('approve', { wait: { approval: {} }, after: 'paid' })
  .node('ship', { handler: 'ship', after: 'approve', payload: "{'ref': nodes.paid.result.ref, 'by': nodes.approve.result.by}" })
  .done()
const release = workflow('release')
  .node('sign', { wait: { approval: { by: ['finance', 'admin'] } } })
  .node('go', { handler: 'go', after: 'sign', payload: 'nodes.sign.result.by' })
  .done()

for (const store of STORES)
  describe(`signals and approvals in workflows, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store, coordinators: 2, gateways: 1 })
    })

    test('an order waits for its payment and for an approval, and nothing before them runs again (40)', async () => {
      const calls = { reserve: 0, ship: 0 }
      const { client } = await offering(mesh, {
        reserve: () => void calls.reserve++,
        ship: (ctx) => {
          calls.ship++
          return ctx.payload
        },
      })
      await client.workflows.put(order)
      const run = await client.run('order')
      // Before it waits.
      await run.signal('paid', { ref: 'A1' })
      await eventually('it waits for the approval', async () => (await client.runs.tree(run.id)).nodes?.[2]?.awaits !== undefined)
      const [, paid, approve] = (await client.runs.tree(run.id)).nodes ?? []
      assert.deepEqual([paid?.state, approve?.state, approve?.awaits], ['succeeded', 'delayed', { approval: [] }])
      const answers = await Promise.all([client.runs.approve(run.id, 'approve', { note: 'ok' }), client.runs.approve(run.id, 'approve')])
      assert.deepEqual(answers.map(({ already }) => already).sort(), [false, true])
      assert.equal((await refusal(client.runs.reject(run.id, 'approve'))).code, 'DECIDED_OTHERWISE')
      await run.result()
      assert.deepEqual(calls, { reserve: 1, ship: 1 })
      const ship = (await client.runs.tasks(run.id)).items.find(({ task }) => task === 'ship')
      assert.deepEqual(ship?.result, { ref: 'A1', by: answers[0].by })
    })

    test('an approval that names roles is decided by an account with one of them, and by nothing else', async () => {
      const { client, namespace } = await offering(mesh, { go: ({ payload }) => payload })
      await client.workflows.put(release)
      const run = await client.run('release')
      const stateOf = async () => (await client.runs.tree(run.id)).nodes?.[0]?.state
      await eventually('it waits', async () => (await stateOf()) === 'delayed')
      const { rejected } = await forgedSignal(mesh, { namespace, runId: run.id })
      assert.match(rejected, /FORBIDDEN/)
      for (const byNats of [
        () => client.runs.approve(run.id, 'sign'),
        () => client.runs.skipNode(run.id, 'sign'),
        () => run.signal('sign', { by: 'ada' }),
      ])
        assert.equal((await refusal(byNats())).code, 'FORBIDDEN')

      const base = `${mesh.httpUrls[0]}/api/v1/namespaces/${namespace}`
      const ask = async (line: string, headers: Record<string, string>, body: object = {}) => {
        const [method = '', path = ''] = line.split(' ')
        const init = method === 'GET' ? {} : { body: JSON.stringify(body) }
        const answered = await fetch(base + path, { method, headers, ...init })
        return { status: answered.status, body: await answered.json().catch(() => ({})) }
      }
      const bob = await mesh.accounts.member({ namespace, name: 'bob', role: 'developer' })
      const token = await mesh.accounts.token(namespace, 'developer')
      const node = `/runs/${run.id}/nodes/sign`
      for (const headers of [bob.headers, token])
        for (const [path, body] of [
          [`${node}/approve`, {}],
          [`${node}/reject`, {}],
          [`${node}/skip`, {}],
          [`${node}/succeed`, { result: { by: 'ada' } }],
          [`/runs/${run.id}/signals/sign`, { payload: { by: 'ada' } }],
        ] as const) {
          const { status, body: problem } = await ask(`POST ${path}`, headers, body)
          assert.deepEqual([status, problem.code], [403, 'FORBIDDEN'], path)
          assert.match(problem.detail, /finance, admin/)
        }
      // Nobody gives a role of approvals to themselves, and it is none of gateways.
      assert.equal((await ask(`PUT /members/${bob.id}`, bob.headers, { role: 'developer', approves: ['finance'] })).status, 403)
      const admin = await mesh.accounts.admin()
      const asAdmin = await ask(`PUT /members/${bob.id}`, admin, { role: 'operator', approves: ['admin'] })
      assert.deepEqual([asAdmin.status, asAdmin.body.field], [400, 'approves.0'])
      assert.equal(await stateOf(), 'delayed')

      const given = await ask(`PUT /members/${bob.id}`, admin, { role: 'operator', approves: ['finance'] })
      assert.deepEqual([given.status, given.body.approves], [200, ['finance']])
      const again = { ...bob.headers, cookie: await mesh.accounts.signIn('bob') }
      const decided = await ask(`POST ${node}/approve`, again)
      assert.deepEqual([decided.status, decided.body.by, decided.body.already], [200, 'bob', false])
      await run.result()
      const entries = await eventually('the audit log has it', async () => {
        const { items } = (await ask('GET /audit?action=runs.approve', admin)).body
        return items.some(({ outcome }: { outcome: string }) => outcome === 'done') && items
      })
      const who = entries.map(({ outcome, actorId, via }: Record<string, string>) => `${outcome} ${via} ${actorId?.split('/')[0] ?? ''}`)
      assert.deepEqual([...new Set(who)].sort(), ['FORBIDDEN http token', 'FORBIDDEN http user', 'FORBIDDEN nats ', 'done http user'])
    })
  })

/** A signal on the stream with a forged `Carillon-Account` header: any client of the broker can send one. */
async function forgedSignal(mesh: TestMesh, { namespace, runId }: { namespace: string; runId: string }): Promise<{ rejected: string }> {
  const connection = await mesh.nats()
  const seen: string[] = []
  connection.subscribe(`carillon.${namespace}.event.message.*.rejected`, {
    callback: (_error, message) => void seen.push(message.string()),
  })
  const publish = (name?: string, value?: string) => {
    const head = headers()
    head.set('Carillon-By', 'ada')
    if (name !== undefined && value !== undefined) head.set(name, value)
    connection.publish(`carillon.${namespace}.signal.${runId}.sign`, '{"by":"ada"}', { headers: head })
  }
  publish()
  publish('Carillon-Account', JSON.stringify({ account: 'user/ada', roles: ['admin', 'finance'] }))
  await connection.flush()
  await eventually('they are rejected', () => seen.length >= 2)
  return { rejected: seen.join('\n') }
}
