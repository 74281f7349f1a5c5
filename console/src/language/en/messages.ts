import { parts } from './parts.ts'
import { run } from './run.ts'
import { session } from './session.ts'
import { shell } from './shell.ts'

/** The English texts; the type of all catalogues. A page has a file of its own here and in `zh-cn/`. */
export const en = { shell, session, parts, run }
export type Messages = typeof en
