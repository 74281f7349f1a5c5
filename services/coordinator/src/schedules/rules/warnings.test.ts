import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scheduleWarnings } from './warnings.ts'

const warningsOf = (cron: string) => scheduleWarnings({ cron, timezone: 'UTC' })

test('an expression that means something else than it seems to has a warning that says what it means', () => {
  for (const [cron, means] of [
    ['* */15 * * * *', /every second of the minutes \*\/15; .* say "0 \*\/15 \* \* \* \*"/],
    ['* 9 * * *', /every minute of the hour 9; .* say "0 9 \* \* \*"/],
    ['*/45 * * * *', /minute field steps by 45: it fires at 0 and 45, and begins again after that; .*--every 45m --anchor 09:00/],
    ['0 */5 * * *', /hour field steps by 5: it fires at 0, 5 … 20, .*--every 5h/],
    ['0/7 * * * * *', /second field steps by 7/],
    [
      '0 0 */10 * *',
      /day of month field steps by 10: it fires at 1, 11, 21 and 31, .*for every 10 days .*--every 10d --anchor 2030-01-31T09:00:00Z/,
    ],
    ['0 0 */2 * *', /day of month field steps by 2: it fires at 1, 3 … 31, /],
    ['0 0 1 */5 *', /month field steps by 5: it fires at 1, 6 and 11, and begins again after that\.$/],
    ['0 0 * * */2', /day of week field steps by 2: it fires at 0, 2, 4 and 6, .*for every 2 days/],
    ['0 0 * * 7/2', /day of week field 7\/2 fires at 7 alone/],
    ['50/15 * * * *', /minute field 50\/15 fires at 50 alone/],
    ['0 0 1,15 * MON', /days of the month 1,15, and also on every day of the week MON/],
  ] as const) {
    const warnings = warningsOf(cron)
    assert.equal(warnings.length, 1, `${cron}: ${warnings.join(' ')}`)
    assert.match(warnings[0] as string, means)
  }
})

test('an expression that means what it says has none', () => {
  const plain = [
    '*/15 * * * *',
    '*/30 * * * * *',
    '0 */6 * * *',
    '5/15 * * * *',
    '0 9/2 * * *',
    '0 0 1 */3 *',
    '0 0 1 2/3 *',
    '0 0 * * SAT-SUN',
    '@daily',
    '* * * * * *',
    '0 9-17/3 * * *',
    '0 0 */1 * *',
    '0 0 L * ?',
  ]
  for (const cron of plain) assert.deepEqual(warningsOf(cron), [], cron)
  assert.deepEqual(scheduleWarnings({ everyMs: 5_000 }), [])
})
