/** The HTTP API of a gateway, over a whole mesh. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CallName, HTTP_ROUTES } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { SECRET, startVictim, stateOf, tryEveryRoute, type Victim } from '../support/http-attacks.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

/** Calls that read by POST. */
const READS: readonly CallName[] = ['jobsCheck', 'jobsPreview', 'tasksResults', 'tasksJournal', 'tasksMemory']

const read = async (url: string, headers: Record<string, string>) => {
  const answered = await fetch(url, { headers })
  return { status: answered.status, text: await answered.text() }
}

for (const store of STORES) {
  describe(`HTTP, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    const namespace = freshNamespace()
    let client: Client
    let base = ''
    let signedIn: Record<string, string> = {}
    let started: Promise<Victim> | undefined
    const victimOfAll = () => (started ??= startVictim(mesh, cleanup))

    const ask = async (line: string, body?: unknown, headers: Record<string, string> = {}) => {
      const [method = '', path = ''] = line.split(' ')
      const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
      const response = await fetch(base + path, { method, ...init, headers: { ...signedIn, ...headers } })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
    }

    before(async () => {
      mesh = await startMesh(cleanup, { store, gateways: 1 })
      ;({ client } = await mesh.connect({ namespace }))
      signedIn = await mesh.accounts.token(namespace)
      base = `${mesh.httpUrls[0]}/api/v1/namespaces/${namespace}`
    })

    test('a job is put, read, listed, started and removed', async () => {
      const put = await ask('PUT /jobs/report', { payload: { day: 1 } })
      assert.equal(put.status, 200)
      const { stats, ...job } = (await ask('GET /jobs/report')).body
      assert.deepEqual([job, stats.succeeded], [put.body, 0])
      assert.deepEqual(
        (await ask('GET /jobs?limit=5')).body.items.map(({ name }: { name: string }) => name),
        ['report'],
      )
      const started = await ask('POST /jobs/report/runs', { key: 'day-1' })
      const { runId } = started.body
      assert.deepEqual((await ask(`GET /runs/${runId}`)).body, await client.runs.get(runId))
      assert.equal((await ask('DELETE /jobs/report?keepRuns=true')).status, 200)
      assert.equal((await ask('GET /jobs/report')).body.code, 'JOB_NOT_FOUND')
    })

    test('the ETag of a job keeps two people from overwriting each other', async () => {
      const put = (attempts: number, headers: Record<string, string>) => ask('PUT /jobs/edited', { attempts }, headers)
      const made = await put(1, { 'if-none-match': '*' })
      assert.deepEqual([made.status, made.headers.get('etag')], [200, '"v1"'])
      assert.equal(made.headers.get('vary'), 'cookie, authorization')
      assert.equal((await put(2, { 'if-none-match': '*' })).body.code, 'PRECONDITION_FAILED')
      const outcomes = await Promise.all([2, 3, 4, 5].map((attempts) => put(attempts, { 'if-match': '"v1"' })))
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), [200, 412, 412, 412])
      const read = await ask('GET /jobs/edited')
      assert.deepEqual([read.headers.get('etag'), read.body.revision], ['"v2"', 2])
      assert.equal((await ask('DELETE /jobs/edited', undefined, { 'if-match': '"v1"' })).status, 412)
      for (const [tag, code] of [
        ['W/"v2"', 'PRECONDITION_FAILED'],
        ['"abc"', 'INVALID_REQUEST'],
        ['"v0"', 'INVALID_REQUEST'],
      ] as const)
        assert.equal((await put(7, { 'if-match': tag })).body.code, code, tag)
      assert.equal((await put(7, { 'if-match': '"v9"' })).status, 412)
      assert.equal((await ask('DELETE /jobs/edited', undefined, { 'if-match': '"v2"' })).status, 200)
      assert.equal((await put(1, { 'if-match': '"v2"' })).status, 412)
    })

    test('the audit log has every change, whichever door it came through, and only admins may read it', async () => {
      await ask('PUT /jobs/audited', { timeoutMs: 1_000, payload: { card: '4111' } })
      await client.jobs.put({ name: 'audited', timeoutMs: 2_000, payload: { card: '4111' } })
      await ask('PUT /jobs/audited', { schedule: { cron: '0 0 31 4 *' } })
      const entries = await eventually('the entries', async () => {
        const { items } = (await ask('GET /audit?action=jobs.put')).body
        const own = items.filter(({ resource }: { resource: string }) => resource === 'audited')
        return own.length === 3 && own.reverse()
      })
      const of = (field: string) => entries.map((entry: Record<string, unknown>) => entry[field])
      assert.deepEqual(of('via'), ['http', 'nats', 'http'])
      assert.deepEqual(of('outcome'), ['done', 'done', 'CRON_NEVER_FIRES'])
      assert.match(entries[0].actorId, /^token\//)
      assert.deepEqual([entries[1].actorId, entries[1].changes], [undefined, [{ field: 'timeoutMs', from: 1_000, to: 2_000 }]])
      assert.ok(!JSON.stringify(entries).includes('4111'))
      const developer = await mesh.accounts.token(namespace, 'developer')
      assert.equal((await ask('GET /audit', undefined, developer)).status, 403)
      assert.equal((await ask('GET /audit?limit=0')).body.code, 'INVALID_REQUEST')
    })

    test('who knows a revision is not sent it again', async () => {
      await ask('PUT /calendars/holidays', { days: ['2040-12-25'] })
      const known = { 'if-none-match': '"v1"', 'cache-control': 'max-age=0' }
      const unchanged = await ask('GET /calendars/holidays', undefined, known)
      assert.deepEqual([unchanged.status, unchanged.body, unchanged.headers.get('etag')], [304, undefined, '"v1"'])
      const changed = await ask('PUT /calendars/holidays', { days: ['2041-12-25'] }, { 'if-match': '"v1"' })
      assert.equal(changed.headers.get('etag'), '"v2"')
      assert.equal((await ask('GET /calendars/holidays', undefined, known)).status, 200)
      assert.equal((await ask('DELETE /calendars/holidays', undefined, { 'if-match': '"v1"' })).status, 412)
      assert.equal((await ask('DELETE /calendars/holidays', undefined, { 'if-match': '"v2"' })).status, 200)
    })

    test('an idempotency key starts one run', async () => {
      await ask('PUT /jobs/daily', {})
      const start = (headers: Record<string, string>, body: object = { payload: { day: 1 } }) => ask('POST /jobs/daily/runs', body, headers)
      const first = await start({ 'idempotency-key': 'daily-1' })
      const { runId } = first.body
      assert.deepEqual([first.status, first.headers.get('location')], [201, `/api/v1/namespaces/${namespace}/runs/${runId}`])
      const again = await start({ 'idempotency-key': 'daily-1' })
      assert.deepEqual([again.status, again.body.runId, again.body.created], [200, runId, false])
      assert.equal((await start({ 'idempotency-key': 'daily-1' }, { key: 'daily-1', payload: { day: 1 } })).status, 200)
      const other = await start({ 'idempotency-key': 'daily-1' }, { key: 'daily-2' })
      assert.deepEqual([other.status, other.body.field], [400, 'key'])
      await ask('PUT /jobs/weekly', {})
      const conflict = await ask('POST /jobs/weekly/runs', {}, { 'idempotency-key': 'daily-1' })
      assert.deepEqual([conflict.status, conflict.body.code], [422, 'KEY_CONFLICT'])
      assert.equal((await fetch(new URL(first.headers.get('location') ?? '', base), { headers: signedIn })).status, 200)
      // A namespace may have a name of the path.
      const url = new URL('/api/v1/namespaces/jobs/jobs/daily/runs', base)
      const elsewhere = await fetch(url, { method: 'POST', headers: await mesh.accounts.token('jobs'), body: '{}' })
      const { runId: id } = (await elsewhere.json()) as { runId: string }
      assert.equal(elsewhere.headers.get('location'), `/api/v1/namespaces/jobs/runs/${id}`)
    })

    test('a list leads to its next page', async () => {
      for (const name of ['page-1', 'page-2', 'page-3']) await ask(`PUT /jobs/${name}`, {})
      const names: string[] = []
      let path: string | undefined = '/jobs?limit=2'
      while (path !== undefined) {
        const page: Awaited<ReturnType<typeof ask>> = await ask(`GET ${path}`)
        names.push(...page.body.items.map(({ name }: { name: string }) => name))
        const link: string | undefined = /^<(.+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
        assert.equal(link === undefined, page.body.next === undefined)
        path = link?.slice(`/api/v1/namespaces/${namespace}`.length)
      }
      for (const name of ['page-1', 'page-2', 'page-3']) assert.ok(names.includes(name))
      assert.equal(new Set(names).size, names.length)
    })

    test('names of another namespace mean nothing in a body', async () => {
      const victim = await victimOfAll()
      const before = await stateOf(victim)
      const schedule = { cron: '0 0 * * *', timezone: 'UTC' }
      const refusals: [string, object, string][] = [
        [
          'PUT /jobs/own',
          { handler: 'x', schedule: { ...schedule, calendars: [{ rule: 'skip', calendar: 'hidden' }] } },
          'CALENDAR_NOT_FOUND',
        ],
        ['PUT /alert-rules/own', { scene: 'run-failed', channels: ['hidden'] }, 'ALERT_CHANNEL_NOT_FOUND'],
        // Without such a job here it is the name of a handler.
        ['POST /jobs/hidden/runs', {}, ''],
        ['POST /jobs/hidden/webhook', {}, 'JOB_NOT_FOUND'],
        ['POST /schedules/preview', { name: 'hidden' }, 'JOB_NOT_FOUND'],
        ['POST /runs/bulk', { action: 'cancel', ids: [victim.waiting] }, ''],
        ['POST /runs/bulk', { action: 'cancel', filter: { job: 'flow' } }, ''],
        ['PUT /jobs/after', { handler: 'x', afterJobs: [{ job: 'hidden' }] }, ''],
        ['PUT /jobs/parent', { workflow: { nodes: [{ id: 'a', job: 'hidden' }] } }, ''],
      ]
      for (const [line, body, code] of refusals) {
        const answered = await ask(line, body)
        assert.ok(code === '' ? answered.status < 500 : answered.body.code === code, `${line} ${JSON.stringify(answered.body)}`)
        assert.ok(!JSON.stringify(answered.body).includes(SECRET))
      }
      // Stored by name, they are the names of this namespace.
      const { runId } = (await ask('POST /jobs/parent/runs', {})).body
      const child = await eventually('a child run', async () => (await ask(`GET /runs/${runId}/tree`)).body.nodes[0].childRunId)
      // The node names it before it is stored.
      await eventually('it is there', async () => (await ask(`GET /runs/${child}`)).status === 200)
      assert.ok(!(await read(`${base}/runs`, signedIn)).text.includes(SECRET))
      assert.deepEqual(await stateOf(victim), before)
    })

    test('nothing of another namespace is read or changed by its ids, in any route', async () => {
      const victim = await victimOfAll()
      const headers = await mesh.accounts.token(namespace)
      const before = await stateOf(victim)
      const attempts = await tryEveryRoute(base, { victim, headers })
      for (const { call, status, text } of attempts) {
        assert.ok(!text.includes(SECRET), `${call}: ${text}`)
        assert.ok(status < 500, `${call}: ${status} ${text}`)
      }
      assert.deepEqual(await stateOf(victim), before)
      // An id of theirs is as good as one that nobody has. A signal is kept for a run that is yet to come, which this one is not.
      const nobody = {
        ...victim,
        failed: '0'.repeat(26),
        waiting: '1'.repeat(26),
        letter: '2'.repeat(26),
        incident: victim.incident.replace(/^.{5}/, 'i0000'),
      }
      const ghosts = await tryEveryRoute(base, { victim: nobody, headers })
      const said = ({ call, status, text }: (typeof ghosts)[number]) => `${call} ${status} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ''}`
      const ofThings = ({ call }: (typeof ghosts)[number]) => /\{(runId|taskId|id)\}/.test(HTTP_ROUTES[call].path) && call !== 'runsSignal'
      assert.deepEqual(attempts.filter(ofThings).map(said), ghosts.filter(ofThings).map(said))
      // Without any role there, each route of it is the same refusal.
      const there = base.replace(namespace, victim.namespace)
      for (const { call, status, text } of await tryEveryRoute(there, { victim, headers }))
        assert.match(`${status} ${text}`, /^403 .*"FORBIDDEN"/, call)
      const origin = new URL(base).origin
      for (const path of ['events', `runs/${victim.failed}/events`, 'members', 'members/x', 'tokens', 'audit', 'jobs/hidden/webhook'])
        assert.equal((await read(`${there}/${path}`, headers)).status, 403, path)
      assert.equal((await read(`${origin}/api/v1/stream?namespace=${victim.namespace}&topics=runs`, headers)).status, 403)
      for (const path of ['events', 'logs?follow=true'])
        assert.equal((await read(`${base}/runs/${victim.failed}/${path}`, headers)).status, 404, path)
      await mesh.accounts.token(victim.namespace)
      const { items } = JSON.parse((await read(`${there}/tokens`, await mesh.accounts.admin())).text)
      const revoked = await fetch(`${base}/tokens/${items[0].id}`, { method: 'DELETE', headers: await mesh.accounts.admin() })
      assert.equal(revoked.status, 404)
      assert.deepEqual(await stateOf(victim), before)
    })

    test('who may not see payloads finds them in no answer, not even as an admin', async () => {
      const victim = await victimOfAll()
      const there = base.replace(namespace, victim.namespace)
      const only = (call: CallName) => HTTP_ROUTES[call].method === 'GET' || READS.includes(call)
      const seen = await tryEveryRoute(there, { victim, headers: await mesh.accounts.token(victim.namespace, 'admin', true), only })
      // What is looked for is there.
      assert.ok(
        seen.filter(({ text }) => text.includes(SECRET)).length >= 8,
        seen.flatMap(({ call, text }) => (text.includes(SECRET) ? [call] : [])).join(),
      )
      const blind = await mesh.accounts.token(victim.namespace, 'admin', false)
      const attempts = await tryEveryRoute(there, { victim, headers: blind, only })
      for (const path of [
        'audit',
        'members',
        'tokens',
        'jobs/hidden/webhook',
        `logs?text=${SECRET}`,
        `runs?text=${SECRET}`,
        `runs/count?text=${SECRET}`,
      ])
        attempts.push({ call: path as CallName, ...(await read(`${there}/${path}`, blind)) })
      const leaks = attempts.filter(({ text }) => text.includes(SECRET)).map(({ call, text }) => `${call}: ${text}`)
      assert.deepEqual(leaks, [])
      const search = { action: 'cancel', dryRun: true, filter: { text: SECRET } }
      const oracle = await fetch(`${there}/runs/bulk`, { method: 'POST', headers: blind, body: JSON.stringify(search) })
      assert.equal((await oracle.json()).code, 'FORBIDDEN')
      // A channel is where the texts of errors are sent.
      const channel = { target: { kind: 'webhook', url: 'https://example.com/' } }
      const put = await fetch(`${there}/alert-channels/mine`, { method: 'PUT', headers: blind, body: JSON.stringify(channel) })
      assert.equal((await put.json()).code, 'FORBIDDEN')
      // Who reads a job without its payload and puts it back would remove the payload.
      const job = `${there}/jobs/hidden`
      const shown = JSON.parse((await read(job, blind)).text)
      const back = await fetch(job, { method: 'PUT', headers: blind, body: JSON.stringify({ name: 'hidden', handler: shown.handler }) })
      assert.equal((await back.json()).code, 'FORBIDDEN')
      const fresh = await fetch(`${there}/jobs/fresh`, { method: 'PUT', headers: blind, body: JSON.stringify({ handler: shown.handler }) })
      assert.equal(fresh.status, 200)
      // Answers to changes and refusals do not say it either.
      const other = await startVictim(mesh, cleanup)
      const toThem = base.replace(namespace, other.namespace)
      const changes = await tryEveryRoute(toThem, { victim: other, headers: await mesh.accounts.token(other.namespace, 'admin', false) })
      assert.deepEqual(
        changes.flatMap(({ call, text }) => (text.includes(SECRET) ? [`${call}: ${text}`] : [])),
        [],
      )
    })

    test('a cursor is a place in a list, whoever made it, and shows nothing else', async () => {
      const victim = await victimOfAll()
      const there = base.replace(namespace, victim.namespace)
      const theirs = await mesh.accounts.token(victim.namespace)
      const lists = [
        'jobs',
        'runs',
        'calendars',
        'instances',
        'dead-letters',
        'incidents',
        'alert-rules',
        'alert-channels',
        'logs',
        'audit',
        'tokens',
      ]
      for (const list of lists) {
        const { text } = await read(`${there}/${list}?limit=1`, theirs)
        const forged = [
          'x',
          '..',
          "' or 1=1 --",
          '{"$gt":""}',
          btoa('["",""]'),
          btoa('[{"$gt":""}]'),
          `${'A'.repeat(8)}~x`,
          '__proto__',
          'A'.repeat(300),
          '%00',
        ]
        for (const cursor of [JSON.parse(text).next, ...forged].filter((one) => one !== undefined)) {
          const { status, text: shown } = await read(`${base}/${list}?cursor=${encodeURIComponent(cursor)}`, signedIn)
          assert.ok(status === 200 || status === 400, `${list} ${cursor}: ${status} ${shown}`)
          // The audit log has what this test has tried.
          const theirs = list === 'audit' ? [victim.namespace] : [victim.failed, victim.letter, victim.incident]
          for (const name of [SECRET, ...theirs]) assert.ok(!shown.includes(name), `${list} ${cursor}: ${shown}`)
        }
      }
    })

    test('a search is for a text: no pattern of it is run', async () => {
      const victim = await victimOfAll()
      const there = base.replace(namespace, victim.namespace)
      const theirs = await mesh.accounts.token(victim.namespace)
      const found = async (list: string, text: string) =>
        (await read(`${there}/${list}text=${encodeURIComponent(text)}`, theirs)).text.includes(victim.failed)
      for (const list of ['runs?', 'logs?', `runs/${victim.failed}/logs?`]) {
        assert.ok(await found(list, '4111'), list)
        for (const pattern of [
          '(a+)+$',
          '.*',
          '4.11',
          '4_11',
          '%4111%',
          '[4]111',
          '4{1}111',
          '^(.*a){20}$',
          '(?i)SECRET',
          "4111' or '1'='1",
          '4111*',
          '{"$ne":1}',
          '/4111/',
        ])
          assert.ok(!(await found(list, pattern)), `${list} ${pattern}`)
      }
      assert.equal((await read(`${there}/runs?text=${'a'.repeat(5_000)}`, theirs)).status, 400)
    })

    test('wrong input names the field', async () => {
      const refusals: [string, string, unknown, number, string, string][] = [
        ['PUT', '/jobs/report', { shard: 3 }, 400, 'INVALID_REQUEST', 'shard'],
        ['PUT', '/jobs/report', { name: 'other' }, 400, 'INVALID_REQUEST', 'name'],
        ['PUT', '/jobs/report', '{"__proto__":{"handler":"x"}}', 400, 'INVALID_REQUEST', '__proto__'],
        ['PUT', '/jobs/report', '[]', 400, 'INVALID_REQUEST', 'request'],
        ['PUT', '/jobs/report', '"text"', 400, 'INVALID_REQUEST', 'request'],
        ['PUT', '/jobs/report', { schedule: { cron: '99 * * * *', timezone: 'UTC' } }, 400, 'INVALID_CRON', 'schedule.cron'],
        ['POST', '/jobs/report/runs', `{"payload":${'['.repeat(70)}${']'.repeat(70)}}`, 400, 'JSON_TOO_DEEP', 'request'],
        ['POST', '/jobs/report/runs', '{"payload":{"id":9007199254740993}}', 400, 'INTEGER_TOO_LARGE', 'request.payload.id'],
        ['GET', '/jobs?limit=many', undefined, 400, 'INVALID_REQUEST', 'limit'],
        ['GET', '/jobs?limit=1&limit=2', undefined, 400, 'INVALID_REQUEST', 'limit'],
        ['GET', '/jobs?__proto__=1', undefined, 400, 'INVALID_REQUEST', 'query'],
        ['GET', '/jobs?constructor=1', undefined, 400, 'INVALID_REQUEST', 'query'],
        [
          'GET',
          `/jobs?${'a=1&'.repeat(200)}${Array.from({ length: 200 }, (_, i) => `b${i}=1`).join('&')}`,
          undefined,
          400,
          'INVALID_REQUEST',
          'query',
        ],
        ['GET', '/jobs/no%20name', undefined, 400, 'INVALID_NAME', 'name'],
        ['GET', '/runs/abcdef0123456789abcd', undefined, 404, 'RUN_NOT_FOUND', 'runId'],
      ]
      for (const [method, path, body, status, code, field] of refusals) {
        const refused = await ask(`${method} ${path}`, body)
        const said = [refused.status, refused.body.code, refused.body.field]
        assert.deepEqual(said, [status, code, field], `${method} ${path.slice(0, 40)} ${JSON.stringify(refused.body).slice(0, 300)}`)
        assert.match(refused.headers.get('content-type') ?? '', /^application\/problem\+json/)
      }
    })
  })
}
