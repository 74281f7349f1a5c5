import { alerts } from './alerts.ts'
import { calendars } from './calendars.ts'
import { deadLetters } from './dead-letters.ts'
import { executors } from './executors.ts'
import { forms } from './forms.ts'
import { job } from './job.ts'
import { jobs } from './jobs.ts'
import { logs } from './logs.ts'
import { overview } from './overview.ts'
import { parts } from './parts.ts'
import { run } from './run.ts'
import { runs } from './runs.ts'
import { schedule } from './schedule.ts'
import { session } from './session.ts'
import { settings } from './settings.ts'
import { shell } from './shell.ts'
import { workflow } from './workflow.ts'

/** The English texts; the type of all catalogues. A page has a file of its own here and in `zh-cn/`. */
export const en = {
  shell,
  session,
  parts,
  overview,
  runs,
  run,
  forms,
  schedule,
  jobs,
  job,
  logs,
  executors,
  deadLetters,
  calendars,
  workflow,
  settings,
  alerts,
}
export type Messages = typeof en
