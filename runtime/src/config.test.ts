import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { readConfig, SETTINGS } from './config.ts'

const WRONG: Partial<Record<keyof typeof SETTINGS, readonly string[]>> = {
  CARILLON_STORE_URL: [''],
  CARILLON_LOG_LEVEL: ['', 'loud', 'INFO'],
  CARILLON_STREAM_REPLICAS: ['', '0', '6', '1.5', 'three', 'NaN', 'Infinity'],
  CARILLON_LOG_RETENTION_DAYS: ['', '0', '-1', '4000', 'a week'],
  CARILLON_LOG_LINES_PER_RUN: ['', '99', '1e9', '150.5'],
  CARILLON_RUN_RETENTION_DAYS: ['', '0', '-1', '4000', 'a day'],
  CARILLON_RUNS_KEPT_PER_JOB: ['', '0', '2.5', '1e9'],
  CARILLON_KEY_RETENTION_DAYS: ['', '0', '4000'],
  CARILLON_ID_RETENTION_DAYS: ['', '0', '4000'],
  CARILLON_TRACE_URL: [
    'traces.example.com/{traceId}',
    'https://traces.example.com/',
    'javascript:alert(1)//{traceId}',
    'https:// /{traceId}',
  ],
  CARILLON_METRICS_PORT: ['-1', '65536', '1.5', 'yes'],
  CARILLON_METRICS_HOST: [''],
  CARILLON_HANDLER_RETENTION_HOURS: ['', '0', 'a day'],
  CARILLON_OIDC_ISSUER: [
    'id.example.com',
    'http://id.example.com',
    'https://id.example.com/?x=1',
    'https://user@id.example.com',
    'ftp://x',
  ],
  CARILLON_OIDC_SCOPES: ['', 'profile'],
  CARILLON_OIDC_CLAIM: [''],
  CARILLON_OIDC_ROLES: [
    'ops',
    '=default:viewer',
    'ops=viewer',
    'ops=default:owner',
    'ops=de fault:viewer',
    'ops=default:viewer:all',
    'a=*:admin;b',
  ],
  CARILLON_OIDC_DEFAULT_ROLE: ['viewer', 'default', 'default:viewer:payloads:x', '**:viewer'],
  CARILLON_OIDC_SESSION_HOURS: ['', '0', '400', 'a day'],
}

test('without variables the defaults hold, frozen', () => {
  const config = readConfig({})
  assert.equal(config.CARILLON_STORE_URL, 'sqlite:.carillon/carillon.db')
  assert.ok(Object.isFrozen(config))
  for (const schema of Object.values(SETTINGS)) assert.ok(schema.description)
})

test('numbers are read from text, foreign variables are left alone', () => {
  const config = readConfig({ CARILLON_STREAM_REPLICAS: '3', CARILLON_LOG_RETENTION_DAYS: '0.5', CARILLON_OTHER: 'x', PATH: '/' })
  assert.equal(config.CARILLON_STREAM_REPLICAS, 3)
  assert.equal(config.CARILLON_LOG_RETENTION_DAYS, 0.5)
  assert.equal(Object.hasOwn(config, 'CARILLON_OTHER'), false)
})

test('each wrong variable is named, with its value and what is right', () => {
  for (const [name, values] of Object.entries(WRONG))
    for (const value of values)
      assert.throws(
        () => readConfig({ [name]: value }),
        (error: CarillonError) => {
          assert.deepEqual([error.code, error.details.field, error.details.value], ['INVALID_CONFIG', name, JSON.stringify(value)])
          return Boolean(error.details.hint)
        },
        `${name}=${value}`,
      )
})

test('roles of a provider are read from one text, also of names with signs in them; its secret from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-config-'))
  try {
    const file = join(folder, 'secret')
    writeFileSync(file, 'of the client\n')
    const config = readConfig({
      CARILLON_OIDC_ROLES: ' cn=ops,dc=example = default:operator ; admins=*:admin:payloads;',
      CARILLON_OIDC_DEFAULT_ROLE: 'default:viewer',
      CARILLON_OIDC_CLIENT_SECRET_FILE: file,
    })
    assert.deepEqual(config.CARILLON_OIDC_ROLES, [
      { value: 'cn=ops,dc=example', namespace: 'default', role: 'operator', payloads: false },
      { value: 'admins', namespace: '*', role: 'admin', payloads: true },
    ])
    assert.deepEqual(config.CARILLON_OIDC_DEFAULT_ROLE, { namespace: 'default', role: 'viewer', payloads: false })
    assert.equal(config.CARILLON_OIDC_CLIENT_SECRET, 'of the client')
    const both = { CARILLON_OIDC_CLIENT_SECRET: 'x', CARILLON_OIDC_CLIENT_SECRET_FILE: file }
    assert.throws(() => readConfig(both), /use one of them/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
