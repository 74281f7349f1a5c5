/** What every store adapter must do, as cases without a test runner, and the records they are made of. */
import { ACCOUNT_CASES } from './account-cases.ts'
import { ALERT_CASES } from './alert-cases.ts'
import { CALENDAR_CASES } from './calendar-cases.ts'
import { CHANGE_CASES } from './change-cases.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { DEAD_LETTER_CASES } from './dead-letter-cases.ts'
import { GATE_CASES } from './gate-cases.ts'
import { INSERT_CASES } from './insert-cases.ts'
import { JOB_CASES } from './job-cases.ts'
import { LIST_CASES } from './list-cases.ts'
import { LOG_CASES } from './log-cases.ts'
import { RETENTION_CASES } from './retention-cases.ts'
import { SEARCH_CASES } from './search-cases.ts'
import { SIGNAL_CASES } from './signal-cases.ts'
import { SIZE_CASES } from './size-cases.ts'
import { STATS_CASES } from './stats-cases.ts'
import { STORE_CASES } from './store-cases.ts'
import { TEXT_CASES } from './text-cases.ts'
import { UPDATE_CASES } from './update-cases.ts'
import { WEBHOOK_CASES } from './webhook-cases.ts'

export { aDelivery } from './alert-records.ts'
export type { ConformanceCase, ConformanceContext } from './conformance-case.ts'
export {
  aCalendar,
  aChange,
  aFinish,
  aJob,
  aLetter,
  aLine,
  aRollup,
  aRun,
  aSignal,
  aStep,
  aTask,
  headOf,
  runId,
  START_AT,
  taskHeadOf,
} from './records.ts'

/** Each case is run on a fresh, empty database. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  ...ACCOUNT_CASES,
  ...INSERT_CASES,
  ...UPDATE_CASES,
  ...LIST_CASES,
  ...SEARCH_CASES,
  ...JOB_CASES,
  ...ALERT_CASES,
  ...CALENDAR_CASES,
  ...CHANGE_CASES,
  ...DEAD_LETTER_CASES,
  ...GATE_CASES,
  ...LOG_CASES,
  ...SIGNAL_CASES,
  ...SIZE_CASES,
  ...TEXT_CASES,
  ...RETENTION_CASES,
  ...STATS_CASES,
  ...STORE_CASES,
  ...WEBHOOK_CASES,
]
