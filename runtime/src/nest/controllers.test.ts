import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogView, Page, ServiceHealth } from '@carillon/contracts'
import { type ControllerOf, controllerOf } from './controllers.ts'

const HEALTH: ServiceHealth = { service: 'logger', id: 'logger-1', version: '0', uptimeMs: 1, checks: [] }
const LINES: Page<LogView> = { items: [] }

const lines = {
  answers: {
    logsQuery: ({ input: { runId, limit } }) => (runId === '' || limit === 0 ? LINES : Promise.resolve(LINES)),
    logsSearch: () => ({ ...LINES, applied: {} }),
  },
  takes: { LOGS: async () => undefined },
} satisfies ControllerOf<'logger'>
const health = { answers: { loggerHealth: () => HEALTH }, receives: { 'beat.*': async () => undefined } } satisfies ControllerOf<'logger'>

test('the rooms of a service are one controller', () => {
  const { service, handlers } = controllerOf('logger', [lines, health])
  assert.equal(service, 'logger')
  assert.deepEqual([...handlers.keys()], ['call logs.query', 'call logs.search', 'batch LOGS', 'call logger.health', 'signal beat.*'])
  assert.throws(() => controllerOf('logger', [lines, health, health]), /two controllers of logger have "call logger.health"/)
})

test('what a controller lacks, or answers otherwise, does not compile', () => {
  // @ts-expect-error loggerHealth is unanswered
  controllerOf('logger', [lines])
  // @ts-expect-error a room that need not answer does not count
  controllerOf('logger', [lines, health as ControllerOf<'logger'>])
  // @ts-expect-error these are the calls of another service
  assert.ok(controllerOf('registry', [lines, health]))
  assert.ok({
    answers: {
      // @ts-expect-error the answer of another call
      loggerHealth: () => LINES,
    },
  } satisfies ControllerOf<'logger'>)
  assert.ok({
    answers: {
      // @ts-expect-error the call of another service
      jobsGet: () => LINES,
    },
  } satisfies ControllerOf<'logger'>)
  assert.ok({
    answers: {
      // @ts-expect-error the input has no such field
      logsQuery: ({ input: { job } }) => job ?? LINES,
    },
  } satisfies ControllerOf<'logger'>)
})
