import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { checkCron } from './cron.ts'

test('what is wrong in a field is said in words, not in those of the parser', () => {
  const whyOf = (cron: string) => {
    try {
      checkCron({ cron, timezone: 'UTC' }, Date.UTC(2026, 0, 1))
    } catch (error) {
      return (error as CarillonError).message
    }
    return assert.fail(`accepted: ${cron}`)
  }
  for (const [cron, why] of [
    ['-1 * * * *', 'the minute field says "-1", which is no value, range or step'],
    ['1.5 * * * *', 'the minute field says "1.5", which is no value, range or step'],
    ['60 * * * *', 'the minute field says "60", beyond its range of 0-59'],
    ['0 22-24 * * *', 'the hour field says "22-24", beyond its range of 0-23'],
    ['*/0 * * * *', 'the minute field says "*/0", a step of 0'],
    ['*/x * * * *', 'the minute field says "*/x", which is no step: say */5'],
    ['0 0 15W * *', 'the day of month field says "15W": the nearest weekday cannot be said'],
    ['0 0 L-3 * *', 'the day of month field says "L-3": days before the last one of the month cannot be said'],
    ['0 0 1L * *', 'the day of month field says "1L", which is no value, range or step'],
    ['0 0 * * 5#6', 'the day of week field says "5#6", which is no value, range or step'],
  ] as const)
    assert.equal(whyOf(cron), `cron "${cron}": ${why}`)
})
