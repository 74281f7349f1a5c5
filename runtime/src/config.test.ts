import assert from 'node:assert/strict'
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
