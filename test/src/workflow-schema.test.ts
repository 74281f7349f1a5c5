/** docs/schemas/workflow.json: what editors say of a workflow as a file. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv } from 'ajv'

const OPTIONS = {
  ...{ strict: true, strictRequired: false, strictTypes: false, allErrors: true },
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/ },
}

test('the schema of a workflow file is one of draft 07, which editors know, and accepts both forms', () => {
  const schema = JSON.parse(readFileSync(new URL('../../docs/schemas/workflow.json', import.meta.url), 'utf8')) as { $schema: string }
  assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#')
  // Fields of an object that stand in its branches, and alternatives that say no type themselves.
  const ajv = new Ajv(OPTIONS)
  const validate = ajv.compile(schema)
  const nodes = [
    { id: 'a', handler: 'a', attempts: 2 },
    { id: 'b', decision: [{ when: 'true', to: ['c'] }, { otherwise: 'c' }], after: 'a' },
    { id: 'c', wait: { until: '2030-01-01T00:00:00Z' }, disabled: true },
  ]
  const right: unknown[] = [
    { name: 'short', nodes, failFast: true, attempts: 3, schedule: { everyMs: 60_000 } },
    {
      ...{
        name: 'texts',
        timeout: '30s',
        schedule: { every: '10m' },
        backoff: { type: 'list', delays: ['1s'] },
        rate: { count: 1, period: '1m' },
      },
      nodes: [{ id: 'a', handler: 'a', compensate: { handler: 'b', timeout: '2d', backoff: { type: 'fixed', delay: '10m' } } }],
    },
    {
      name: 'waits',
      nodes: [
        { id: 'a', wait: { duration: '2d' } },
        { id: 'b', wait: { durationMs: 5 } },
      ],
    },
    { name: 'request', nodes: [{ id: 'a', http: { url: 'https://example.org', headers: { a: { secret: 'A' } } }, timeout: '10s' }] },
    { $schema: 'docs/schemas/workflow.json', name: 'whole', workflow: { nodes, output: 'payload' }, priority: 'low' },
  ]
  for (const one of right) assert.ok(validate(one), ajv.errorsText(validate.errors))
  const wrong: unknown[] = [
    { name: 'without' },
    { nodes },
    { name: 'empty', nodes: [] },
    { name: 'typo', nodes, failfast: true },
    { name: 'both', nodes, workflow: { nodes } },
    { name: 'fan-out', nodes, shards: 2 },
    { name: 'kind', nodes: [{ id: 'a', shell: 'ls' }] },
    { name: 'kinds', nodes: [{ id: 'a', handler: 'a', wait: { durationMs: 1 } }] },
    { name: 'neither', nodes: [{ id: 'a', wait: {} }] },
    { name: 'twice', nodes: [{ id: 'a', wait: { duration: '1s', durationMs: 1 } }] },
    { name: 'request', nodes: [{ id: 'a', http: { url: 'https://example.org', method: 'get' } }] },
    { name: 'field', nodes: [{ id: 'a', handler: 'a', retries: 1 }] },
    { name: 'many', nodes: Array.from({ length: 1_001 }, (_, i) => ({ id: `n${i}`, handler: 'a' })) },
  ]
  for (const one of wrong) assert.ok(!validate(one), JSON.stringify(one).slice(0, 200))
})
