/** Runs that other systems start by signed requests. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES) {
  describe(`webhooks, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    const namespace = freshNamespace()
    let client: Client
    let urls: readonly string[] = []
    let signedIn: Record<string, string> = {}

    const manage = async (method: string, job = 'deploy', body?: object) => {
      const init = body
        ? { body: JSON.stringify(body), headers: { ...signedIn, 'content-type': 'application/json' } }
        : { headers: signedIn }
      const response = await fetch(`${urls[0]}/api/v1/namespaces/${namespace}/jobs/${job}/webhook`, { method, ...init })
      const text = await response.text()
      return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) }
    }
    /** @param at which gateway */
    const deliver = async (body: string, headers: Record<string, string>, { job = 'deploy', at = 0 } = {}) => {
      const response = await fetch(`${urls[at]}/hooks/${namespace}/${job}`, { method: 'POST', body, headers })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    const github = (secret: string, body: string, id: string) => ({
      'content-type': 'application/json',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      'x-github-delivery': id,
    })
    const signedNow = (secret: string, body: string, shiftS = 0) => {
      const at = String(Math.floor(Date.now() / 1_000) + shiftS)
      return {
        'x-carillon-timestamp': at,
        'x-carillon-signature': `sha256=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`,
      }
    }

    before(async () => {
      const mesh = await startMesh(cleanup, { store, gateways: 2 })
      urls = mesh.httpUrls
      signedIn = await mesh.accounts.token(namespace)
      ;({ client } = await mesh.connect({ namespace }))
      await client.jobs.put({ name: 'deploy' })
    })

    test('a delivery starts one run with its body, whichever gateway gets it how often', async () => {
      assert.equal((await manage('GET')).body.code, 'WEBHOOK_NOT_FOUND')
      const made = await manage('POST')
      assert.deepEqual([made.status, made.body.url], [201, `/hooks/${namespace}/deploy`])
      const { secret } = made.body
      const { items } = await (
        await fetch(`${urls[0]}/api/v1/namespaces/${namespace}/audit?action=webhooks.add`, { headers: signedIn })
      ).json()
      assert.deepEqual([items.length, items[0].resource, JSON.stringify(items).includes(secret)], [1, 'deploy', false])
      const body = '{"ref":"refs/heads/main"}'
      const first = await deliver(body, github(secret, body, 'd-1'))
      assert.deepEqual([first.status, first.body['created']], [201, true])
      const again = await deliver(body, github(secret, body, 'd-1'), { at: 1 })
      assert.deepEqual([again.status, again.body['runId']], [200, first.body['runId']])
      const run = await client.runs.get(String(first.body['runId']))
      assert.deepEqual([run.payload, run.key], [{ ref: 'refs/heads/main' }, 'hook:deploy:github:d-1'])
      const form = new URLSearchParams({ payload: body }).toString()
      const headers = { ...github(secret, form, 'd-2'), 'content-type': 'application/x-www-form-urlencoded' }
      const { body: started } = await deliver(form, headers)
      assert.deepEqual((await client.runs.get(String(started['runId']))).payload, run.payload)
      assert.equal((await deliver('no json', signedNow(secret, 'no json'))).body['code'], 'INVALID_JSON')
    })

    test('a secret is shown once, and two are valid while one replaces the other', async () => {
      const secrets: string[] = []
      for (let i = 0; i < 3; i++) secrets.push((await manage('POST')).body.secret)
      const shown = await manage('GET')
      assert.equal(shown.body.secrets.length, 2)
      for (const secret of secrets) assert.ok(!shown.text.includes(secret.slice(6, 20)))
      const statuses = []
      for (const [i, secret] of secrets.entries()) statuses.push((await deliver(`[${i}]`, signedNow(secret, `[${i}]`))).status)
      assert.deepEqual(statuses, [401, 201, 201])
      const own = 'whsec_of-a-sender-that-makes-its-own'
      assert.equal((await manage('POST', 'deploy', { secret: own })).body.secret, own)
      assert.equal((await deliver('{"own":1}', signedNow(own, '{"own":1}'))).status, 201)
      assert.equal((await manage('POST', 'deploy', { secret: 'short' })).body.field, 'secret')
    })

    test('what is not signed right is refused in the same words, whether there is such a job', async () => {
      await client.jobs.put({ name: 'unhooked' })
      const { secret } = (await manage('POST')).body
      const refusals = [
        await deliver('{}', {}),
        await deliver('{}', signedNow('another-secret-of-someone', '{}')),
        await deliver('{} ', signedNow(secret, '{}')),
        await deliver('{}', signedNow(secret, '{}', -400)),
        await deliver('{}', signedNow(secret, '{}', 400)),
        await deliver('{}', signedNow(secret, '{}'), { job: 'unhooked' }),
        await deliver('{}', signedNow(secret, '{}'), { job: 'missing' }),
        await deliver('{}', signedNow(secret, '{}'), { job: '__proto__' }),
        await deliver('{}', signedNow(secret, '{}'), { job: '..%2fdeploy' }),
      ]
      for (const refusal of refusals) assert.deepEqual(refusal, refusals[0])
      assert.deepEqual([refusals[0]?.status, refusals[0]?.body['code']], [401, 'WEBHOOK_REFUSED'])
    })

    test('a webhook that was removed takes nothing, nor does a removed job', async () => {
      assert.equal((await manage('POST', 'missing')).body.code, 'JOB_NOT_FOUND')
      await client.jobs.put({ name: 'gone' })
      const { secret } = (await manage('POST', 'gone')).body
      await client.jobs.remove('gone')
      assert.equal((await deliver('{}', signedNow(secret, '{}'), { job: 'gone' })).body['code'], 'JOB_NOT_FOUND')
      const { secret: other } = (await manage('POST')).body
      assert.equal((await manage('DELETE')).status, 204)
      assert.equal((await deliver('{}', signedNow(other, '{}'))).status, 401)
      assert.equal((await manage('DELETE')).status, 404)
    })
  })
}
