import type { Messages } from '../en/messages.ts'
import { parts } from './parts.ts'
import { run } from './run.ts'
import { session } from './session.ts'
import { shell } from './shell.ts'

export const zhCn: Messages = { shell, session, parts, run }
