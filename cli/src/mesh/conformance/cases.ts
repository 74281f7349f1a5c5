import type { Case } from './case.ts'
import { ASSIGNMENTS } from './cases/assignments.ts'
import { CONTROL } from './cases/control.ts'
import { DRAIN } from './cases/drain.ts'
import { LOGS } from './cases/logs.ts'
import { MAP } from './cases/map.ts'
import { OFFERS } from './cases/offers.ts'
import { REGISTRATION } from './cases/registration.ts'
import { REPORTS } from './cases/reports.ts'
import { STEPS } from './cases/steps.ts'
import { WORK } from './cases/work.ts'

/** Every case. The last one ends the executor. */
export const CASES: readonly Case[] = [
  ...REGISTRATION,
  ...OFFERS,
  ...ASSIGNMENTS,
  ...WORK,
  ...REPORTS,
  ...LOGS,
  ...CONTROL,
  ...MAP,
  ...STEPS,
  ...DRAIN,
]

/** What an executor offers to be tested. */
export const HANDLERS = [
  'conformance-echo',
  'conformance-fail',
  'conformance-progress',
  'conformance-slow',
  'conformance-map',
  'conformance-steps',
] as const
